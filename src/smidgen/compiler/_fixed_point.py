"""Functions of 32-bit fixed-point numbers, to the bit as in gemmlowp's fixedpoint.h: LiteRT's softmax is made of them.

Numbers are int64 arrays that hold what gemmlowp keeps in int32; "of n integer bits" means units of 2**(n - 31).
"""

import numpy as np

from smidgen.types import Array

ONE = 2**31 - 1  # of 0 integer bits: the number nearest to 1
UNIT = 2**29  # 1, of 2 integer bits
EXPONENTIALS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
"""exp(-2**key), of 0 integer bits."""
EXP_EIGHTH, THIRD = 1895147668, 715827883  # exp(-1/8) and 1/3, of 0 integer bits
NEWTON = 1515870810, -1010580540  # 48/17 and -32/17, of 2 integer bits
LOGIT = 2.0**-20  # what logits that become floats count in
DIFFERENCE_BITS, SUM_BITS = 5, 12  # integer bits of the exponents of a softmax, and of their sum


def product(a: Array, b: Array | int) -> Array:
    """a * b / 2**31 to the nearest, halfway up."""
    return np.asarray((a * np.asarray(b, np.int64) + 2**30) >> 31)


def shifted(x: Array, bits: Array | int) -> Array:
    """x / 2**bits to the nearest, halfway away from zero."""
    places = np.asarray(bits, np.int64)
    nudge = ((np.int64(1) << places) >> 1) - ((x < 0) & (places > 0))
    return np.asarray((x + nudge) >> places)


def saturated(x: Array, bits: int) -> Array:
    """x * 2**bits, held in 32 bits."""
    return np.asarray(np.clip(x << bits, -(2**31), 2**31 - 1))


def exp(x: Array) -> Array:
    """exp(x), of 0 integer bits, of x <= 0 of 5 integer bits.

    exp of the part in [-1/4, 0) by its series about -1/8, times exp of the powers of two that make up the rest.
    """
    quarter = 1 << (31 - DIFFERENCE_BITS - 2)
    part = (x & (quarter - 1)) - quarter
    found, rest = _exp_of_quarter(saturated(part, DIFFERENCE_BITS)), part - x
    for power, factor in EXPONENTIALS.items():
        bit = np.int64(1) << (31 - DIFFERENCE_BITS + power)
        found = np.where(rest & bit, product(found, factor), found)
    return np.where(x == 0, ONE, found)


def _exp_of_quarter(x: Array) -> Array:
    """exp(x) of x in [-1/4, 0), both of 0 integer bits."""
    y = x + 2**28
    square = product(y, y)
    cube, fourth = product(square, y), product(square, square)
    series = shifted(product(shifted(fourth, 2) + cube, THIRD) + square, 1)
    return np.asarray(EXP_EIGHTH + product(y + series, EXP_EIGHTH))


def reciprocal(x: Array) -> Array:
    """1 / (1 + x) of x in [0, 1), both of 0 integer bits: three steps of Newton's method."""
    half = (x + ONE + 1) >> 1
    found = NEWTON[0] + product(half, NEWTON[1])
    for _ in range(3):
        missing = UNIT - product(half, found)
        found = found + saturated(product(found, missing), 2)
    return saturated(found, 1)


def softmax(x: Array, multiplier: int, shift: int, least: int) -> Array:
    """exp(x) over its sum along the last axis, as codes from 0 on of scale 1/256.

    Args:
        x: codes, int64.
        multiplier: together with shift, what takes differences of codes to 5 integer bits.
        shift: as `arithmetic.multiplier` gives it, at most 31.
        least: differences to the greatest code that are below it count as minus infinity.
    """
    below = x - x.max(axis=-1, keepdims=True)
    exponents = (below * multiplier + ((1 << shift) >> 1)) >> shift
    powers = np.where(below >= least, exp(np.where(below >= least, exponents, 0)), 0)
    total = shifted(powers, SUM_BITS).sum(axis=-1, keepdims=True)
    places = np.frexp(total.astype(np.float64))[1]  # bits of the total, which is at least 1
    inverse = reciprocal((total << (32 - places)) - 2**31)
    bits = places - 32 + SUM_BITS + 31 - 8
    return np.where(below >= least, shifted(product(powers, inverse), bits), 0)


def shares(x: Array) -> Array:
    """exp(x) over its sum along the last axis, float32, of logits in units of `LOGIT`.

    The quotients are cut off after 24 binary digits, as long division does; a logit 32 below the greatest counts as
    minus infinity.
    """
    below = (x - x.max(axis=-1, keepdims=True)).astype(np.int64)
    near = below >= -(2**25)
    powers = np.where(near, exp(np.where(near, below << 6, 0)), 0) >> headroom(x.shape[-1])
    total = powers.sum(axis=-1, keepdims=True)
    bits = np.where(powers > 0, np.frexp(total / np.maximum(powers, 1))[1], 0)
    lifted = powers << bits
    bits = np.where(lifted >= 2 * total, bits - 1, bits)
    digits = ((powers << bits) << 23) // total
    return np.asarray(np.ldexp(digits.astype(np.float64), -23 - bits), np.float32)


def headroom(count: int) -> int:
    """Bits that so many numbers of 31 bits lose for their sum to fit 31 bits."""
    return (count - 1).bit_length()
