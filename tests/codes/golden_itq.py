"""Makes golden_itq.inc: iterative quantization (Gong & Lazebnik 2011) in NumPy, from the same first
rotation as core/codes/itq.cpp, whose random numbers are defined in core/sdk/philox.hpp.

Run by hand where NumPy is installed (Debian: python3-numpy); the test reads only its output:

    /usr/bin/python3 tests/codes/golden_itq.py > tests/codes/golden_itq.inc

Codes are x[i][j] = (j + 1) sin(1.7 i + 2.3 j^2) + 0.25 cos(0.9 i (j + 1)), rows x units, centred.
"""

import math
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "data"))
from philox_reference import mix, philox  # noqa: E402

ROWS, UNITS, SEED, ITERATIONS = 61, 5, 7, 50
M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def key():
    stream = 0xCBF29CE484222325
    for byte in SEED.to_bytes(8, "little") + b"codes/itq" + b"\0":
        stream = (stream ^ byte) * 0x100000001B3 & M64
    number = mix(mix(stream) ^ mix(0x9E3779B97F4A7C15))
    return number & M32, number >> 32


def normals(count):
    numbers = []
    for block in range((count + 3) // 4):
        words = philox(key(), (0, 0, block, 0))
        for a, b in ((0, 1), (2, 3)):
            radius = math.sqrt(-2.0 * math.log((words[a] + 0.5) / 2**32))
            turn = 2.0 * math.pi * words[b] / 2**32
            numbers += [radius * math.cos(turn), radius * math.sin(turn)]
    return numpy.array(numbers[:count])


x = numpy.array([[(j + 1) * math.sin(1.7 * i + 2.3 * j * j) + 0.25 * math.cos(0.9 * i * (j + 1))
                  for j in range(UNITS)] for i in range(ROWS)])
x -= x.mean(axis=0)
values, axes = numpy.linalg.eigh(x.T @ x / ROWS)
axes = axes[:, ::-1]
axes = axes * numpy.sign(axes[numpy.abs(axes).argmax(axis=0), range(UNITS)])
q, r = numpy.linalg.qr(normals(UNITS * UNITS).reshape(UNITS, UNITS))
v, rotation = x @ axes, q * numpy.sign(numpy.diag(r))
for _ in range(ITERATIONS):
    bits = numpy.where(v @ rotation >= 0.0, 1.0, -1.0)
    left, _, right = numpy.linalg.svd(v.T @ bits)
    rotation = left @ right
print(f"// Made by golden_itq.py: {ROWS} rows, {UNITS} units, seed {SEED}.")
for row in axes @ rotation:
    print(", ".join(float(value).hex() for value in row) + ",")
