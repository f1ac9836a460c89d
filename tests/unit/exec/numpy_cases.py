"""Random element-wise cases with NumPy's answers: numpy_cases.py DIR SEED COUNT OPS…

Writes DIR/<case>_<operand>.npy (bases), DIR/<case>_out.npy and prints a line a case: number, op, and for each operand how it is
made of its base: an index, and T where it is transposed. Each op is OP:ARITY:LOOPS:RULE of the library's list.

Where this NumPy is not what the library follows (NumPy 2, array API), `own` says what is expected instead.
"""
import sys, os
import numpy as np

np.seterr(all='ignore')
out_dir, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
DTYPES = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
NAMES = {'abs': 'absolute', 'real': 'real', 'imag': 'imag', 'pow': 'power', 'bitwise_left_shift': 'left_shift', 'atan2': 'arctan2',
         'bitwise_right_shift': 'right_shift', 'bitwise_invert': 'invert', 'asin': 'arcsin', 'acos': 'arccos', 'atan': 'arctan',
         'asinh': 'arcsinh', 'acosh': 'arccosh', 'atanh': 'arctanh'}
SMALL = {'exp', 'exp2', 'expm1', 'sinh', 'cosh', 'pow', 'logaddexp', 'logaddexp2'}
UNIT = {'asin', 'acos', 'atanh'}

def float_for(dtype):
    return {1: 'f2', 2: 'f4'}.get(np.dtype(dtype).itemsize, 'f8')

def own(op, args):
    """What the library gives where NumPy 1.24 gives something else; None: as NumPy."""
    x = args[0]
    kind = x.dtype.kind
    if op in ('floor', 'ceil', 'trunc', 'rint') and kind in 'biu': return x.copy()           # array API: integers stay
    if op == 'sign' and kind == 'c': return np.where(x == 0, x * 0, x / np.where(x == 0, 1, np.abs(x))).astype(x.dtype)  # NumPy 2
    if op == 'reciprocal' and kind in 'biu': return 1.0 / x.astype('f8')                     # array API: a float function
    if op in ('signbit',) and kind in 'biu': return np.signbit(x.astype(float_for(x.dtype)))
    if op == 'log1p' and kind == 'c': return np.log1p(x.astype('G')).astype(x.dtype)           # NumPy's loses digits near 0
    if op == 'real' or op == 'imag': return np.array(getattr(np, op)(x))
    if len(args) == 2 and op in ('equal', 'not_equal', 'less', 'less_equal', 'greater', 'greater_equal'):
        kinds = {args[0].dtype.kind, args[1].dtype.kind}
        if kinds == {'i', 'u'} and np.result_type(*args) == np.float64:                      # NumPy 2: exact
            return getattr(np, op)(args[0].astype(object), args[1].astype(object)).astype(bool)
    return None

def values(op, dtype, shape, second):
    n = int(np.prod(shape))
    kind = np.dtype(dtype).kind
    if kind == 'b': return rng.integers(0, 2, n).astype(bool).reshape(shape)
    if kind in 'iu':
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
        small = rng.integers(0, 8, n).astype(dtype) if op in ('pow', 'ldexp', 'bitwise_left_shift', 'bitwise_right_shift') and second \
            else rng.integers(max(info.min, -9), 9, n).astype(dtype)
        often = 1.0 if op in ('pow', 'ldexp') and second else 0.9 if op in SMALL else 0.4
        x = np.where(rng.random(n) < often, small, x)
        return x.astype(dtype).reshape(shape)
    scale = 4.0 if op in SMALL else 1.0 if op in UNIT else 10.0 ** rng.integers(-2, 4)
    x = rng.standard_normal(n) * scale
    if op in UNIT: x = np.tanh(x)
    if kind == 'c': return (x + 1j * rng.standard_normal(n) * min(scale, 3.0)).astype(dtype).reshape(shape)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)])
    x = np.where(rng.random(n) < 0.15, rng.choice(special, n), x)
    return x.astype(dtype).reshape(shape)

def make_view(op, dtype, shape, second):
    """A base and how to cut an array of this shape out of it."""
    transposed = len(shape) > 1 and rng.random() < 0.3
    inner = tuple(reversed(shape)) if transposed else shape
    base_shape, index = [], []
    for length in inner:
        step = int(rng.choice([1, 1, 1, 2, -1, -2]))
        if length == 0 or step == 1:
            lead = int(rng.integers(0, 3))
            base_shape.append(length + lead)
            index.append('%d:%d' % (lead, lead + length))
        elif step > 0:
            base_shape.append(length * step)
            index.append('::%d' % step)
        else:
            base_shape.append(length * -step)
            index.append('::%d' % step)
    base = values(op, dtype, tuple(base_shape), second)
    text = '[' + ','.join(index) + ']' if index else '[]'
    view = eval('base' + text) if index else base
    return base, text + ('T' if transposed else ''), view.T if transposed else view

def shapes(arity):
    rank = int(rng.integers(0, 4))
    full = [int(rng.choice([0, 1, 2, 3, 5, 17, 64, 70] if rank < 3 else [1, 2, 3, 5, 9])) for _ in range(rank)]
    if rng.random() < 0.1: full = [int(rng.choice([3000, 70000]))]
    out = []
    for _ in range(arity):
        mine = [1 if rng.random() < 0.2 else length for length in full]
        if rng.random() < 0.15: mine = mine[int(rng.integers(0, len(mine) + 1)):]
        out.append(tuple(mine))
    return out

def pick(op, loops, rule, position):
    while True:
        dtype = DTYPES[int(rng.integers(0, len(DTYPES)))]
        kind = np.dtype(dtype).kind
        if op == 'ldexp' and position == 1:
            if kind in 'iu' and dtype not in ('uint64', 'uint32', 'int64'): return dtype
            continue
        converts = rule in ('floats', 'real', 'exponent') and kind in 'biu'
        if kind in loops or converts or (kind == 'b' and 'B' in loops): return dtype

def expected(op, args):
    mine = own(op, args)
    if mine is not None: return mine
    return np.asarray(getattr(np, NAMES.get(op, op))(*args))

def allowed(op, args, loops, rule):
    """Mixtures whose common dtype has no loop (uint64 with a signed integer in bit operations, all of bool where bool has none)."""
    common = np.result_type(*args)
    if rule == 'same' and common.kind not in loops.replace('B', 'b'): return False
    return True

number = 0
specs = [tuple(text.split(':')) for text in sys.argv[4:]]
while number < count:
    op, arity, loops, rule = specs[number % len(specs)] if number < 3 * len(specs) else specs[int(rng.integers(0, len(specs)))]
    dtypes = [pick(op, loops, rule, k) for k in range(int(arity))]
    made = [make_view(op, dtype, shape, k == 1) for k, (dtype, shape) in enumerate(zip(dtypes, shapes(int(arity))))]
    args = [view for _, _, view in made]
    if not allowed(op, args, loops, rule): continue
    result = expected(op, args)
    for k, (base, _, _) in enumerate(made): np.save(os.path.join(out_dir, '%d_%d.npy' % (number, k)), base)
    np.save(os.path.join(out_dir, '%d_out.npy' % number), result)
    print(number, op, *[text for _, text, _ in made])
    number += 1
