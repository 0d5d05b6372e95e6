#!/usr/bin/python3
"""Prints the coefficients of core/sdk/functions.hpp: near-minimax polynomials by mpmath's chebyfit.

Needs python3-mpmath (Debian 12: 1.2.1). Each line gives the largest error relative to what the
polynomial is part of, so that it can be compared with eps / 2 of the scalar.
"""
import mpmath as mp

mp.mp.dps = 60


def show(name, f, a, b, terms, weight=lambda x: mp.mpf(1)):
    coefficients = mp.chebyfit(f, [a, b], terms)
    error = 0
    for i in range(4001):
        x = a + (b - a) * mp.mpf(i) / 4000
        error = max(error, abs(mp.polyval(coefficients, x) - f(x)) * weight(x))
    print(f"{name}: {terms} terms on [{mp.nstr(a, 5)}, {mp.nstr(b, 5)}], error {mp.nstr(error, 3)}")
    for c in reversed(coefficients):  # Constant term first.
        print(f"    {mp.nstr(c, 20)},")


def expm1_rest(x):
    """(expm1(x) - x) / x^2."""
    x = mp.mpf(x)
    return mp.mpf(1) / 2 if x == 0 else (mp.expm1(x) - x) / x**2


def atanh_ratio(w):
    """atanh(s) / s of w = s^2."""
    w = mp.mpf(w)
    return mp.mpf(1) if w == 0 else mp.atanh(mp.sqrt(w)) / mp.sqrt(w)


def tail(t, k):
    """(1 + a) exp(a^2 / 2) Q(a), Q the upper tail of the normal distribution, of
    t = (a - k) / (a + k), a = k (1 + t) / (1 - t)."""
    t = mp.mpf(t)
    a = k * (1 + t) / (1 - t)
    return (1 + a) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


if __name__ == "__main__":
    half, ninth = mp.mpf(1) / 2, mp.mpf(1) / 9
    for terms in (5, 10):
        show("expm1", expm1_rest, -half, mp.mpf(0), terms, abs)
    for terms in (5, 11):
        show("log1p", atanh_ratio, mp.mpf(0), ninth, terms)
    # Beyond a = 14 and 40 the tail is 0 in single and in double.
    k = mp.mpf(4)
    for terms, last in ((12, 14), (25, 40)):
        end = (last - k) / (last + k)
        show("tail", lambda t: tail(t, k), mp.mpf(-1), end, terms, lambda t: 1 / tail(t, k))
