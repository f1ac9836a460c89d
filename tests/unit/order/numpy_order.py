"""Random sorts, searches, sets and statistics with NumPy's answers: numpy_order.py DIR SEED COUNT. A line a case:
number op axis extra index axes, where index and axes say how the array is made of its base. Results are NUMBER_out0.npy and on."""
import os, sys, warnings
import numpy as np

warnings.simplefilter('ignore')
np.seterr(all='ignore')
out_dir, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
NUMBERS = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
REAL = NUMBERS[:12]
OTHERS = ['S1', 'S5', 'S11', 'U1', 'U4', 'M8[s]', 'm8[ms]', 'record']
RECORD = np.dtype([('a', 'i2'), ('b', 'f8'), ('c', 'S3'), ('d', 'u1', (2,))])
OPS = ['sort', 'argsort', 'partition', 'lexsort', 'searchsorted', 'unique', 'isin', 'union1d', 'intersect1d', 'setdiff1d', 'setxor1d', 'median',
       'quantile', 'percentile', 'histogram', 'edges', 'bincount', 'digitize']

def values(dtype, n, nan=True):
    few = rng.random() < 0.5
    if dtype == 'record':
        x = np.zeros(n, RECORD)
        for name in 'abc': x[name] = values({'a': 'int16', 'b': 'float64', 'c': 'S3'}[name], n) if rng.random() < 0.5 else x[name]
        x['d'] = rng.integers(0, 3, (n, 2))
        return x
    d = np.dtype(dtype)
    if d.kind in 'SU':
        letters = np.array([0, 97, 98, 98, 0xe9, 0x7a][:4 if d.kind == 'S' else 6], 'u1' if d.kind == 'S' else 'u4')
        length = d.itemsize // letters.itemsize
        text = np.sort(letters[rng.integers(0, len(letters), (n, length))], axis=1)[:, ::-1]  # NULs last
        shuffled = np.where(text == 0, text, np.take_along_axis(text, (np.arange(length) * 3) % length + np.zeros((n, 1), 'i8'), 1))
        return np.ascontiguousarray(np.where(shuffled == 0, text, shuffled)).view(d).reshape(n)
    if d.kind in 'Mm':
        x = rng.integers(-5, 5, n) if few else rng.integers(-2**62, 2**62, n)
        return np.where(rng.random(n) < 0.1, np.iinfo('i8').min, x).astype('i8').view(d)
    if d.kind == 'b': return rng.integers(0, 2, n).astype(bool)
    if d.kind in 'iu':
        i = np.iinfo(d)
        return rng.integers(0 if d.kind == 'u' else -4, 4, n).astype(d) if few else rng.integers(i.min, i.max, n, dtype=d, endpoint=True)
    x = rng.integers(-4, 4, n).astype('f8') if few else rng.standard_normal(n) * 10.0 ** rng.integers(-3, 3)
    if nan: x = np.where(rng.random(n) < 0.1, rng.choice([np.nan, np.inf, -np.inf, -0.0, 5e-324], n), x)
    if d.kind == 'c':
        y = rng.permutation(x)
        out = np.empty(n, d)
        out.real, out.imag = x, y
        return out
    return x.astype(d)

def pick(names): return names[int(rng.integers(0, len(names)))]

