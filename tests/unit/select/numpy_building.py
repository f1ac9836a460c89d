"""Random calls of the building functions with NumPy's answers: numpy_building.py DIR SEED COUNT. A line a case:
number op parameters outputs inputs, and for each input how it is made of its file: an index and an order of axes."""
RECORD = [('a', '<i2'), ('b', '<f8')]
OTHERS = ['S3', 'S7', 'U2', 'U5', 'M8[s]', 'm8[ms]', RECORD, np.dtype([('a', 'i1'), ('b', 'f8'), ('c', 'S2', (3,))], align=True)]
OPS = 'meshgrid tril triu tile repeat concat stack split unstack roll flip rot90 pad diff'.split()

def lengths(rank, large=False):
    if large: return [pick(100, 250), pick(200, 400)] + [pick(1, 3) for _ in range(rank - 2)]
    return [int(rng.choice([0, 1, 1, 2, 3, 4, 5, 7])) for _ in range(rank)]

class Case:
    def __init__(self): self.inputs, self.text = [], []
    def add(self, dtype, shape, ordinary=False):
        """An array of this shape: a view of what is saved, with steps, backwards, axes in any order."""
        order, steps = layout_of(len(shape))
        base = values(dtype, [shape[a] * abs(steps[a]) for a in order], ordinary)
        index = '[' + ','.join('::%d' % steps[a] for a in order) + ']' if len(shape) else '[]'
        view = (eval('base' + index) if len(shape) else base).transpose(np.argsort(order))
        self.inputs.append(base)
        self.text.append(index + ' ' + join(np.argsort(order)))
        return view

def any_dtype(): return NUMERIC[pick(0, 13)] if chance(70) else OTHERS[pick(0, len(OTHERS) - 1)]

def same_kind_dtypes():
    """Dtypes that join."""
    if chance(70): return lambda: NUMERIC[pick(0, 13)]
    which = pick(0, 3)
    if which == 0: return lambda: 'S%d' % pick(1, 9)
    if which == 1: return lambda: 'U%d' % pick(1, 6)
    return lambda kind=OTHERS[pick(4, 7)]: kind

def pad_reference(x, widths, mode, value):
    if mode == 'constant':
        out = np.zeros([b + n + a for n, (b, a) in zip(x.shape, widths)], x.dtype)
        if value is not None: out[...] = value
        out[tuple(slice(b, b + n) for n, (b, a) in zip(x.shape, widths))] = x
        return out
    if mode == 'edge' and x.ndim: return np.pad(x, widths, mode)
    for axis, (b, a) in enumerate(widths):  # by positions: of several periods NumPy 1.24 gets some wrong, which later ones mend
        n = x.shape[axis]
        if not (b or a): continue
        at = np.arange(-b, n + a)
        if mode == 'reflect': at = abs((at + n - 1) % (2 * n - 2) - n + 1) if n > 1 else at * 0
        elif mode == 'symmetric': at = np.where(at % (2 * n) < n, at % (2 * n), 2 * n - 1 - at % (2 * n))
        at = at % n
        if mode != 'wrap' and not (b and a and max(b, a) >= 2 * n - 2): assert np.array_equal(np.pad(np.arange(n), (b, a), mode), at)
        x = np.take(x, at, axis)
    return x

def meshgrid(case, large):
    arrays = [case.add(any_dtype(), [pick(0, 4)] if chance(90) else []) for _ in range(pick(1, 4))]
    indexing, sparse = ('xy', 'ij')[pick(0, 1)], pick(0, 1)
    return '%s;%d' % (indexing, sparse), np.meshgrid(*arrays, indexing=indexing, sparse=bool(sparse))

def tril(case, large, call=np.tril):
    x, k = case.add(any_dtype(), lengths(pick(2, 4), large)), pick(-5, 5)
    return str(k), [call(x, k)]
def triu(case, large): return tril(case, large, np.triu)

def tile(case, large):
    x = case.add(any_dtype(), lengths(pick(2 if large else 0, 3), large))
    times = [pick(0, 3) if chance(20) else pick(1, 4) for _ in range(pick(0, 4))] if not large else [pick(1, 2), pick(1, 3)]
    return join(times), [np.tile(x, times)]

def repeat(case, large):
    x = case.add(any_dtype(), lengths(pick(2 if large else 0, 4), large))
    axis = None if x.ndim == 0 or chance(25) else axis_of(x)
    length = x.size if axis is None else x.shape[axis]
    counts = [pick(0, 4)] if chance(50) or length > 1000 else [pick(0, 3) for _ in range(length)]
    if large and axis is None: counts = [pick(2, 4)]
    return '%s;%s' % ('none' if axis is None else axis, join(counts)), [np.repeat(x, counts if counts else np.zeros(0, int), axis)]

