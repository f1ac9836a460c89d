"""Random selections with NumPy's answers: numpy_selecting.py DIR SEED COUNT. A line a case:
number op parameters outputs inputs, and for each input how it is made of its file: an index and an order of axes ("v:" before
the index: the file's field v, which is unaligned). No outputs: NumPy refuses it. Where x is written, the output is its file."""
warnings.simplefilter('error')
OTHERS = ['S1', 'S3', 'S7', 'S16', 'U2', 'U5', 'M8[s]', 'm8[ms]', np.dtype([('a', '<i2'), ('b', '<f8')]), np.dtype([('a', 'u1'), ('b', 'u1'), ('c', 'u1')]),
          np.dtype([('a', 'i1'), ('b', 'f8'), ('c', 'S2', (3,))], align=True)]
OPS = 'get get get get assign assign assign assign take take put take_along put_along compress nonzero argwhere flatnonzero select'.split()

def any_dtype(): return choose(NUMERIC) if chance(65) else choose(OTHERS)

def lengths(rank, large=False):
    if large: return [pick(100, 250), pick(200, 400)] + [pick(1, 3) for _ in range(rank - 2)]
    return [int(rng.choice([0, 1, 1, 2, 3, 4, 5, 7])) if chance(60) else pick(1, 5) for _ in range(rank)]

class Case:
    def __init__(self): self.inputs, self.text, self.parameters, self.before = [], [], '-', None
    def ask(self, parameters): self.parameters = parameters
    def save(self, name):
        for i, x in enumerate(self.inputs): np.save(name + '_x%d.npy' % i, self.before if i == 0 and self.before is not None else x)
    def add(self, given):
        """A view with these values of what is saved: with steps, backwards, axes in any order, unaligned."""
        given = np.asarray(given)
        order, steps = layout_of(given.ndim)
        shape, odd = [given.shape[a] * abs(steps[a]) for a in order], chance(15)
        base = values([('pad', 'u1'), ('v', given.dtype)] if odd else given.dtype, shape)
        if not base.flags.writeable: base = base.copy()
        index = '[' + ','.join('::%d' % steps[a] for a in order) + ']' if given.ndim else '[]'
        inner = base['v'] if odd else base
        view = (eval('inner' + index) if given.ndim else inner[...]).transpose(np.argsort(order))
        view[...] = given
        self.inputs.append(base)
        self.text.append(('v:' if odd else '') + index + ' ' + join(np.argsort(order)))
        return view
    def random(self, dtype, shape, ordinary=False): return self.add(values(dtype, shape, ordinary))

def positions(shape, length, wrong=2):
    """Of any integer dtype that holds them, negative ones too; now and then one outside."""
    if length == 0 and not chance(wrong): shape = tuple(shape)[:-1] + (0,) if len(shape) else (0,)
    n = int(np.prod(shape))
    chosen = rng.integers(-length, max(length, 1), n) if chance(50) else rng.integers(0, max(length, 1), n)
    if n and chance(wrong): chosen[pick(0, n - 1)] = choose([length, -length - 1, length + 5])
    fits = [t for t in INTEGERS if n == 0 or (np.iinfo(t).min <= int(chosen.min()) and int(chosen.max()) <= np.iinfo(t).max)]
    return chosen.reshape(shape).astype(choose(fits))

def mask_of(shape, trues):
    size = int(np.prod(shape))
    mask = np.zeros(size, bool)
    if trues is None: mask[:] = rng.integers(0, 100, size) < choose([5, 50, 90])
    else: mask[rng.permutation(size)[:trues]] = True
    return mask.reshape(shape)

def random_index(case, shape):
    """Entries of an index for this shape, and how they are spelled."""
    common = lengths(pick(0, 2)) if chance(30) else [pick(1, 6) for _ in range(pick(0, 2))]
    entries, text, axis, rest, used = [], [], 0, chance(60), False
    alone = chance(25)  # one mask or index array of any length
    def put(entry, spelling): entries.append(entry); text.append(spelling)
    def put_array(given):
        view = case.add(given)
        put(view, 'a%d' % (len(case.inputs) - 1))
    while True:
        if chance(9): put(None, 'n')
        if chance(2): put_array(np.array(chance(70)))
        if rest and chance(20):
            put(Ellipsis, 'e')
            rest, axis = chance(1), axis + pick(0, len(shape) - axis)
        if axis >= len(shape) or chance(10): break
        kind, left = pick(0, 99), len(shape) - axis
        if kind < 15 and shape[axis]:
            at = pick(-shape[axis], shape[axis] - 1 + chance(2))
            put(at, 'i%d' % at)
        elif kind < 45:
            ends = [None if chance(30) else pick(-8, 8) for _ in range(2)] + [None if chance(40) else choose([1, 1, 2, 3, -1, -2, -3])]
            put(slice(*ends), 's' + ':'.join('' if e is None else str(e) for e in ends))
        elif kind < 75 and not (alone and used):
            put_array(positions(lengths(pick(0, 2)) if alone else [n if chance(80) else 1 for n in common[pick(0, len(common)):]], shape[axis]))
            used = True
        elif not (alone and used):
            axes = pick(1, min(left, 3))
            over = [n for n in shape[axis:axis + axes]]
            if chance(2): over[-1] += 1
            put_array(mask_of(over, None if alone or not common else min(choose([1, common[-1], common[-1]]), int(np.prod(over)))))
            axis, used = axis + axes - 1, True
        axis += 1
    if chance(1): put(0, 'i0')
    if not entries: put(Ellipsis, 'e')
    return tuple(entries), '|'.join(text)