number = 0
while number < count:
    op = OPS[number % len(OPS)]
    kinds = REAL if op in ('median', 'quantile', 'percentile', 'histogram', 'edges', 'digitize') else NUMBERS + OTHERS
    if op == 'bincount': kinds = ['uint8', 'int16', 'int64', 'bool']
    dtype = pick(kinds)
    rank = 1 if op == 'bincount' else int(rng.integers(1, 4))
    shape = tuple(int(pick([1, 2, 3, 7, 30])) for _ in range(rank))
    if rng.random() < 0.15: shape = (int(pick([0, 1, 100, 5000])),) + tuple(min(n, 2) for n in shape[1:])
    if rng.random() < 0.04 and dtype not in OTHERS: shape = (140000,)
    order = rng.permutation(len(shape))
    steps = [int(pick([1, 1, 1, 2, -1])) for _ in shape]
    base_shape = [shape[a] * abs(steps[a]) for a in order]
    finite = op in ('histogram', 'median', 'quantile', 'percentile') and rng.random() < 0.8 or op == 'histogram'
    base = values(dtype, int(np.prod(base_shape)), not finite).reshape(base_shape)
    if op == 'bincount': base = (base.astype('i8') % 50).astype(dtype)
    index = '[' + ','.join('::%d' % steps[a] for a in order) + ']'
    x = eval('base' + index).transpose(np.argsort(order))
    axis = None if rng.random() < 0.2 else int(rng.integers(0, len(shape)))
    extra, second, outs = '-', None, None
    record = dtype == 'record'
    fields = None
    if op in ('sort', 'argsort') and record and rng.random() < 0.7:
        fields = [str(f) for f in rng.permutation(['a', 'b', 'c'])[:int(rng.integers(1, 4))]]
        extra = ','.join(fields)
    flat = x.reshape(-1)
    if op == 'sort': outs = [np.sort(x, axis=axis, order=fields, kind='stable')]
    elif op == 'argsort': outs = [np.argsort(x, axis=axis, order=fields, kind='stable')]
    elif op == 'partition':
        if record or x.dtype.kind in 'SU': continue
        n = x.size if axis is None else x.shape[axis]
        if n == 0 or x.size == 0: continue
        kth = [int(k) for k in rng.integers(-n, n, int(rng.integers(1, 4)))]
        extra = ','.join(str(k) for k in kth)
        outs = [np.take(np.sort(x, axis=axis), [k], axis=0 if axis is None else axis) for k in kth]
    elif op == 'lexsort':
        if axis is None or record: continue
        second = values(pick(NUMBERS + OTHERS[:-1]), x.size).reshape(x.shape)
        outs = [np.lexsort((x, second), axis=axis)]
    elif op == 'searchsorted':
        if record: continue
        extra = pick(['left', 'right'])
        other = dtype if dtype in OTHERS else pick(NUMBERS)
        second = np.sort(values(other, int(pick([0, 1, 5, 100, 3000]))))
        if x.dtype.kind == 'c' or second.dtype.kind == 'c': continue  # NumPy's own order of NaN parts is another one here
        outs = [np.searchsorted(second, x, side=extra)]
    elif op == 'unique':
        if x.dtype.kind == 'c' and np.isnan(flat).any(): continue  # NumPy keeps one of several kinds of NaN
        if record and np.isnan(flat['b']).any(): continue  # and every record that has one
        outs = list(np.unique(x, True, True, True))
        if x.dtype.kind == 'f': outs[0] = np.where(outs[0] == 0, np.zeros_like(outs[0]), outs[0])
        outs[2] = outs[2].reshape(x.shape)
    elif op in ('isin', 'union1d', 'intersect1d', 'setdiff1d', 'setxor1d'):
        if record or x.dtype.kind in 'Mm': continue
        other = dtype if dtype in OTHERS else pick(NUMBERS)
        second = values(other, int(pick([0, 1, 5, 100, 3000])), False)
        if op in ('union1d', 'setxor1d') or x.dtype.kind in 'c':
            both = np.concatenate([flat, second])
            if both.dtype.kind in 'fc' and np.isnan(both).any(): continue
        common = np.result_type(x, second)
        a, b = (x, second) if x.dtype.kind in 'SU' else (x.astype(common), second.astype(common))
        outs = [getattr(np, op)(a, b)]
    elif op in ('median', 'quantile', 'percentile'):
        if x.size == 0 or (axis is not None and 0 in x.shape): continue
        wide = x.astype('f8')
        if op == 'median': out = np.median(wide, axis=axis)
        else:
            second = rng.random(int(rng.integers(1, 4))) if rng.random() < 0.8 else np.array([0.0, 1.0, 0.5])
            if op == 'percentile': second = second * 100
            out = getattr(np, op)(wide, second, axis=axis)
            if np.isinf(wide).any(): continue  # NumPy's inf − inf
        outs = [np.asarray(out, dtype=x.dtype if x.dtype.kind == 'f' else 'f8')]
    elif op == 'histogram':
        bins = int(rng.integers(1, 40))
        if x.dtype.kind in 'iu' and x.dtype.itemsize == 8: continue  # NumPy subtracts these as integers
        if x.dtype.kind == 'f' and x.dtype.itemsize < 8: x = base = base.astype('f8'); index, order = '[' + ','.join('::1' for _ in shape) + ']', np.arange(len(shape))
        if rng.random() < 0.4: second = rng.random(x.shape)
        extra = str(bins)
        outs = list(np.histogram(x.astype('f8'), bins, weights=second))
    elif op == 'edges':
        third = np.unique(rng.integers(-6, 6, int(rng.integers(2, 8)))).astype('f8')
        if len(third) < 2: continue
        second = third
        outs = [np.histogram(x.astype('f8'), third)[0]]
    elif op == 'bincount':
        x = np.abs(x) if x.dtype.kind == 'i' else x
        base = x
        index, order = '[::1]', np.arange(1)
        extra = str(int(rng.integers(0, 60)))
        if rng.random() < 0.5: second = rng.random(x.shape)
        outs = [np.bincount(x, second, int(extra)).astype('i8' if second is None else 'f8')]
    elif op == 'digitize':
        second = np.sort(values('float64', int(pick([1, 5, 20])), False))
        if rng.random() < 0.5: second = second[::-1].copy()
        extra = str(int(rng.integers(0, 2)))
        outs = [np.digitize(x.astype('f8'), second, right=extra == '1')]
    np.save(os.path.join(out_dir, '%d_x.npy' % number), base)
    if second is not None: np.save(os.path.join(out_dir, '%d_y.npy' % number), second)
    for i, out in enumerate(outs): np.save(os.path.join(out_dir, '%d_out%d.npy' % (number, i)), out)
    print(number, op, 'all' if axis is None else axis, extra, int(second is not None), len(outs), index, ','.join(str(int(a)) for a in np.argsort(order)))
    number += 1