def concat(case, large):
    dtype, rank = same_kind_dtypes(), pick(2 if large else 0, 4)
    shape, axis = lengths(rank, large), None if rank == 0 or chance(20) else pick(-rank, rank - 1)
    arrays = []
    for _ in range(pick(1, 5)):
        if axis is None: shape = lengths(pick(0, 3))
        else: shape[axis] = pick(0, 5) if not large else pick(100, 400)
        arrays.append(case.add(dtype(), list(shape), True))
    out = 'none'
    if arrays[0].dtype.kind in 'biufc' and chance(50):
        want = np.concatenate([np.ravel(a) for a in arrays]).dtype
        choices = [d for d in NUMERIC if np.can_cast(want, d, 'same_kind')]
        out = choices[pick(0, len(choices) - 1)]
    if out == 'none': result = np.concatenate(arrays, axis)
    else: result = np.concatenate(arrays, axis, dtype=out, casting='same_kind')
    return '%s;%s' % ('none' if axis is None else axis, out), [result]

def stack(case, large):
    dtype, shape = same_kind_dtypes(), lengths(pick(2 if large else 0, 4), large)
    arrays, axis = [case.add(dtype(), shape, True) for _ in range(pick(1, 4))], pick(-len(shape) - 1, len(shape))
    return str(axis), [np.stack(arrays, axis)]

def split(case, large):
    shape = lengths(pick(1, 4))
    axis = pick(-len(shape), len(shape) - 1)
    if chance(50):
        parts = pick(1, 4)
        shape[axis] = parts * pick(0, 3)
        return '%d;parts;%d' % (axis, parts), np.split(case.add(any_dtype(), shape), parts, axis)
    at = [pick(-9, 9) for _ in range(pick(0, 4))]
    return '%d;at;%s' % (axis, join(at)), np.split(case.add(any_dtype(), shape), at, axis)

def unstack(case, large):
    x = case.add(any_dtype(), lengths(pick(1, 4)))
    axis = axis_of(x)
    x = np.moveaxis(x, axis, 0)
    return str(axis), [x[i:i + 1].reshape(x.shape[1:]) for i in range(len(x))]

def roll(case, large):
    x = case.add(any_dtype(), lengths(pick(2 if large else 0, 4), large))
    if x.ndim == 0 or chance(30): axes = None
    else: axes = [axis_of(x) for _ in range(pick(1, 3))]
    shifts = [pick(-9, 9) if chance(90) else pick(-2**40, 2**40) for _ in range(1 if axes is None or chance(30) else len(axes))]
    if axes and len(axes) == 1 and chance(30): shifts.append(pick(-3, 3))
    return '%s;%s' % ('none' if axes is None else join(axes), join(shifts)), [np.roll(x, shifts[0] if axes is None else shifts, axes)]

def flip(case, large):
    x = case.add(any_dtype(), lengths(pick(0, 4)))
    axes = None if chance(30) else tuple(a for a in range(x.ndim) if chance(50))
    return 'all' if axes is None else join(axes), [np.flip(x, axes) if x.ndim else x]

def rot90(case, large):
    x = case.add(any_dtype(), lengths(pick(2, 4)))
    axes, k = [int(a) for a in rng.permutation(x.ndim)[:2]], pick(-5, 5)
    return '%d;%s' % (k, join(axes)), [np.rot90(x, k, axes)]

def pad(case, large):
    dtype, mode = any_dtype(), ('constant', 'edge', 'reflect', 'symmetric', 'wrap')[pick(0, 4)]
    x = case.add(dtype, lengths(pick(2 if large else 0, 4), large))
    def width(n):
        most = {'constant': 5, 'edge': 5, 'reflect': max(9, n - 1), 'symmetric': max(9, n), 'wrap': 15}[mode]
        return pick(0, min(most, 15)) if n or mode == 'constant' else 0
    widths = [(width(n), width(n)) for n in x.shape]
    value = pick(0, 1) if mode == 'constant' and x.dtype.kind in 'biufc' and chance(50) else None
    return '%s;%s;%s' % (mode, join(w for pair in widths for w in pair), 'none' if value is None else value), [pad_reference(x, widths, mode, value)]

def diff(case, large):
    dtype, shape = NUMERIC[pick(0, 13)], lengths(pick(2 if large else 1, 4), large)
    x, axis, n, more = case.add(dtype, shape, True), pick(-len(shape), len(shape) - 1), int(rng.choice([0, 1, 1, 1, 2, 3, 9])), {}
    for name in ('prepend', 'append'):
        if not chance(30): continue
        other = list(shape)
        other[axis] = pick(0, 2)
        more[name] = case.add(NUMERIC[pick(0, 13)], other if chance(60) else [], True)
    return '%d;%d;%d;%d' % (axis, n, 'prepend' in more, 'append' in more), [np.diff(x, n, axis, **more)]

for number in range(count):
    op, case = OPS[number % len(OPS)], Case()
    parameters, outputs = globals()[op](case, chance(3))
    for i, x in enumerate(case.inputs): np.save(os.path.join(out_dir, '%d_x%d.npy' % (number, i)), x)
    for i, x in enumerate(outputs): np.save(os.path.join(out_dir, '%d_y%d.npy' % (number, i)), x)
    print(number, op, parameters, len(outputs), len(case.inputs), *case.text)
