"""Writes random arrays with NumPy's str() and repr() of them. Arguments: output file, seed, number of cases.

A record: dtype (as str(dtype) spells it), shape, bytes in C order, options (threshold edgeitems linewidth precision
suppress), str, repr.
"""
import random
import struct
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]
NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def random_unit(rng):
    return rng.choice(["", "", str(rng.choice([2, 7, 25, 1000]))]) + rng.choice(UNITS)


def random_dtype(rng, depth=0, align=False):
    pick = rng.random()
    if depth < 2 and pick < (0.2 if depth == 0 else 0.1):
        align = align or (depth == 0 and rng.random() < 0.3)  # inside too: NumPy's text of a dtype means it so
        fields = []
        for i in range(rng.randint(1, 4)):
            field = [rng.choice(["a", "b c", "é", "q'"]) + str(i), random_dtype(rng, depth + 1, align)]
            if rng.random() < 0.3:
                field.append(tuple(rng.randint(1, 3) for _ in range(rng.randint(1, 2))))
            fields.append(tuple(field))
        return np.dtype(fields, align=align)
    if pick < 0.72:
        return np.dtype(rng.choice(NUMBERS + ["f4", "f8", "f8"]))
    if pick < 0.86:
        return np.dtype(rng.choice("SU") + str(rng.randint(1, 12)))
    return np.dtype("%s8[%s]" % (rng.choice("Mm"), random_unit(rng)))


def random_float(rng, style):
    if style == "whole":
        return float(rng.randint(-1000, 1000))
    if style == "decimal":
        return round(rng.uniform(-100, 100), rng.randint(0, 6))
    if style == "wide":
        return rng.uniform(-1, 1) * 10.0 ** rng.randint(-30, 30)
    if style == "narrow":
        return rng.uniform(-1, 1) * 10.0 ** rng.randint(-5, 9)
    if style == "special":
        return rng.choice([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1.0, 1e16, 0.1, -123.456, 1e8, 99999999.5])
    if style == "unit":
        return rng.random()
    return struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]


def random_text(rng, length):
    letters = rng.choice(["abcXYZ 019", "abc'\"\\\n\t\x00\x7f", "aé😀\u200b\u2028ß中"])
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, length)))


def fill(rng, a):
    """Fills a flat array of a simple dtype."""
    n, kind = a.size, a.dtype.kind
    if a.dtype.names:
        for name in a.dtype.names:
            part = np.zeros(a[name].size, a.dtype[name].base)
            fill(rng, part)
            a[name] = part.reshape(a[name].shape)
        return
    if kind == "b":
        a[:] = [rng.random() < 0.5 for _ in range(n)]
    elif kind in "iu":
        info = np.iinfo(a.dtype)
        high = min(int(info.max), 10 ** rng.randint(1, 19))
        low = max(int(info.min), -high if rng.random() < 0.6 else 0)
        a[:] = [rng.randint(low, high) for _ in range(n)]
    elif kind in "fc":
        style = rng.choice(["whole", "decimal", "wide", "narrow", "special", "unit", "bits"])
        dash = rng.random() < 0.2
        value = lambda: random_float(rng, "special" if dash and rng.random() < 0.2 else style)
        with np.errstate(all="ignore"):
            a[:] = [complex(value(), value()) if kind == "c" else value() for _ in range(n)]
    elif kind == "S":
        a[:] = [random_text(rng, a.dtype.itemsize).encode("latin-1", "ignore")[: a.dtype.itemsize] for _ in range(n)]
    elif kind == "U":
        a[:] = [random_text(rng, a.dtype.itemsize // 4) for _ in range(n)]
    else:
        multiple = np.datetime_data(a.dtype)[1]  # NumPy's own product of count and multiple wraps at 64 bits
        bits = rng.choice([4, 10, 20, 31, 40, 58 if multiple == 1 else 45])
        counts = a.view("i8")
        counts[:] = [rng.randint(-(1 << bits), 1 << bits) for _ in range(n)]
        if rng.random() < 0.3:
            counts[[rng.random() < 0.3 for _ in range(n)]] = np.iinfo("i8").min


def random_shape(rng):
    pick = rng.random()
    if pick < 0.12:
        return ()
    if pick < 0.16:
        return tuple(rng.choice([0, 2, 3]) for _ in range(rng.randint(1, 3)))
    if pick < 0.3:
        return rng.choice([(1001,), (1500,), (7, 200), (40, 30), (3, 20, 20), (2, 2, 300), (11, 10, 10), (1000,)])
    return tuple(rng.randint(1, 7 if ndim > 1 else 40) for ndim in [rng.randint(1, 4)] for _ in range(ndim))


def main():
    path, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    with open(path, "wb") as out:
        for _ in range(count):
            dtype, shape = random_dtype(rng), random_shape(rng)
            a = np.zeros(int(np.prod(shape, dtype=int)), dtype)
            fill(rng, a)
            a = a.reshape(shape)
            options = dict(threshold=1000, edgeitems=3, linewidth=75, precision=8, suppress=False)
            if rng.random() < 0.4:
                options = dict(threshold=rng.choice([5, 50, 1000]), edgeitems=rng.randint(1, 4), linewidth=rng.choice([20, 60, 75, 120]),
                               precision=rng.choice([0, 1, 3, 8, 12, 17]), suppress=rng.random() < 0.4)
            np.set_printoptions(**options)
            record = [str(dtype).encode(), str(shape).encode(), a.tobytes(),
                      " ".join(str(int(v)) for v in options.values()).encode(), str(a).encode("utf-8", "replace"), repr(a).encode("utf-8", "replace")]
            for field in record:
                out.write(struct.pack("<I", len(field)) + field)


main()
