#!/usr/bin/env python3
"""Golden values of orders, splits, patches and synthetic data, from the definitions in
core/data/{order,split_rows,patches,superposition}.hpp and core/sdk/philox.hpp, written
independently of the C++ code.

Prints the values that the tests of these expect. Standard library only.
"""

import math
import struct

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1


def philox(key, counter):
    """Philox4x32-10 of Salmon et al. 2011; checked below against Random123's published vectors."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & M32, (p0 >> 32) ^ c3 ^ k1, p0 & M32
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return c0, c1, c2, c3


# kat_vectors of Random123: philox4x32 with 10 rounds, counter and key zero, then all ones.
assert philox((0, 0), (0, 0, 0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
assert philox((M32, M32), (M32,) * 4) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & M64
    return z ^ (z >> 31)


def stream_key(seed, path, purpose):
    stream = 0xCBF29CE484222325
    for byte in seed.to_bytes(8, "little") + path.encode() + b"\0":
        stream = (stream ^ byte) * 0x100000001B3 & M64
    key = mix(mix(stream) ^ mix((purpose + 0x9E3779B97F4A7C15) & M64))
    return key & M32, key >> 32


def shuffled(key, epoch, items, first_place):
    """Items whose places in the order are first_place, first_place + 1, and so on."""
    items = list(items)
    for i in range(len(items) - 1, 0, -1):
        bound, attempt, chosen = i + 1, 0, None
        while chosen is None:
            for word in philox(key, (epoch & M32, epoch >> 32, first_place + i, attempt)):
                if chosen is None and (word * bound & M32) >= (1 << 32) % bound:
                    chosen = word * bound >> 32
            attempt += 1
        items[i], items[chosen] = items[chosen], items[i]
    return items


def epoch_order(seed, epoch, count):
    return shuffled(stream_key(seed, "data/order", 0), epoch, range(count), 0)


def block_order(seed, epoch, count, block_rows, pool_rows):
    """A list of pools, each a list of rows."""
    blocks = [range(b, min(b + block_rows, count)) for b in range(0, count, block_rows)]
    blocks = shuffled(stream_key(seed, "data/order", 1), epoch, blocks, 0)
    pool_blocks = max(pool_rows // block_rows, 1) if pool_rows else len(blocks)
    pools, place = [], 0
    for first in range(0, len(blocks), pool_blocks):
        rows = [row for block in blocks[first:first + pool_blocks] for row in block]
        pools.append(shuffled(stream_key(seed, "data/order", 2), epoch, rows, place))
        place += len(rows)
    return pools


def split_order(seed, count):
    stream = 0xCBF29CE484222325
    for byte in seed.to_bytes(8, "little") + b"data/split" + b"\0":
        stream = (stream ^ byte) * 0x100000001B3 & M64
    return epoch_order(mix(stream), 0, count)


def patch_places(seed, split, count, images, height, width, rows, cols):
    """(image, row, column) of the first patches; split: 0 train, 1 validation, 2 test."""
    key = stream_key(seed, "data/patches", split)
    places = []
    for i in range(count):
        place = []
        for which, bound in enumerate((images, height - rows + 1, width - cols + 1)):
            words = (word for attempt in range(9) for word in philox(key, (i, 0, which, attempt)))
            place.append(next(word * bound >> 32 for word in words
                              if (word * bound & M32) >= (1 << 32) % bound))
        places.append(tuple(place))
    return places


def normals(key, row, count):
    numbers = []
    for block in range((count + 3) // 4):
        words = philox(key, (0, 0, row, block))
        for pair in (0, 2):
            radius = math.sqrt(-2.0 * math.log((words[pair] + 0.5) * 2.0**-32))
            turn = words[pair + 1] * 2.0**-32
            numbers.append(radius * math.cos(2.0 * math.pi * turn))
            numbers.append(radius * math.sin(2.0 * math.pi * turn))
    return numbers[:count]


def superposition(seed, cols, atoms, active_mean, low, high, noise, test, row):
    """Atom list and one sample, before rounding to f32."""
    dictionary = []
    for k in range(atoms):
        atom = normals(stream_key(seed, "data/superposition", 0), k, cols)
        norm = math.sqrt(sum(value * value for value in atom))
        dictionary.append([value / norm for value in atom])
    coefficients = stream_key(seed, "data/superposition", 3 if test else 1)
    sample = [0.0] * cols
    for k in range(atoms):
        words = philox(coefficients, (0, 0, row, k // 2))[2 * (k % 2):]
        if words[0] * 2.0**-32 < active_mean / atoms:
            strength = low + (high - low) * (words[1] * 2.0**-32)
            sample = [x + strength * d for x, d in zip(sample, dictionary[k])]
    noises = normals(stream_key(seed, "data/superposition", 4 if test else 2), row, cols)
    return dictionary, [x + noise * n for x, n in zip(sample, noises)]


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def main():
    print("order(0, 0, 7)", epoch_order(0, 0, 7))
    print("order(42, 3, 7)", epoch_order(42, 3, 7))
    large = epoch_order(1, 0, 60_000)
    print("order(1, 0, 60000)", [large[i] for i in (0, 1, 30_000, 59_999)])
    refused = epoch_order(1, 6, 60_000)  # The first words for these two places are refused.
    print("order(1, 6, 60000)", [refused[i] for i in (48_159, 59_252)])
    for arguments in ((0, 0, 11, 2, 5), (42, 1 << 33, 11, 3, 1), (7, 5, 11, 4, 0)):
        print("block order", arguments, block_order(*arguments))
    print("split(5, 11)", split_order(5, 11))
    print("patches", patch_places(9, 2, 4, 5, 7, 6, 3, 2))
    for test, row in ((False, 0), (False, 12), (True, 12)):
        atoms, sample = superposition(9, 5, 3, 1.5, 0.5, 1.5, 0.25, test, row)
        print("test" if test else "train", row, [f"{f32(value):.9g}F" for value in sample])
    print("atom 2", [f"{value:.17g}" for value in atoms[2]])


if __name__ == "__main__":
    main()
