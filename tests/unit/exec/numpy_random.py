"""Element-wise cases and NumPy's answers: numpy_random.py DIR SEED EVERY RANDOM OP:ARITY…

Every op on every combination of dtypes (one in EVERY of them), and RANDOM larger ones. Writes DIR/<case>_<k>.npy (what operand k is
cut from) and the answer, and prints a line a case: NUMBER OP KIND OPERANDS…
  KIND      R: there is no loop, the call must be refused. E: the answer in DIR/<case>_out.npy is exact. U: exact is
            DIR/<case>_hi.npy + DIR/<case>_lo.npy, computed in a wider type; _out has the dtype and the shape.
  OPERANDS  how the operand is cut from its file, steps joined by ';': v (the field of a record, unaligned), [index], T (transposed),
            b2x3 (broadcast to a shape). Or a weak number: #i3, #f2.5, #b1, #c1,2.
An op that this file does not know is an error.
"""
import os
import sys
import numpy as np

np.seterr(all='ignore')
DIR, SEED, EVERY, RANDOM = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(SEED)
DTYPES = 'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128'.split()
# The library's name: NumPy's. Exact on every dtype, and of complex numbers too where they have a loop.
EXACT = {n: n for n in '''positive negative sign signbit isnan isinf isfinite logical_not floor ceil trunc rint add subtract fmod copysign
    nextafter heaviside ldexp gcd lcm maximum minimum fmax fmin bitwise_and bitwise_or bitwise_xor equal not_equal less less_equal greater
    greater_equal logical_and logical_or logical_xor'''.split()}
EXACT.update(conj='conjugate', bitwise_invert='invert', bitwise_left_shift='left_shift', bitwise_right_shift='right_shift')
# Exact but for complex numbers.
REAL = dict(abs='absolute', square='square', reciprocal='reciprocal', sqrt='sqrt', multiply='multiply', divide='divide')
WIDE = {n: n for n in 'floor_divide remainder exp exp2 expm1 log log1p log2 log10 cbrt sin cos tan sinh cosh tanh hypot logaddexp logaddexp2'.split()}
WIDE.update(pow='power', atan2='arctan2', asin='arcsin', acos='arccos', atan='arctan', asinh='arcsinh', acosh='arccosh', atanh='arctanh')
PARTS = dict(real=np.real, imag=np.imag)
NUMPY = {**EXACT, **REAL, **WIDE}
COMPARE = {'equal', 'not_equal', 'less', 'less_equal', 'greater', 'greater_equal'}
EXTREME = {'maximum', 'minimum', 'fmax', 'fmin'}
NARROW = {'exp', 'exp2', 'expm1', 'sinh', 'cosh', 'pow', 'logaddexp', 'logaddexp2'}
REFUSED = 'refused'

def kinds(args): return ''.join(np.asarray(a).dtype.kind for a in args)

def sign_of_complex(x):
    wide = x.astype('G')
    return np.where(x == 0, 0, wide / np.where(x == 0, 1, np.abs(wide))).astype(x.dtype)

def compare_exactly(op, a, b):
    return getattr(np, op)(np.asarray(a).astype(object), np.asarray(b).astype(object)).astype(bool)

def nextafter_half(a, b):
    a, b = np.broadcast_arrays(np.float16(a), np.float16(b))
    return np.where(a == b, b, np.nextafter(a, b))

def ldexp_unsigned(a, b): return np.ldexp(a, np.minimum(b, 2**31 - 1).astype('i4'))

# Where this NumPy is not what the library follows: ops, when (given the operands' kinds and the operands), the answer, why.
OWN = [
    ({'floor', 'ceil', 'trunc', 'rint'}, lambda k, a: k in 'biu', lambda op, a: a[0].copy(), 'array API: integers stay integers'),
    ({'sign'}, lambda k, a: k == 'c', lambda op, a: sign_of_complex(a[0]), 'NumPy 2 and array API: x / |x|'),
    ({'reciprocal'}, lambda k, a: k in 'biu', lambda op, a: 1.0 / a[0].astype('f8'), 'true division, as / does; NumPy gives 0 for 2'),
    ({'conj'}, lambda k, a: k == 'b', lambda op, a: REFUSED, 'array API: numeric dtypes; NumPy gives int8'),
    (COMPARE, lambda k, a: k in ('iu', 'ui') and np.result_type(*a) == np.float64, lambda op, a: compare_exactly(op, *a), 'NumPy 2: exact'),
    ({'ldexp'}, lambda k, a: k in ('bu', 'iu', 'uu', 'fu') and a[1].dtype == np.uint64, lambda op, a: ldexp_unsigned(*a), 'any integer is an exponent'),
    ({'nextafter'}, lambda k, a: 'c' not in k and np.nextafter(*a).dtype == np.float16, lambda op, a: nextafter_half(*a), "C's: of equal numbers the second"),
]

