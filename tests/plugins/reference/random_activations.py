#!/usr/bin/python3
"""Prints what tests/plugins/activation_random_test.cpp expects of bernoulli and noisy_sigmoid.

Philox4x32-10 (Salmon et al. 2011) and the keys and counters of the plugin ABI, written from their
definitions and independent of core/sdk/philox.hpp. Python's standard library only.
"""
import math

MASK32, MASK64 = 2**32 - 1, 2**64 - 1


def philox(key, counter):
    k, c = list(key), list(counter)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & MASK32, (p >> 32) ^ c[3] ^ k[1], p & MASK32]
        k = [(k[0] + 0x9E3779B9) & MASK32, (k[1] + 0xBB67AE85) & MASK32]
    return c


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def word(stream, purpose, step, row, unit):
    key = mix(stream ^ mix((purpose + 0x9E3779B97F4A7C15) & MASK64))
    counter = [step & MASK32, step >> 32, row, unit // 4]
    return philox([key & MASK32, key >> 32], counter)[unit % 4]


def normal(stream, purpose, step, row, unit):
    first = unit - unit % 2
    u = (word(stream, purpose, step, row, first) + 0.5) / 2**32
    turn = word(stream, purpose, step, row, first + 1) / 2**32
    radius = math.sqrt(-2 * math.log(u))
    return radius * (math.sin if unit % 2 else math.cos)(2 * math.pi * turn)


if __name__ == "__main__":
    assert philox([0xA4093822, 0x299F31D0], [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]) == \
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
    stream, step, units = 0x0123456789ABCDEF, 0x100000007, 70
    some = (0, 1, 31, 32, 69)
    for row in (1000, 1001):
        uniforms = [(word(stream, 0, step, row, unit) >> 8) / 2**24 for unit in range(units)]
        print(f'"{"".join("1" if u < 0.5 else "0" for u in uniforms)}",')
        print(f"{{{', '.join(f'{uniforms[unit]:.8f}' for unit in some)}}},")
        print(f"{{{', '.join(repr(normal(stream, 0, step, row, unit)) for unit in some)}}},")
