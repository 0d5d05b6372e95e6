#!/usr/bin/env python3
"""Writes the hand-made part of the corpora, valid and hostile, from the formats' descriptions.

    make_corpus.py FOLDER    writes FOLDER/{idx,npy,safetensors,hdf5}/NAME

Standard library only. Files that a fuzzer found are not made here; they begin with "found_".
"""

import gzip
import json
import pathlib
import struct
import sys


def idx(code, dims, data=b"", lead=b"\0\0"):
    return lead + bytes([code, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + data


def packed(data):
    return gzip.compress(data, mtime=0)


IMAGES = idx(8, (2, 2, 3), bytes(range(12)))

IDX = {
    "u8_1d": idx(8, (7,), bytes(range(7))),
    "u8_images": IMAGES,
    "i8": idx(9, (3,), b"\x80\x00\x7f"),
    "i16": idx(11, (3, 1), struct.pack(">3h", -2, 0, 258)),
    "i32": idx(12, (1, 2), struct.pack(">2i", -2, 16909060)),
    "f32": idx(13, (2, 2), struct.pack(">4f", 0, -1.5, 3e38, 1e-40)),
    "f64": idx(14, (1, 2, 1, 1), struct.pack(">2d", -1.5, 5e-324)),
    "gzip": packed(IMAGES),
    "gzip_zeros": packed(idx(8, (150, 100), bytes(15000))),
    "gzip_members": packed(IMAGES) + packed(IMAGES),
    "gzip_tail": packed(IMAGES) + b"tail",
    "gzip_cut": packed(IMAGES)[:-9],
    "gzip_crc": packed(IMAGES)[:-8] + b"\0\0\0\0" + packed(IMAGES)[-4:],
    "gzip_length": packed(IMAGES)[:-4] + b"\xff\xff\xff\xff",
    "gzip_claims_much": packed(idx(8, (1 << 31, 2))),
    "gzip_name": b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 40,
    "gzip_empty": packed(b""),
    "empty": b"",
    "zeros": bytes(16),
    "magic_only": b"\0\0\x08\x01",
    "type_0": idx(0, (1,), b"\0"),
    "type_10": idx(10, (1,), b"\0"),
    "no_dims": idx(8, ()),
    "five_dims": idx(8, (1,) * 5, b"\0"),
    "dim_0": idx(8, (3, 0)),
    "dim_max": idx(8, (1 << 31,)),
    "dim_ffffffff": idx(8, (0xFFFFFFFF,)),
    "product_overflows": idx(14, (1 << 31,) * 4),
    "product_wraps_to_1": idx(8, (1 << 31, 1 << 31, 4, 1), b"\0"),
    "one_short": IMAGES[:-1],
    "one_long": IMAGES + b"\0",
}


def npy(header, data=b"", version=(1, 0), length=None):
    text = header if isinstance(header, bytes) else header.encode()
    count = len(text) if length is None else length
    size = struct.pack("<H", count) if version[0] == 1 else struct.pack("<I", count)
    return b"\x93NUMPY" + bytes(version) + size + text + data


def literal(descr="'<f4'", order="False", shape="(2, 3)", tail=", }\n"):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s%s" % (descr, order, shape, tail)


FLOATS = struct.pack("<6f", 0, 1, -2.5, 3e38, float("nan"), float("-inf"))

NPY = {
    "f4": npy(literal(), FLOATS),
    "f4_padded": npy(literal(tail=", }" + " " * 54 + "\n"), FLOATS),
    "f4_big": npy(literal("'>f4'"), struct.pack(">6f", *range(6))),
    "f8_v2": npy(literal("'<f8'", shape="(3,)"), bytes(24), (2, 0)),
    "i8_v3": npy(literal("'<i8'", shape="()"), bytes(8), (3, 0)),
    "f2": npy(literal("'<f2'"), bytes(12)),
    "i2_big": npy(literal("'>i2'"), bytes(range(12))),
    "i4": npy(literal("'<i4'"), bytes(range(24))),
    "i1": npy(literal("'|i1'"), bytes(range(6))),
    "u1": npy(literal("'|u1'"), bytes(range(6))),
    "b1": npy(literal("'|b1'"), bytes([0, 1, 1, 0, 1, 0])),
    "b1_two": npy(literal("'|b1'"), bytes([0, 1, 2, 0, 1, 0])),
    "eight_dims": npy(literal("'|u1'", shape="(1, 2, 1, 1, 1, 1, 1, 3)"), bytes(6)),
    "nine_dims": npy(literal("'|u1'", shape="(1, 1, 1, 1, 1, 1, 1, 1, 1)"), bytes(1)),
    "other_order": npy("{\"shape\":(6,),'fortran_order':False,'descr':'|u1'}", bytes(6)),
    "fortran": npy(literal(order="True"), FLOATS),
    "fortran_vector": npy(literal(order="True", shape="(6, 1)"), FLOATS),
    "objects": npy(literal("'|O'", shape="(1,)"), b"\x80\x04N."),
    "structured": npy(literal("[('a', '<f4'), ('b', '<i4')]", shape="(3,)"), bytes(24)),
    "text": npy(literal("'<U3'", shape="(2,)"), bytes(24)),
    "u4": npy(literal("'<u4'"), bytes(24)),
    "no_order": npy(literal("'f4'"), FLOATS),
    "code": npy(literal("__import__('os').system('true')"), FLOATS),
    "call": npy(literal(shape="(int(2), 3)"), FLOATS),
    "number_in_parentheses": npy(literal(shape="(6)"), FLOATS),
    "negative": npy(literal(shape="(-1, 3)"), FLOATS),
    "leading_zero": npy(literal(shape="(02, 3)"), FLOATS),
    "long_suffix": npy(literal(shape="(2L, 3L)"), FLOATS),
    "zero_dim": npy(literal(shape="(0, 3)")),
    "dim_2_48": npy(literal("'|u1'", shape="(281474976710656,)")),
    "dim_2_48_1": npy(literal("'|u1'", shape="(281474976710657,)")),
    "dim_2_64": npy(literal("'|u1'", shape="(18446744073709551616,)")),
    "product_wraps_to_6": npy(literal("'|u1'", shape="(281474976710656, 65536, 6)"), bytes(6)),
    "key_twice": npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
                     bytes(24)),
    "key_unknown": npy(literal(tail=", 'x': 1}"), FLOATS),
    "key_missing": npy("{'descr': '<f4', 'shape': (6,)}", FLOATS),
    "no_keys": npy("{}"),
    "nested": npy("{" * 5000),
    "parentheses": npy(literal(shape="(" * 5000)),
    "after_brace": npy(literal(tail="} 1"), FLOATS),
    "nul": npy(literal(tail="\0}"), FLOATS),
    "header_0": npy(b""),
    "header_10000": npy(literal("'|u1'", shape="(1,)").ljust(10000), b"\0"),
    "header_10001": npy(literal("'|u1'", shape="(1,)").ljust(10001), b"\0"),
    "header_beyond_file": npy(literal(), b"", length=9999),
    "header_ffffffff": npy(literal(), FLOATS, (2, 0), length=0xFFFFFFFF),
    "version_0": npy(literal(), FLOATS, (0, 0)),
    "version_1_1": npy(literal(), FLOATS, (1, 1)),
    "version_4": npy(literal(), FLOATS, (4, 0)),
    "one_short": npy(literal(), FLOATS[:-1]),
    "one_long": npy(literal(), FLOATS + b"\0"),
    "magic_only": b"\x93NUMPY",
    "zip": b"PK\x03\x04" + bytes(40),
}


def tensors(header, data=b"", length=None, pad=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += pad
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


TWO = {"b/w": tensor("F32", [2, 3], 0, 24), "a": tensor("U8", [5], 24, 29)}
DATA = bytes(range(29))
TYPES = (("BOOL", 1), ("U8", 1), ("I8", 1), ("I16", 2), ("U16", 2), ("F16", 2), ("BF16", 2),
         ("I32", 4), ("U32", 4), ("F32", 4), ("I64", 8), ("U64", 8), ("F64", 8), ("C64", 8),
         ("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1))


def all_types():
    header, at = {}, 0
    for name, size in TYPES:
        header[name] = tensor(name, [2], at, at + 2 * size)
        at += 2 * size
    return tensors(header, bytes(at))


SAFETENSORS = {
    "two": tensors(TWO, DATA),
    "two_padded": tensors(TWO, DATA, pad=b"   "),
    "two_backwards": tensors(dict(reversed(TWO.items())), DATA),
    "metadata": tensors({"__metadata__": {"format": "pt", "": "\u00e9"}, **TWO}, DATA),
    "metadata_only": tensors({"__metadata__": {}}),
    "none": tensors({}),
    "all_types": all_types(),
    "scalar": tensors({"s": tensor("F64", [], 0, 8)}, bytes(8)),
    "no_elements": tensors({"e": tensor("F32", [0, 3], 0, 0), **TWO}, DATA),
    "f4": tensors({"x": tensor("F4", [3, 2], 0, 3)}, bytes(3)),
    "f4_odd": tensors({"x": tensor("F4", [3], 0, 1)}, bytes(1)),
    "f6": tensors({"x": tensor("F6_E2M3", [4], 0, 3)}, bytes(3)),
    "bool_two": tensors({"x": tensor("BOOL", [2], 0, 2)}, b"\x01\x02"),
    "escapes": tensors(b'{"\\u0061\\"\\\\\\/\\ud83d\\ude00":{"dtype":"U8","shape":[1],'
                       b'"data_offsets":[0,1]}}', b"\0"),
    "escaped_twin": tensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":'
                            b'{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"\0\0"),
    "half_surrogate": tensors(b'{"\\ud83d":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"),
    "control_in_name": tensors({"a\nb": tensor("U8", [1], 0, 1)}, b"\0"),
    "not_utf8": tensors(b'{"\xff":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\0"),
    "overlong_utf8": tensors(b'{"\xc0\xaf":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"),
    "hole": tensors({"a": tensor("U8", [1], 0, 1), "b": tensor("U8", [1], 2, 3)}, bytes(3)),
    "overlap": tensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, bytes(3)),
    "same_bytes": tensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 0, 2)}, bytes(2)),
    "not_from_0": tensors({"a": tensor("U8", [1], 1, 2)}, bytes(2)),
    "end_before_begin": tensors({"a": tensor("U8", [1], 2, 1)}, bytes(2)),
    "offsets_wrap": tensors({"a": tensor("U8", [2], 2**64 - 1, 1)}, bytes(2)),
    "one_short": tensors(TWO, DATA[:-1]),
    "one_long": tensors(TWO, DATA + b"\0"),
    "shape_differs": tensors({"a": tensor("F32", [3], 0, 8)}, bytes(8)),
    "shape_overflows": tensors({"a": tensor("F64", [2**48] * 8, 0, 8)}, bytes(8)),
    "shape_wraps_to_8": tensors({"a": tensor("U8", [2**48, 2**16, 8], 0, 8)}, bytes(8)),
    "dim_2_48_1": tensors({"a": tensor("U8", [2**48 + 1, 0], 0, 0)}),
    "dim_2_64": tensors({"a": tensor("U8", [2**64], 0, 1)}, bytes(1)),
    "dim_negative": tensors({"a": tensor("U8", [-1], 0, 1)}, bytes(1)),
    "dim_real": tensors({"a": tensor("U8", [1.0], 0, 1)}, bytes(1)),
    "dim_exponent": tensors(b'{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}', b"\0"),
    "nine_dims": tensors({"a": tensor("U8", [1] * 9, 0, 1)}, bytes(1)),
    "three_offsets": tensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', b"\0"),
    "dtype_unknown": tensors({"a": tensor("F99", [1], 0, 1)}, bytes(1)),
    "dtype_number": tensors({"a": {"dtype": 1, "shape": [1], "data_offsets": [0, 1]}}, bytes(1)),
    "name_twice": tensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8",'
                          b'"shape":[1],"data_offsets":[1,2]}}', b"\0\0"),
    "field_twice": tensors(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
                           b"\0"),
    "field_unknown": tensors({"a": {**tensor("U8", [1], 0, 1), "x": [[[]]]}}, bytes(1)),
    "field_missing": tensors({"a": {"dtype": "U8", "shape": [1]}}, bytes(1)),
    "metadata_twice": tensors(b'{"__metadata__":{},"__metadata__":{}}'),
    "metadata_key_twice": tensors(b'{"__metadata__":{"a":"","a":""}}'),
    "metadata_number": tensors({"__metadata__": {"a": 1}}),
    "metadata_nested": tensors({"__metadata__": {"a": {"b": "c"}}}),
    "nested_objects": tensors(b'{"a":' * 2000),
    "nested_arrays": tensors(b'{"a":{"shape":' + b"[" * 5000),
    "text_after": tensors(b"{} {}"),
    "nul_after": tensors(b"{}\0"),
    "space_before": tensors(b" {}"),
    "array": tensors(b"[]"),
    "open_string": tensors(b'{"a'),
    "header_0": tensors(b"", length=0) + b"{}",
    "header_1": tensors(b"{", length=1) + b"}",
    "header_beyond_file": tensors(b"{}", length=3),
    "header_16_mib": tensors(b"{}", length=16 << 20),
    "header_2_63": tensors(b"{}", length=1 << 63),
    "header_ffffffffffffffff": tensors(b"{}", length=2**64 - 1),
    "length_only": struct.pack("<Q", 2),
}


def reply(kind=1, type_code=8, dims=(), length=0, offset=-1, count=None):
    """Of the process that reads HDF5 (runner/hdf5_reader/reply.hpp)."""
    filled = tuple(dims) + (0,) * (8 - len(dims))
    count = len(dims) if count is None else count
    return b"AESWH5R1" + struct.pack("<4I9q", kind, type_code, count, length, *filled, offset)


SIX = reply(dims=(2, 3))
MIB = 1 << 20

HDF5 = {
    "f32": SIX + reply(2, length=24) + FLOATS,
    "in_place": reply(dims=(2, 3), offset=2048),
    "number": reply(type_code=5) + reply(2, length=8) + bytes(8),
    "eight_dims": reply(type_code=0, dims=(1,) * 8) + reply(2, length=1) + b"\1",
    "two_blocks": (reply(type_code=1, dims=(MIB + 5,)) + reply(2, length=MIB)
                   + reply(3, length=4) + b"over"),
    "fault": reply(3, length=8) + b"has no x",
    "fault_lines": reply(3, length=7) + b"a\nb\0\x7f\xff\x1b",
    "fault_later": SIX + reply(3, length=3) + b"cut",
    "fault_long": reply(3, length=4096) + b"x" * 4096,
    "fault_too_long": reply(3, length=4097) + b"x" * 4097,
    "block_short": SIX + reply(2, length=23) + FLOATS,
    "block_long": SIX + reply(2, length=25) + FLOATS + b"x",
    "block_0": SIX + reply(2),
    "block_first": reply(2, length=24) + FLOATS,
    "block_huge": SIX + reply(2, length=MIB + 1),
    "array_again": SIX + SIX,
    "array_length": reply(dims=(2, 3), length=1),
    "type_10": reply(type_code=10, dims=(2,)),
    "kind_0": reply(0),
    "nine_dims": reply(dims=(1,) * 8, count=9),
    "dim_0": reply(dims=(0, 3)),
    "dim_negative": reply(dims=(-1,)),
    "dims_overflow": reply(dims=(1 << 48,) * 2),
    "offset_negative": reply(dims=(1,), offset=-2),
    "empty": b"",
    "magic": b"AESWH5R1",
    "other_program": b"Running main() from gtest_main.cc\n" * 4,
}


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    for format_name, files in (("idx", IDX), ("npy", NPY), ("safetensors", SAFETENSORS),
                               ("hdf5", HDF5)):
        folder = pathlib.Path(sys.argv[1], format_name)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
