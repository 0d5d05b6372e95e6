#!/usr/bin/env python3
"""Data sets that h5py writes are read as it means them, or refused with words that say why.

    hdf5_h5py_test.py HDF5_TOOL    exit status 77 if h5py is not there
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

TYPES = {"bool": "?", "u8": "u1", "i8": "i1", "i16": "i2", "i32": "i4", "i64": "i8", "f16": "f2",
         "f32": "f4", "f64": "f8"}
LAYOUTS = ({}, {"chunks": (3, 2)}, {"chunks": (4, 5), "compression": "gzip", "shuffle": True},
           {"chunks": (1, 4), "fletcher32": True}, {"maxshape": (None, 5)})
ODD = numpy.array([[0.0, -0.0, 5e-324], [-1.5, numpy.inf, numpy.nan]])


def run(tool, what):
    return subprocess.run([tool, what], capture_output=True, check=False, timeout=60)


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def check_read(tool, what, name, array, in_place):
    result = run(tool, what)
    check(result.returncode == 0, result.stderr.decode())
    line, _, data = result.stdout.partition(b"\n")
    words, _, place = line.decode().rpartition(" ")
    dims = ", ".join(map(str, array.shape))
    check(words == f"{name} [{dims}]", f"{what}: {words}, expected {name} [{dims}]")
    native = array.astype(array.dtype.newbyteorder("="), order="C")
    check(data == native.tobytes(), f"{what}: other elements")
    check((place != "-") == in_place, f"{what}: raw() is {place}")
    if in_place:
        stored = pathlib.Path(what.partition("#")[0]).read_bytes()
        check(stored[int(place):int(place) + len(data)] == data, f"{what}: raw() leads elsewhere")


def read_types(tool, folder):
    generator = numpy.random.default_rng(11)
    path = folder / "types.h5"
    cases = []
    with h5py.File(path, "w", userblock_size=1024) as file:
        group = file.create_group("a/b")
        for name, code in TYPES.items():
            values = generator.integers(0, 2 if name == "bool" else 100, size=(7, 5))
            for order in "<>" if name == "f32" else ("<>"[len(cases) % 2],):
                array = values.astype(numpy.dtype(code).newbyteorder(order))
                for number, layout in enumerate(LAYOUTS):
                    key = f"{name}{'bl'[order == '<']}{number}"
                    group.create_dataset(key, data=array, **layout)
                    one_byte = array.dtype.itemsize == 1
                    in_place = number == 0 and name != "bool" and (one_byte or order == "<")
                    cases.append((f"a/b/{key}", name, array, in_place))
        for key, array in (("odd", ODD), ("line", ODD[0]), ("deep", ODD.reshape((1, 2, 1, 3))),
                           ("number", numpy.float64(2.5))):
            file.create_dataset(key, data=array)
            cases.append(("/" + key, "f64", numpy.asarray(array), True))
    for key, name, array, in_place in cases:
        check_read(tool, f"{path}#{key}", name, array, in_place)


def read_only_one(tool, folder):
    path = folder / "one.h5"
    array = numpy.arange(6, dtype="<i4").reshape(2, 3)
    with h5py.File(path, "w", libver="latest") as file:
        file["group/images"] = array
    check_read(tool, str(path), "i32", array, True)
    check_read(tool, f"{path}#//group//images/", "i32", array, True)


def write_refused(file, folder):
    """Data sets that are refused, by name, with the words of the refusal."""
    ones = numpy.ones((4, 3), "f4")
    file["there"] = ones
    file["soft"] = h5py.SoftLink("/there")
    file.create_group("group")["inside"] = ones
    file["softgroup"] = h5py.SoftLink("/group")
    with h5py.File(folder / "other.h5", "w") as other:
        other["there"] = ones
    file["away"] = h5py.ExternalLink("other.h5", "there")
    file.create_dataset("outside", (4, 3), "f4", external=[(str(folder / "raw"), 0, 48)])
    virtual = h5py.VirtualLayout((4, 3), "f4")
    virtual[:] = h5py.VirtualSource("other.h5", "there", (4, 3))
    file.create_virtual_dataset("virtual", virtual)
    file.create_dataset("texts", data=[b"a", b"b"])
    file.create_dataset("lengths", (3,), h5py.vlen_dtype("i4"))
    file.create_dataset("strings", (3,), h5py.string_dtype())
    file.create_dataset("references", (3,), h5py.ref_dtype)
    file.create_dataset("opaque", data=numpy.zeros(3, "V5"))
    file.create_dataset("table", data=numpy.zeros(3, [("a", "f4"), ("b", "i4")]))
    file.create_dataset("complex", data=numpy.zeros(3, "c8"))
    file.create_dataset("arrays", (3,), numpy.dtype(("f4", (2,))))
    file.create_dataset("enum", (3,), h5py.enum_dtype({"NO": 0, "YES": 1}, "i1"))
    file.create_dataset("u16", data=numpy.zeros(3, "u2"))
    file.create_dataset("long", data=numpy.zeros(3, "f16"))
    file.create_dataset("lzf", data=ones, chunks=(2, 3), compression="lzf")
    file.create_dataset("scaled", data=ones, chunks=(2, 3), scaleoffset=2)
    file.create_dataset("chunks", (1 << 25,), "f4", chunks=((1 << 24) + 1,))
    file.create_dataset("sparse", (1 << 40,), "u1", chunks=(1 << 20,))
    file.create_dataset("unwritten", (5,), "f4")
    file.create_dataset("nothing", (0, 3), "f4")
    file.create_dataset("null", data=h5py.Empty("f4"))
    file.create_dataset("nine", data=numpy.zeros((1,) * 9, "u1"))
    file.create_dataset("/".join("g" * 33) + "/x", data=ones)
    return {
        "soft": "soft link", "softgroup/inside": "soft link", "away": "link to another file",
        "outside": "external storage", "virtual": "is virtual", "texts": "texts",
        "lengths": "variable length", "strings": "texts", "references": "references",
        "opaque": "opaque", "table": "compound", "complex": "compound", "arrays": "arrays",
        "enum": "enumeration", "u16": "unsigned whole numbers of 16 bits",
        "long": "real numbers of 128 bits", "lzf": "filter 32000", "scaled": "filter 6",
        "chunks": "chunks of 67108868 bytes; at most 67108864", "sparse": "more than can be",
        "unwritten": "never written", "nothing": "dimension 0 is 0", "null": "null",
        "nine": "9 dimensions", "/".join("g" * 33) + "/x": "groups deep", "group": "no data set",
        "there/x": "is no group", "missing": "has no missing; there are",
        "group/..": "has no ..",
        "group/./inside": "has no .", "away/x": "link to another file"}


def refuse(tool, folder):
    path = folder / "refused.h5"
    with h5py.File(path, "w") as file:
        cases = write_refused(file, folder)
    for name, words in cases.items():
        result = run(tool, f"{path}#{name}")
        message = result.stderr.decode()
        check(result.returncode == 2 and message.startswith(f"{path}#{name}: ")
              and words in message and message.count("\n") == 1,
              f"{name}: exit status {result.returncode}, {message}; expected {words}")
    result = run(tool, str(path))
    check("give the data set's name as FILE#NAME; there are" in result.stderr.decode(),
          result.stderr.decode())


def list_names(tool, folder):
    path = folder / "names.h5"
    with h5py.File(path, "w") as file:
        for number in range(7):
            file[f"x{number}"] = numpy.ones(2)
        file["y/z"] = numpy.ones(2)
        file["y/cycle"] = file["/"]  # A hard link to what it is in.
    message = run(tool, f"{path}#q").stderr.decode()
    check("has no q; there are x0, x1, x2, x3, x4, x5, x6, y/z, ...\n" in message, message)
    with h5py.File(path, "a") as file:
        del file["y/cycle"]
    message = run(tool, f"{path}#q").stderr.decode()
    check(message.endswith("x6, y/z\n"), message)


def refuse_open_for_writing(tool, folder):
    path = folder / "swmr.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = numpy.ones(2)
    bytes_ = bytearray(path.read_bytes())
    check(bytes_[8] == 3, "not a superblock of version 3")
    bytes_[11] |= 1  # The writer's mark; its checksum is then wrong, too, as after a crash.
    path.write_bytes(bytes_)
    result = run(tool, f"{path}#x")
    check(result.returncode == 2 and "cannot be opened" in result.stderr.decode(),
          result.stderr.decode())


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        for test in (read_types, read_only_one, refuse, list_names, refuse_open_for_writing):
            test(tool, pathlib.Path(name))
    return 0


sys.exit(main())
