#!/usr/bin/env python3
"""Files that NumPy writes are read as it means them, and NumPy reads what is written here; the same
for safetensors files, with Python's json and struct in the place of NumPy. bf16 is compared as
bits.

    array_numpy_test.py ARRAY_TOOL    exit status 77 if NumPy is not there
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    print("skipped: no numpy")
    sys.exit(77)

TYPES = {"bool": "?", "u8": "u1", "i8": "i1", "i16": "i2", "i32": "i4", "i64": "i8", "f16": "f2",
         "f32": "f4", "f64": "f8"}
DTYPES = {"BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
          "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}


def run(tool, *arguments):
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, check=False)


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def check_read(tool, path, name, array):
    """The tool reads `array`, in this machine's byte order."""
    result = run(tool, "read", path)
    check(result.returncode == 0, result.stderr.decode())
    line, _, data = result.stdout.partition(b"\n")
    dims = ", ".join(map(str, array.shape))
    check(line.decode() == f"{name} [{dims}]", f"{path}: {line}, expected {name} [{dims}]")
    expected = array.astype(array.dtype.newbyteorder("="), order="C").tobytes()
    check(data == expected, f"{path}: other elements")


def check_refused(tool, path, words):
    result = run(tool, "read", path)
    message = result.stderr.decode()
    check(result.returncode == 2 and message.startswith(str(path)) and words in message,
          f"{path}: exit status {result.returncode}, {message}; expected {words}")


def read_npy(tool, folder):
    generator = numpy.random.default_rng(7)
    path = folder / "x.npy"
    for name, code in TYPES.items():
        for shape in ((), (1,), (37,), (7, 5), (1, 3, 1, 2), (1,) * 8):
            numbers = generator.integers(0, 2 if name == "bool" else 100, size=shape)
            for order in "<>":
                array = numpy.asarray(numbers).astype(numpy.dtype(code).newbyteorder(order))
                numpy.save(path, array)
                check_read(tool, path, name, array)
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(path, "wb") as out:
            numpy.lib.format.write_array(out, array, version=version)
        check_read(tool, path, name, array)
    special = numpy.array([[numpy.nan, -numpy.inf], [-0.0, 5e-324]])
    numpy.save(path, special)
    check_read(tool, path, "f64", special)
    numpy.save(path, special[:, ::-1])  # A view: NumPy writes it in C order.
    check_read(tool, path, "f64", special[:, ::-1])


def refuse_npy(tool, folder):
    path = folder / "x.npy"
    for array, words in ((numpy.ones((2, 3)).T, "numpy.ascontiguousarray"),
                         (numpy.array([None]), "Python objects"),
                         (numpy.zeros(2, [("a", "f4")]), "structured"),
                         (numpy.zeros(2, "U3"), "is not read"),
                         (numpy.zeros(2, "u2"), "is not read"),
                         (numpy.zeros(2, "c8"), "is not read"),
                         (numpy.zeros(2, "M8[s]"), "is not read"),
                         (numpy.zeros((0, 3)), "holds no elements"),
                         (numpy.zeros((1,) * 9), "more than 8 dimensions")):
        numpy.save(path, array)
        check_refused(tool, path, words)
    numpy.savez(folder / "x.npz", a=numpy.zeros(3))
    check_refused(tool, folder / "x.npz", "zip archive")


def pattern(name, size):
    return bytes(i % 2 if name == "bool" else i for i in range(6 * size))


def written(tool, folder):
    result = run(tool, "write", folder)
    check(result.returncode == 0, result.stderr.decode())
    for name, code in TYPES.items():
        array = numpy.load(folder / f"{name}.npy", allow_pickle=False)
        check(array.dtype == numpy.dtype(code) and array.shape == (2, 3), f"{name}: {array!r}")
        check(array.tobytes() == pattern(name, array.itemsize), f"{name}: other elements")
    data = (folder / "all.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    check(length % 8 == 0, "the header's length is no multiple of 8")
    header = json.loads(data[8:8 + length])
    check(len(header) == len(DTYPES), f"{len(header)} tensors")
    for dtype, code in DTYPES.items():
        name = "bf16" if dtype == "BF16" else next(
            n for n, c in TYPES.items() if numpy.dtype(c) == numpy.dtype(code))
        tensor = header[f'layer "\u00e9"/{name}']
        check(tensor["dtype"] == dtype and tensor["shape"] == [2, 3], f"{name}: {tensor}")
        begin, end = tensor["data_offsets"]
        elements = data[8 + length + begin:8 + length + end]
        check(elements == pattern(name, numpy.dtype(code).itemsize), f"{name}: other elements")


def read_safetensors(tool, folder):
    generator = numpy.random.default_rng(9)
    tensors, header, data = {}, {"__metadata__": {"format": "pt"}}, b""
    for number, (dtype, code) in enumerate(DTYPES.items()):
        numbers = generator.integers(0, 2, size=(number + 1, 3)).astype(code)
        name = f"layer.{number}/{dtype}"
        tensors[name] = numbers
        header[name] = {"dtype": dtype, "shape": list(numbers.shape),
                        "data_offsets": [len(data), len(data) + numbers.nbytes]}
        data += numbers.tobytes()
    text = json.dumps(header, indent=1).encode()
    path = folder / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    listed = run(tool, "list", path).stdout.decode().split("\n")[:-1]
    check(listed == list(tensors), f"{listed}")
    kinds = {code: name for name, code in TYPES.items()}
    for name, array in tensors.items():
        kind = "bf16" if name.endswith("BF16") else kinds[DTYPES[name.split("/")[1]].lstrip("<")]
        check_read(tool, f"{path}#{name}", kind, array)


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    for part in (read_npy, refuse_npy, written, read_safetensors):
        with tempfile.TemporaryDirectory() as folder:
            part(sys.argv[1], pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