def own(op, args):
    for names, when, answer, _ in OWN:
        if op in names and when(kinds(args), args): return answer(op, args)
    return None

def split(wide):
    hi = wide.astype('c16' if wide.dtype.kind == 'c' else 'f8')
    lo = wide - hi
    return hi, np.where(np.isfinite(lo), lo, 0).astype(hi.dtype)

def answer(op, args):
    """KIND and arrays by suffix."""
    mine = own(op, args)
    if mine is REFUSED: return 'R', {}
    if mine is not None: return ('U' if mine.dtype.kind == 'c' else 'E'), as_exact(mine)
    if op in PARTS: return 'E', {'out': np.array(PARTS[op](args[0]))}
    call = getattr(np, NUMPY[op])
    try: out = np.asarray(call(*args))
    except TypeError: return 'R', {}
    inexact = op in WIDE or (op in REAL and 'c' in kinds(args))
    if out.dtype.kind not in 'fc' or op in EXACT or not inexact: return 'E', {'out': out}
    loop = out.dtype if not (op == 'abs') else np.result_type(*args)
    wide = {'f2': 'f8', 'f4': 'f8', 'f8': 'g', 'c8': 'c16', 'c16': 'G'}[loop.str[1:]]
    hi, lo = split(np.asarray(call(*[np.asarray(a).astype(loop).astype(wide) for a in args])))
    return 'U', {'out': out, 'hi': hi, 'lo': lo}

def as_exact(out):
    return {'out': out, 'hi': out.astype('c16'), 'lo': out.astype('c16') * 0} if out.dtype.kind == 'c' else {'out': out}

def reals(op, dtype, n):
    """Floats: most where the op is interesting, some of any size (by their bits), some special."""
    wide = np.dtype(dtype)
    unit = {'asin', 'acos', 'atanh'}
    x = rng.standard_normal(n) * (4.0 if op in NARROW else 1.0 if op in unit else 10.0 ** rng.integers(-2, 4))
    if op in unit: x = np.tanh(x)
    if op == 'acosh': x = 1 + np.abs(x)
    x = x.astype(dtype)
    bits = rng.integers(0, 2**63, n, dtype='u8').astype('u8') * 2 + rng.integers(0, 2, n).astype('u8')
    bits = bits.view('f8') if wide.itemsize == 8 else bits.astype('u%d' % wide.itemsize).view(dtype)
    info = np.finfo(dtype)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, info.tiny, info.max, -info.max, info.smallest_subnormal], dtype=dtype)
    bits = np.where(np.isnan(bits), np.copysign(np.nan, bits), bits)  # quiet ones: what signalling ones do is the C library's
    x = np.where(rng.random(n) < 0.25, bits.astype(dtype), x)
    return np.where(rng.random(n) < 0.15, rng.choice(special, n), x)

