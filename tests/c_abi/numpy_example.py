#!/usr/bin/python3
"""A store's memory as NumPy arrays, without a copy, through the C interface and ctypes.

usage: ndshare run -- numpy_example.py build/release/lib/libndshare.so
"""
import ast
import contextlib
import ctypes
import subprocess
import sys

import numpy as np

TEXT, POINTER, DOUBLE = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_double
I32, U32, I64 = ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64
ROWS = (I64, I64)
CALLS = {  # argument types, as include/ndshare/c.h has them; every handle and every out-pointer is a void*
    "nds_connect": (TEXT, I32, DOUBLE, POINTER),
    "nds_store_free": (POINTER,),
    "nds_create": (POINTER, TEXT, TEXT, I32, POINTER, POINTER, U32, DOUBLE, POINTER),
    "nds_open": (POINTER, TEXT, TEXT, I32, POINTER, POINTER),
    "nds_array_free": (POINTER,),
    "nds_read": (POINTER, *ROWS, DOUBLE, POINTER),
    "nds_write": (POINTER, *ROWS, U32, DOUBLE, POINTER),
    "nds_guard_data": (POINTER, POINTER),
    "nds_guard_mutable_data": (POINTER, POINTER),
    "nds_guard_layout": (POINTER, POINTER, POINTER, POINTER),
    "nds_guard_nbytes": (POINTER, POINTER),
    "nds_guard_dtype": (POINTER, POINTER),
    "nds_guard_writable": (POINTER, POINTER),
    "nds_guard_free": (POINTER,),
}
DEFAULT_TIMEOUT = -1.0


class NdshareError(Exception):
    """What a call answers that is not 0: the code's name, and the message with the numbers and the way out."""

    def __init__(self, code):
        self.code, self.name = code, lib.nds_error_name(code).decode()
        super().__init__(f"{self.name}: {lib.nds_error_message().decode()}")


def check(code, function, arguments):
    if code != 0:
        raise NdshareError(code)


def load(path):
    library = ctypes.CDLL(path)
    for name, types in CALLS.items():
        call = getattr(library, name)
        call.argtypes, call.restype, call.errcheck = types, I32, check
    library.nds_error_name.restype = library.nds_error_message.restype = TEXT
    return library


def ask(call, handle, kind):
    """The one value that `call` gives of a handle."""
    value = kind()
    call(handle, ctypes.byref(value))
    return value.value


def numpy_dtype(text):
    return np.dtype(ast.literal_eval(text) if text[0] in "[{" else text)


def numpy_array(guard):
    """The guarded rows as they lie in shared memory."""
    writable = ask(lib.nds_guard_writable, guard, I32)
    address = ask(lib.nds_guard_mutable_data if writable else lib.nds_guard_data, guard, POINTER)
    ndim, shape, strides = I32(), ctypes.POINTER(I64)(), ctypes.POINTER(I64)()
    lib.nds_guard_layout(guard, ctypes.byref(ndim), ctypes.byref(shape), ctypes.byref(strides))
    memory = memoryview((ctypes.c_char * ask(lib.nds_guard_nbytes, guard, I64)).from_address(address))
    array = np.ndarray(shape[: ndim.value], numpy_dtype(ask(lib.nds_guard_dtype, guard, TEXT).decode()),
                       memory if writable else memory.toreadonly(), strides=strides[: ndim.value])
    assert array.ctypes.data == address and not array.flags.owndata, "a copy was made"
    return array


@contextlib.contextmanager
def guarded(take, array, *arguments):
    """`with guarded(lib.nds_read, array) as rows:`; the claim ends with the block, and the rows are not to be used after it."""
    guard = POINTER()
    take(array, 0, -1, *arguments, DEFAULT_TIMEOUT, ctypes.byref(guard))
    try:
        yield numpy_array(guard)
    finally:
        lib.nds_guard_free(guard)


def reading(array):
    return guarded(lib.nds_read, array)


def writing(array):
    return guarded(lib.nds_write, array, 0)


def create(store, name, dtype, shape):
    array, lengths = POINTER(), (I64 * len(shape))(*shape)
    text = str(dtype) if dtype.names else dtype.str
    lib.nds_create(store, name.encode(), text.encode(), len(shape), lengths, None, 0, DEFAULT_TIMEOUT, ctypes.byref(array))
    return array


def open_array(store, name):
    array = POINTER()
    lib.nds_open(store, name.encode(), None, -1, None, ctypes.byref(array))
    return array


def last_row_elsewhere(name):
    """The last row of an array as a second process prints it."""
    command = [sys.executable, __file__, sys.argv[1], name]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8", timeout=60).stdout.strip()


def expect(error, body):
    try:
        body()
    except error as caught:
        return caught
    raise AssertionError(f"{error.__name__} was expected")


def example(store):
    prices = create(store, "prices", np.dtype("f4"), (4, 3))
    with writing(prices) as rows:  # the first writer fills the array; it is visible to others when it ends
        rows[:] = np.arange(12).reshape(4, 3)
    assert last_row_elsewhere("prices") == "[ 9. 10. 11.]"
    with writing(prices) as rows:
        rows[3] *= 10
    assert last_row_elsewhere("prices") == "[ 90. 100. 110.]"

    with reading(prices) as rows:
        assert rows.sum() == 336 and rows.dtype == np.float32 and rows.strides == (12, 4)
        expect(ValueError, lambda: rows.__setitem__(0, 1))  # assignment destination is read-only

    packed = [("at", "<M8[s]"), ("status", "<U5"), ("load", "<f8", (2,))]
    for name, dtype in (("packed", np.dtype(packed)), ("aligned", np.dtype([("n", "i1"), *packed], align=True))):
        jobs = create(store, name, dtype, (2,))
        with writing(jobs) as rows:
            assert rows.dtype == dtype, f"{rows.dtype} is not {dtype}"
            rows["at"], rows["status"], rows["load"] = np.datetime64("2026-01-02T03:04:05"), ["ok", "späte"], [[1, 2], [3, 4]]
        assert last_row_elsewhere(name).endswith("'2026-01-02T03:04:05', 'späte', [3., 4.])")
        lib.nds_array_free(jobs)

    error = expect(NdshareError, lambda: open_array(store, "nothing"))
    assert error.name == "NoSuchArray" and error.code == 32 and "'nothing'" in str(error), error
    lib.nds_array_free(prices)


def main():
    store = POINTER()
    lib.nds_connect(None, 0, 30.0, ctypes.byref(store))  # NDSHARE_STORE, which `ndshare run` sets
    if len(sys.argv) == 3:  # the second process
        array = open_array(store, sys.argv[2])
        with reading(array) as rows:
            sys.stdout.buffer.write(str(rows[-1]).encode())
        lib.nds_array_free(array)
    else:
        example(store)
        print("NumPy", np.__version__, "over", sys.argv[1], "- all as expected")
    lib.nds_store_free(store)


if __name__ == "__main__":
    lib = load(sys.argv[1])
    main()
