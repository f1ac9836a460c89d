"""Random reductions and scans with NumPy's answers: numpy_reductions.py DIR SEED COUNT. A line a case:
number op axis keepdims masked initial dtype ddof, and how the array is made of its base. Float sums are made in long double."""
import sys, os
import numpy as np

np.seterr(all='ignore')
out_dir, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
DTYPES = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
OPS = 'sum prod min max mean var stddev any all count_nonzero ptp argmin argmax cumsum cumprod'.split()

def values(op, dtype, shape):
    n, kind = int(np.prod(shape)), np.dtype(dtype).kind
    if kind == 'b': return rng.integers(0, 2, n).astype(bool).reshape(shape)
    # Means of numbers whose sum cancels have few right digits, in whatever they are added.
    if kind in 'iu' and op in ('mean', 'var', 'stddev'): return rng.integers(0, 100, n).astype(dtype).reshape(shape)
    if kind in 'iu': return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, n, dtype=dtype, endpoint=True).reshape(shape)
    x = rng.standard_normal(n) if 'prod' not in op else 1 + rng.standard_normal(n) * 0.05
    if op in ('any', 'all', 'count_nonzero'): x = np.where(rng.random(n) < 0.3, 0, x)
    if kind == 'c': return (x + 1j * rng.standard_normal(n) * (0.05 if 'prod' in op else 1)).astype(dtype).reshape(shape)
    if op in ('min', 'max', 'argmin', 'argmax', 'sum') and rng.random() < 0.2 and n: x[int(rng.integers(0, n))] = rng.choice([np.nan, np.inf, -np.inf])
    return x.astype(dtype).reshape(shape)

def wide(x):
    return {'f': np.longdouble, 'c': np.clongdouble}.get(x.dtype.kind, x.dtype)

def expected(op, x, axis, keepdims, mask, initial, ddof):
    more = {} if mask is None else {'where': mask}
    if op in ('sum', 'prod'):
        kind = x.dtype.kind
        result = np.int64 if kind in 'bi' else np.uint64 if kind == 'u' else x.dtype
        if initial is not None: more['initial'] = initial
        inner = result if kind in 'biu' else wide(x)
        return np.asarray(getattr(np, op)(x.astype(inner), axis=axis, keepdims=keepdims, **more)).astype(result)
    if op in ('min', 'max'):
        if initial is not None: more['initial'] = initial
        return np.asarray(getattr(np, op)(x, axis=axis, keepdims=keepdims, **more))
    if op in ('mean', 'var', 'stddev'):
        result = np.dtype('f8') if x.dtype.kind in 'biu' else x.dtype
        y = x.astype(np.longdouble if x.dtype.kind in 'biuf' else np.clongdouble)
        if op == 'mean': return np.asarray(np.mean(y, axis=axis, keepdims=keepdims, **more)).astype(result)
        part = {'c': {8: 'f4', 16: 'f8'}.get(x.dtype.itemsize)}.get(x.dtype.kind, result)
        return np.asarray((np.var if op == 'var' else np.std)(y, axis=axis, keepdims=keepdims, ddof=ddof, **more)).astype(part)
    if op in ('any', 'all'): return np.asarray(getattr(np, op)(x, axis=axis, keepdims=keepdims, **more))
    if op == 'count_nonzero': return np.asarray(np.sum(x != 0, axis=axis, keepdims=keepdims, dtype='i8', **more))
    if op == 'ptp': return np.asarray(np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims))
    if op in ('argmin', 'argmax'): return np.asarray(getattr(np, op)(x, axis=axis, keepdims=keepdims))
    kind = x.dtype.kind
    result = np.int64 if kind in 'bi' else np.uint64 if kind == 'u' else x.dtype
    return np.asarray(getattr(np, op)(x.astype(result if kind in 'biu' else wide(x)), axis=axis)).astype(result)

number = 0
while number < count:
    op = OPS[number % len(OPS)]
    dtype = DTYPES[int(rng.integers(0, len(DTYPES)))]
    if op == 'ptp' and dtype == 'bool': continue
    rank = int(rng.integers(0, 5))
    shape = tuple(int(rng.choice([1, 2, 3, 5, 17, 40] if rank < 4 else [1, 2, 3, 7])) for _ in range(rank))
    if rng.random() < 0.1 and rank: shape = (int(rng.choice([0, 1, 5000, 100000])),) + tuple(1 if rng.random() < 0.5 else 3 for _ in shape[1:3])
    order = rng.permutation(len(shape))
    steps = [int(rng.choice([1, 1, 1, 2, -1])) for _ in shape]
    base_shape = [shape[a] * abs(steps[a]) for a in order]
    base = values(op, dtype, base_shape)
    index = '[' + ','.join('::%d' % steps[a] for a in order) + ']' if shape else '[]'
    view = (eval('base' + index) if shape else base).transpose(np.argsort(order))
    axes = [int(a) for a in range(len(shape)) if rng.random() < 0.5]
    axis = None if rng.random() < 0.3 else tuple(axes)
    scan = op.startswith('cum')
    if op.startswith('arg') or scan: axis = None if rng.random() < 0.3 or not shape else int(rng.integers(0, len(shape)))
    keepdims = bool(rng.integers(0, 2)) and not scan
    mask = None
    if rng.random() < 0.25 and op not in ('argmin', 'argmax', 'ptp') and not scan: mask = rng.random(view.shape) < 0.6
    initial = None
    if op in ('sum', 'prod') and rng.random() < 0.2: initial = 3
    if op in ('min', 'max') and (rng.random() < 0.2 or mask is not None or view.size == 0): initial = 1
    if dtype == 'bool' and initial is not None and op in ('min', 'max'): initial = True
    ddof = int(rng.integers(0, 2)) if op in ('var', 'std') else 0
    if view.size == 0 and (op.startswith('arg') or op == 'ptp'): continue
    result = expected(op, view, axis, keepdims, mask, initial, ddof)
    np.save(os.path.join(out_dir, '%d_x.npy' % number), base)
    np.save(os.path.join(out_dir, '%d_out.npy' % number), result)
    if mask is not None: np.save(os.path.join(out_dir, '%d_mask.npy' % number), mask)
    axis_text = 'all' if axis is None else ','.join(map(str, axis if isinstance(axis, tuple) else (axis,))) or '-'
    print(number, op, axis_text, int(keepdims), int(mask is not None), 'none' if initial is None else int(initial), ddof, index,
          ','.join(str(int(a)) for a in np.argsort(order)) or '-')
    number += 1