def values(op, dtype, shape, position):
    n = int(np.prod(shape))
    kind = np.dtype(dtype).kind
    if kind == 'b': x = rng.integers(0, 2, n).astype(bool)
    elif kind in 'iu':
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
        count = position == 1 and op in ('pow', 'ldexp', 'bitwise_left_shift', 'bitwise_right_shift')
        small = rng.integers(0, 9, n) if count and op != 'ldexp' else rng.integers(-9 if kind == 'i' else 0, 9, n)
        often = 1.0 if count and op == 'pow' else 0.9 if count and op == 'ldexp' else 0.5
        x = np.where(rng.random(n) < often, small.astype(dtype), x).astype(dtype)
        if op == 'ldexp' and position == 1 and kind == 'i' and info.max > 2000: x = np.where(rng.random(n) < 0.2, rng.integers(-1100, 1100, n), x).astype(dtype)
    elif kind == 'f': x = reals(op, dtype, n)
    elif op in NUMPY and (op in EXACT or op in PARTS) or op in PARTS:  # no arithmetic between the parts: any bits
        part = 'f%d' % (np.dtype(dtype).itemsize // 2)
        x = reals(op, part, 2 * n).view(dtype)
    else:
        scale = 2.0 if op in NARROW else 10.0 ** rng.integers(-2, 3)
        x = (rng.standard_normal(n) * scale + 1j * rng.standard_normal(n) * min(scale, 3.0)).astype(dtype)
    return x.astype(dtype).reshape(shape)

def make_view(op, dtype, shape, position, full):
    """What is saved, how the operand is cut from it, and the operand."""
    steps = []
    stretch = bool(full) and rng.random() < 0.1
    transposed = len(shape) > 1 and rng.random() < 0.3
    base_shape, index = [], []
    for length in (tuple(reversed(shape)) if transposed else shape):
        step = int(rng.choice([1, 1, 1, 2, 3, -1, -2]))
        lead = int(rng.integers(0, 3)) if step == 1 else 0
        base_shape.append(length * abs(step) + lead)
        index.append('%d:%d' % (lead, lead + length) if step == 1 else '::%d' % step)
    base = saved = values(op, dtype, tuple(base_shape), position)
    if rng.random() < 0.2:
        saved = np.zeros(base.shape, dtype=[('pad', 'u1'), ('v', dtype)])
        saved['v'] = base
        base = saved['v']
        steps.append('v')
    if index:
        steps.append('[' + ','.join(index) + ']')
        base = eval('base' + steps[-1])
    if transposed:
        steps.append('T')
        base = base.T
    if stretch:
        steps.append('b' + 'x'.join(map(str, full)))
        base = np.broadcast_to(base, full)
    return saved, ';'.join(steps) or '-', base

def shapes(arity, large):
    rank = int(rng.integers(0, 5 if large else 3))
    full = [int(rng.choice([1, 2, 3, 5, 9] if rank > 2 else [0, 1, 2, 3, 5, 8, 17, 33])) for _ in range(rank)]
    if large and rng.random() < 0.1: full = [int(rng.choice([3000, 70000]))] if rng.random() < 0.5 else [300, 90]
    out = []
    for _ in range(arity):
        mine = [1 if rng.random() < 0.15 else length for length in full]
        if rng.random() < 0.15: mine = mine[int(rng.integers(0, len(mine) + 1)):]
        out.append(tuple(mine))
    return out, np.broadcast_shapes(*out)

NUMBERS = [('#i3', 3), ('#i0', 0), ('#f2.5', 2.5), ('#b1', True), ('#c1,2', 1 + 2j)]

def case(number, op, arity, dtypes, large):
    made, args, texts = [], [], []
    each, full = shapes(arity, large)
    weak = int(rng.integers(0, 2)) if arity == 2 and large and rng.random() < 0.2 and op not in ('ldexp',) else -1
    for k in range(arity):
        if k == weak:
            text, value = NUMBERS[int(rng.integers(0, len(NUMBERS)))]
            made.append(None), args.append(value), texts.append(text)
            continue
        saved, text, view = make_view(op, dtypes[k], each[k], k, full if arity == 2 and weak < 0 else None)
        made.append(saved), args.append(view), texts.append(text)
    kind, arrays = answer(op, args)
    for k, saved in enumerate(made):
        if saved is not None: np.save('%s/%d_%d.npy' % (DIR, number, k), saved)
    for suffix, array in arrays.items(): np.save('%s/%d_%s.npy' % (DIR, number, suffix), array)
    print(number, op, kind, *texts)

specs = [(name, int(arity)) for name, arity in (text.split(':') for text in sys.argv[5:])]
unknown = [name for name, _ in specs if name not in NUMPY and name not in PARTS]
if unknown: sys.exit('numpy_random.py does not know: ' + ' '.join(unknown))
number = turn = 0
for op, arity in specs:
    for first in DTYPES:
        for second in DTYPES if arity == 2 else DTYPES[:2]:
            turn += 1
            if turn % EVERY: continue
            case(number, op, arity, [first, second if arity == 2 else ''], False)
            number += 1
for _ in range(RANDOM):
    op, arity = specs[int(rng.integers(0, len(specs)))]
    case(number, op, arity, [str(rng.choice(DTYPES)) for _ in range(2)], True)
    number += 1