def some_x(case, large, least=0, dtype=None):
    return case.random(dtype or any_dtype(), lengths(pick(max(least, 2) if large else least, 4), large))

def taken(x, index):
    """x[index]; positions outside an axis are refused where the result is empty too, which NumPy lets pass now and then."""
    result, axis = x[index], 0
    def length(entry): return 0 if entry is None or entry is Ellipsis else entry.ndim if isinstance(entry, np.ndarray) and entry.dtype == bool else 1
    for entry in index:
        if isinstance(entry, np.ndarray) and entry.dtype != bool and entry.size:
            if int(entry.max()) >= x.shape[axis] or int(entry.min()) < -x.shape[axis]: raise IndexError
        axis += x.ndim - sum(map(length, index)) if entry is Ellipsis else length(entry)
    return result

def get(case, large):
    x = some_x(case, large)
    index, text = big_index(case, x) if large else random_index(case, x.shape)
    case.ask(text)
    return [np.array(taken(x, index), x.dtype)]  # a scalar of text would lose its length

def big_index(case, x):
    """Masks and long index arrays over a large array."""
    kind = pick(0, 4)
    if kind == 0: index = (case.add(mask_of(x.shape, None)),)
    elif kind == 1: index = (slice(None, None, choose([1, 2, -1])), case.add(mask_of(x.shape[1:2], None)))
    elif kind == 2: index = (case.add(positions([pick(100, 400)], x.shape[0], 0)),)
    elif kind == 3: index = (Ellipsis, case.add(positions([pick(100, 400)], x.shape[-1], 0)))
    else: index = (case.add(positions([pick(100, 300), 200], x.shape[0], 0)), case.add(positions([200], x.shape[1], 0)))
    spelled = ['e' if e is Ellipsis else 's::%d' % e.step if isinstance(e, slice) else None for e in index]
    first = len(case.inputs) - spelled.count(None)
    for i, word in enumerate(spelled):
        if word is None: spelled[i], first = 'a%d' % first, first + 1
    return index, '|'.join(spelled)

def write_at(case, x, where, new):
    """x.flat[where] = new in C order, so that the last one stands (NumPy takes the order of the index array's memory)."""
    case.before, flat = case.inputs[0].copy(), x.copy().ravel()
    for at, value in zip(where.ravel(), new.ravel()) if where.size < 3000 else (): flat[at] = value
    if where.size >= 3000: flat[np.ascontiguousarray(where).ravel()] = np.ascontiguousarray(new).ravel()
    x[...] = flat.reshape(x.shape)
    return [case.inputs[0]]

def value_dtype(x, refused=3):
    if x.dtype.kind not in 'biufc' or chance(40): return x.dtype
    if chance(refused): return choose(NUMERIC)
    return choose([t for t in NUMERIC if np.can_cast(t, x.dtype, 'same_kind')])

def random_value(case, x, shape):
    """A number, or an array that broadcasts to the shape; and a call for what it is as x's dtype."""
    if x.dtype.kind in 'iufc' and chance(25):
        number = pick(0, 9)
        return 'number:%d' % number, lambda: np.full(shape, number, x.dtype)
    dtype = value_dtype(x)
    kept = list(shape)[pick(0, len(shape)) if chance(50) else 0:]
    kept = [1 if chance(15) else n for n in kept]
    if chance(5): kept = [1] * (len(shape) - len(kept) + pick(0, 1)) + kept
    if kept and chance(3): kept[-1] += 1
    given = case.random(dtype, kept, dtype != x.dtype)
    while len(kept) > len(shape) and kept[0] == 1: kept = kept[1:]
    def cast():
        new = np.broadcast_to(given.reshape(kept), shape)
        return new.astype(x.dtype, casting='same_kind') if dtype != x.dtype else new.copy()
    return 'array', cast

def assign(case, large):
    x = some_x(case, large)
    index, text = big_index(case, x) if large else random_index(case, x.shape)
    case.ask(text + ';number:1')
    where = np.asarray(taken(np.arange(x.size).reshape(x.shape), index))
    how, cast = random_value(case, x, where.shape)
    case.ask('%s;%s' % (text, how))
    new, direct = cast(), x.copy()
    direct[index] = new
    out = write_at(case, x, where, new)
    if np.unique(where).size == where.size and not x.dtype.isalignedstruct: assert direct.tobytes() == x.tobytes()
    return out

