"""Writes the .npy and .npz files of this folder with NumPy. They are checked in; the tests never run this.

Made with NumPy 1.24.2 (Debian 12, python3-numpy 1:1.24.2-1+deb12u1). To make them again:
    /usr/bin/python3 tests/data/npy/make.py
"""
import os
import sys
import warnings

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def base_arrays():
    """Name → array. Values are fixed, so that the files never change."""
    arrays = {}
    for code in "?bhilBHILefdFD":
        dtype = np.dtype(code)
        values = np.arange(24)
        if dtype.kind == "b":
            values = values % 3 == 0
        elif dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = np.array([limits.min, limits.max, 0, 1] + list(range(20)), dtype)
        elif dtype.kind in "fc":
            values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.25, 1e-5] + list(range(16)))
        arrays["basic_" + dtype.name] = np.asarray(values).astype(dtype).reshape(4, 6)
    arrays["text_S5"] = np.array([b"", b"a", b"abcde", b"\xff\x00b"], "S5")
    arrays["text_U4"] = np.array(["", "a", "gr\u00f6\u00df", "\U0001f600x"], "U4")
    for unit in ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s"]:
        arrays["time_M8_" + unit] = np.array([0, 1, -1, np.iinfo("i8").min], "i8").view("M8[%s]" % unit)
        arrays["time_m8_" + unit] = np.array([0, 1, -1, np.iinfo("i8").min], "i8").view("m8[%s]" % unit)
    grid = np.arange(60, dtype="i4").reshape(3, 4, 5)
    arrays["order_f"] = np.asfortranarray(grid)
    arrays["order_c_and_f"] = np.arange(5, dtype="f4").reshape(5, 1)
    arrays["zero_d"] = np.array(2.5)
    arrays["zero_d_text"] = np.array("abc")
    arrays["empty_1d"] = np.zeros((0,), "f8")
    arrays["empty_3d"] = np.zeros((3, 0, 2), "i2")
    arrays["empty_huge_axis"] = np.zeros((0, 1 << 40), "u1")
    arrays["many_axes"] = np.zeros((1,) * 31 + (2,), "i1")
    packed = np.dtype([("a", "u1"), ("b", "<i4"), ("c", "<f8", (2, 3)), ("d", "S3"), ("e", "U2"), ("f", "M8[s]"), ("g", "?")])
    aligned = np.dtype([("a", "u1"), ("b", "<f8"), ("c", "<i2")], align=True)
    nested = np.dtype([("p", [("x", "<f4"), ("y", "<f4")]), ("q", [("z", "<i8")], (2,)), ("n", "<u2")])
    for name, dtype in [("packed", packed), ("aligned", aligned), ("nested", nested)]:
        data = (np.arange(3 * dtype.itemsize) % 251).astype("u1")
        table = data.view(dtype) if not dtype.isalignedstruct else np.zeros(3, dtype)
        if dtype.isalignedstruct:
            table["a"], table["b"], table["c"] = [1, 2, 3], [1.5, 2.5, 3.5], [-1, -2, -3]
        if name == "packed":
            table = table.copy()
            table["d"], table["e"], table["g"] = b"xyz", "\u00e4b", [True, False, True]
        arrays["struct_" + name] = table
    arrays["struct_zero_d"] = arrays["struct_aligned"][1]
    return arrays


def main():
    arrays = base_arrays()
    for name, array in arrays.items():
        np.save(os.path.join(HERE, name + ".npy"), array)
    for code in "hilHILefdFD":
        array = arrays["basic_" + np.dtype(code).name]
        np.save(os.path.join(HERE, "big_" + np.dtype(code).name + ".npy"), array.astype(np.dtype(code).newbyteorder(">")))
    np.save(os.path.join(HERE, "big_U4.npy"), arrays["text_U4"].astype(">U4"))
    np.save(os.path.join(HERE, "big_M8_s.npy"), arrays["time_M8_s"].astype(">M8[s]"))
    mixed = np.dtype([("a", ">i4"), ("b", "<f8"), ("c", ">c16"), ("d", ">U2", (2,)), ("e", [("x", ">u2"), ("y", "u1")])])
    table = np.zeros(2, mixed)
    table["a"], table["b"], table["c"], table["d"] = [1, -2], [0.5, 1.5], [1 + 2j, -3j], [["a", "bc"], ["\u00e4", ""]]
    table["e"]["x"], table["e"]["y"] = [258, 3], [7, 8]
    np.save(os.path.join(HERE, "big_struct.npy"), table)
    warnings.simplefilter("ignore")
    np.save(os.path.join(HERE, "names_latin1.npy"), np.zeros(2, [("gr\u00f6\u00dfe", "<f4")]))
    np.save(os.path.join(HERE, "names_unicode.npy"), np.zeros(2, [("\u6570", "<f4")]))
    with open(os.path.join(HERE, "version_2.npy"), "wb") as file:
        np.lib.format.write_array(file, np.arange(6, dtype="<i2"), version=(2, 0))
    with open(os.path.join(HERE, "version_3.npy"), "wb") as file:
        np.lib.format.write_array(file, np.arange(6, dtype="<i2"), version=(3, 0))
    np.save(os.path.join(HERE, "refused_object.npy"), np.array([{}, []], dtype=object))
    np.save(os.path.join(HERE, "refused_object_field.npy"), np.zeros(1, [("a", "i4"), ("b", "O")]))
    np.savez(os.path.join(HERE, "stored.npz"), a=np.arange(6, dtype="f4").reshape(2, 3), b=np.array("text"))
    np.savez_compressed(os.path.join(HERE, "deflated.npz"), zeros=np.zeros((100, 100)), table=arrays["struct_packed"])


if __name__ == "__main__":
    sys.exit(main())
