#!/usr/bin/env python3
"""The variation of MNIST's pixels, sum over pixels and images of (value - mean of the pixel)^2 with
values in [0, 1], from integer sums and exact fractions: what mnist_test.cpp expects.

Usage: mnist_variation.py FOLDER, with the four published .gz files. Standard library only; seconds.
"""

import fractions
import gzip
import pathlib
import sys


def variation(path):
    data = gzip.decompress(path.read_bytes())
    rows, pixels = int.from_bytes(data[4:8], "big"), data[16:]
    cols = len(pixels) // rows
    total = fractions.Fraction(0)
    for c in range(cols):
        column = pixels[c::cols]
        total += sum(v * v for v in column) - fractions.Fraction(sum(column) ** 2, rows)
    return float(total / 255**2)


for stem in ("train", "t10k"):
    print(stem, repr(variation(pathlib.Path(sys.argv[1]) / f"{stem}-images-idx3-ubyte.gz")))
