"""Prints what binary_connect_test.cpp pins: the first draws of stochastic binary_connect.

Philox4x32-10 and its keys written from their papers (Salmon et al. 2011; FNV-1a; SplitMix64),
apart from core/sdk/philox.hpp:

    python3 tests/plugins/reference/binary_connect_draws.py
"""

M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    return z ^ (z >> 31)


def philox(key, counter):
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & M32, (p0 >> 32) ^ c[3] ^ k1, p0 & M32]
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return c


def draw(stream, step, element):
    key = mix(stream ^ mix(0x9E3779B97F4A7C15))  # Purpose 0.
    block = element // 4
    counter = (step & M32, step >> 32, block & M32, block >> 32)
    words = philox((key & M32, key >> 32), counter)
    return (words[element % 4] >> 8) * 2.0**-24


for first in (0, (1 << 36) + 61):
    print("".join("+" if draw(0x123456789ABCDEF, 5, first + i) < 0.5 else "-" for i in range(16)))
