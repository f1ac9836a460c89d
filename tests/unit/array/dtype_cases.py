"""Random dtypes as NumPy spells them, and a check of spellings made elsewhere.

dtype_cases.py write FILE SEED COUNT   records of: str, repr, name, descr, itemsize, alignment, offsets,
                                       big-endian str, big-endian bytes, the same bytes native (empty where there is padding)
dtype_cases.py aliases FILE            records of: spelling, dtype.str, for every plain name and code NumPy knows
dtype_cases.py check FILE              reads records of: spelling, descr, itemsize, offsets; exits 1 where NumPy reads them otherwise
"""
import ast
import random
import struct
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
SCALARS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "S1", "S7", "U1", "U10",
           "M8", "m8", "M8[ns]", "M8[25s]", "m8[D]", "m8[3W]", "M8[Y]", "M8[as]"]
NAMES = ["x", "Value", "a b", "it's", "é", "日本", 'q"q', "back\\slash", "1", "with'both\""]


def random_struct(rng, depth, align=False):
    # NumPy reads a nested list inside an aligned dict as aligned too: aligned all the way down, or nowhere.
    style = "align" if align else rng.choice(["list", "list", "align", "offsets"] if depth == 0 else ["list", "offsets"])
    count = rng.randint(1, 5)
    names = [rng.choice(NAMES) + str(i) for i in range(count)]
    formats = []
    for _ in range(count):
        base = random_struct(rng, depth + 1, style == "align") if depth < 3 and rng.random() < 0.15 else np.dtype(rng.choice(SCALARS))
        if rng.random() < 0.2:
            base = np.dtype((base, tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 3)))))
        formats.append(base)
    if style == "list":
        return np.dtype(list(zip(names, formats)))
    if style == "align":
        return np.dtype(list(zip(names, formats)), align=True)
    offsets, end = [], 0
    for dtype in formats:
        offsets.append(end + rng.choice([0, 0, 1, 5]))
        end = offsets[-1] + dtype.itemsize
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": end + rng.choice([0, 3])})


def has_padding(dtype):
    if dtype.subdtype:
        return has_padding(dtype.subdtype[0])
    if not dtype.names:
        return False
    parts = [dtype[name] for name in dtype.names]
    return sum(p.itemsize for p in parts) != dtype.itemsize or any(has_padding(p) for p in parts)


def put(out, *fields):
    for field in fields:
        data = field if isinstance(field, bytes) else str(field).encode()
        out.write(struct.pack("<I", len(data)) + data)


def offsets_of(dtype):
    return [dtype.fields[name][1] for name in dtype.names] if dtype.names else []


def write(path, seed, count):
    rng = random.Random(int(seed))
    with open(path, "wb") as out:
        for i in range(int(count)):
            dtype = np.dtype(SCALARS[i]) if i < len(SCALARS) else random_struct(rng, 0)
            swapped, big, native = "", b"", b""
            generic_time = "8'" in repr(dtype.descr).replace("f8'", "").replace("i8'", "").replace("u8'", "").replace("c8'", "")
            if not has_padding(dtype) and not generic_time:  # NumPy keeps unitless times in native order
                native = bytes(rng.getrandbits(8) & 0x7f for _ in range(3 * dtype.itemsize))
                other = dtype.newbyteorder(">")
                swapped = str(other) if other.names else other.str
                big = np.frombuffer(native, dtype).byteswap().tobytes()
            put(out, dtype, repr(dtype), dtype.name, repr(np.lib.format.dtype_to_descr(dtype)), dtype.itemsize, dtype.alignment,
                offsets_of(dtype), swapped, big, native)


def aliases(path):
    names = {key for key in np.sctypeDict if isinstance(key, str)}
    names |= {"f", "d", "e", "i", "l", "q", "b", "h", "B", "H", "I", "L", "Q", "F", "D", "p", "P", "int", "float", "complex", "bool",
              "=f4", "|f4", "<f4", "|u1", ">u1", "|b1", "=i8", "|S3", ">S3", "a5", "M", "datetime64[ns]", "timedelta64[25us]",
              "datetime64", "M8[generic]"}
    with open(path, "wb") as out:
        for name in sorted(names):
            try:
                dtype = np.dtype(name)
            except TypeError:
                continue
            if dtype.kind not in "OV" and dtype.itemsize > 0 and dtype.str[1:] not in ("f16", "c32"):
                put(out, name, dtype.str)


def check(path):
    data = open(path, "rb").read()
    fields, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        fields.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    for spelling, descr, itemsize, offsets in zip(*[iter(fields)] * 4):
        read = np.dtype(ast.literal_eval(spelling) if spelling[0] in "[{" else spelling)
        described = np.lib.format.descr_to_dtype(ast.literal_eval(descr))
        wanted = (int(itemsize), ast.literal_eval(offsets))
        for dtype in (read, described):
            if (dtype.itemsize, offsets_of(dtype)) != wanted or read != described:
                sys.exit("NumPy reads %s as %r, descr %s as %r; wanted %s" % (spelling, read, descr, described, wanted))


{"write": write, "aliases": aliases, "check": check}[sys.argv[1]](*sys.argv[2:])
