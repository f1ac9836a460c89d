"""Random values for the scripts that stand behind this one: SCRIPT DIR SEED COUNT."""
import os, sys, warnings
import numpy as np

np.seterr(all='ignore')
out_dir, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
INTEGERS = 'int8 int16 int32 int64 uint8 uint16 uint32 uint64'.split()
NUMERIC = ['bool'] + INTEGERS + 'float16 float32 float64 complex64 complex128'.split()

def pick(low, high): return int(rng.integers(low, high + 1))
def chance(percent): return rng.integers(0, 100) < percent
def choose(items): return items[pick(0, len(items) - 1)]
def join(numbers): return ','.join(str(int(n)) for n in numbers) or '-'
def axis_of(x): return pick(-x.ndim, x.ndim - 1)

def values(dtype, shape, ordinary=False):
    dtype, n = np.dtype(dtype), int(np.prod(shape))
    if dtype.names:
        x = np.zeros(shape, dtype)
        for name in dtype.names: x[name] = values(dtype[name].base, tuple(shape) + dtype[name].shape)
        return x
    if dtype.kind in 'SU': return rng.choice([0, 65, 97, 98], n * int(dtype.str[2:])).astype('u1' if dtype.kind == 'S' else '<u4').view(dtype).reshape(shape)
    if dtype.kind == 'b': return rng.integers(0, 2, n).astype(bool).reshape(shape)
    if ordinary and dtype.kind in 'fc':
        x = rng.standard_normal(n) * 10.0 ** rng.integers(-3, 6, n)
        return (x + 1j * rng.standard_normal(n) if dtype.kind == 'c' else x).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)  # NaN of any bits too

def layout_of(ndim):
    """An order of axes and steps along them; often neither."""
    if chance(40): return np.arange(ndim), [1] * ndim
    return rng.permutation(ndim), [int(rng.choice([1, 1, 1, 2, -1, -2])) for _ in range(ndim)]