def take(case, large):
    x = some_x(case, large)
    axis = None if x.ndim == 0 or chance(25) else axis_of(x)
    length, mode = x.size if axis is None else x.shape[axis], choose(['raise', 'wrap', 'clip'])
    shape = [pick(100, 300)] if large else lengths(pick(0, 2))
    at = positions(shape, length) if mode == 'raise' else rng.integers(-20, 20, shape) if length or chance(5) else np.zeros([0], int)
    at = case.add(at)
    case.ask('%s;%s' % ('none' if axis is None else axis, mode))
    if at.size and (length == 0 or mode == 'raise' and (int(at.max()) >= length or int(at.min()) < -length)): raise IndexError  # empty results too
    return [np.array(np.take(x, at.astype(np.int64), axis, mode=mode), x.dtype)]

def put(case, large):
    x, mode = some_x(case, large), choose(['raise', 'wrap', 'clip'])
    shape = [pick(100, 300)] if large else lengths(pick(0, 2))
    at = positions(shape, x.size) if mode == 'raise' else rng.integers(-20, 20, shape) if x.size else np.zeros([0], int)
    at = case.add(at).astype(np.int64).ravel()
    dtype = value_dtype(x, 0)
    given = case.random(dtype, [pick(1, 6) for _ in range(pick(0, 2))], dtype != x.dtype)
    case.ask(mode)
    if mode == 'wrap' and at.size: at = at % x.size
    if mode == 'clip' and at.size: at = np.clip(at, 0, x.size - 1)
    if at.size and (at.max() >= x.size or at.min() < -x.size): raise IndexError
    at = np.where(at < 0, at + x.size, at)
    new = np.resize(given.astype(x.dtype, casting='same_kind'), at.size) if at.size else np.empty(0, x.dtype)
    return write_at(case, x, at, new)

def along(case, large):
    x = some_x(case, large, 1)
    axis = axis_of(x)
    shape = [pick(1, 3) if n == 1 else n if chance(80) else 1 for n in x.shape]
    shape[axis] = pick(0, 6) if x.shape[axis] else 0
    if large: shape[axis] = pick(50, 100)
    return x, axis, case.add(positions(shape, x.shape[axis]))

def take_along(case, large):
    x, axis, at = along(case, large)
    case.ask(str(axis))
    return [np.take_along_axis(x, at, axis)]

def put_along(case, large):
    x, axis, at = along(case, large)
    case.ask('%d;number:1' % axis)
    where = np.take_along_axis(np.arange(x.size).reshape(x.shape), at, axis)
    how, cast = random_value(case, x, where.shape)
    case.ask('%d;%s' % (axis, how))
    return write_at(case, x, where, cast())

def compress(case, large):
    x = some_x(case, large)
    axis = None if x.ndim == 0 or chance(25) else axis_of(x)
    length = x.size if axis is None else x.shape[axis]
    condition = case.add(mask_of([pick(0, length) if chance(30) else length], None))
    case.ask('none' if axis is None else str(axis))
    return [np.compress(condition, x, axis)]

def zeros_and_others(case, large, least):
    x = some_x(case, large, least, choose(NUMERIC))
    x[mask_of(x.shape, None)] = 0
    if chance(10): x[...] = 0
    return x
def nonzero(case, large): return list(np.nonzero(zeros_and_others(case, large, 1)))
def argwhere(case, large): return [np.argwhere(zeros_and_others(case, large, 1))]
def flatnonzero(case, large): return [np.flatnonzero(zeros_and_others(case, large, 1))]

def select(case, large):
    shape, n = lengths(pick(2 if large else 0, 3), large), pick(1, 4)
    def part(): return [k if chance(85) else 1 for k in shape[0 if chance(70) else pick(0, len(shape)):]]
    conditions = [case.add(mask_of(part(), None)) for _ in range(n)]
    choices = [case.random(choose(NUMERIC), part(), True) for _ in range(n)]
    number = chance(50)
    default = pick(0, 9) if number else case.random(choose(NUMERIC), part(), True)
    dtype = np.result_type(*[c.dtype for c in choices], *([] if number else [default.dtype]))
    if number and dtype == bool: dtype = np.dtype(np.int64)
    full = np.broadcast_shapes(*[np.shape(a) for a in conditions + choices + [default]])
    result, done = np.broadcast_to(np.asarray(default).astype(dtype), full).copy(), np.zeros(full, bool)
    for condition, choice in zip(conditions, choices):
        here = np.broadcast_to(condition, full) & ~done
        result[here] = np.broadcast_to(choice, full).astype(dtype)[here]
        done |= here
    case.ask('%d;%s' % (n, 'number:%d' % default if number else 'array'))
    return [result]

for number in range(count):
    op, case = OPS[number % len(OPS)], Case()
    try: outputs = globals()[op](case, chance(3))
    except (IndexError, ValueError, TypeError, DeprecationWarning): outputs = []
    case.save(os.path.join(out_dir, str(number)))
    for i, x in enumerate(outputs): np.save(os.path.join(out_dir, '%d_y%d.npy' % (number, i)), x)
    print(number, op, case.parameters, len(outputs), len(case.inputs), *case.text)
