"""Softmax and layer normalisation on codes: what the reference executor and the C have in common.

softmax: e = table[greatest x - x]; the code of the output is zero_y + floor((e * m + sum(e) * 2**(s - 1)) /
(sum(e) * 2**s)), exact in 64 bits, where m / 2**s is 1 / scale_y.

layer_norm over n codes: d = n * x - sum(x), exact in 32 bits, the zero point cancels; q = sum(d**2), exact in 64 bits;
r = 1 / sqrt(q / n + epsilon * n**2 / scale_x**2) in float32; the code is floor((d * r) * gain + offset + 0.5), each
operation rounded to float32, with gain = weight / scale_y and offset = bias / scale_y + zero_y.
"""

import math

import numpy as np

from smidgen.compiler.ir import Quantization
from smidgen.types import Array

LONGEST_SOFTMAX = 2**11  # codes of a row: sums of exponentials fit 32 bits
LONGEST_NORM = 2**15  # codes of a row: sums of squares fit 64 bits
ONE = 2**20  # what exp(0) is


def exponentials(x: Quantization) -> Array:
    """exp(-scale * d) for differences d of 0 to 255, in units of 1 / ONE: (256,) uint32."""
    return np.asarray(np.rint(ONE * np.exp(-x.scale * np.arange(256.0))), np.uint32)


def share(y: Quantization) -> tuple[int, int]:
    """1 / scale_y as (m, s), 1 / scale_y = m / 2**s.

    Raises:
        ValueError: a scale that is not from 2**-20 to 1, which no probabilities have.
    """
    if not 2**-20 <= y.scale <= 1:
        raise ValueError(f"probabilities have a scale of {y.scale}")
    shift = max(1, 16 - math.frexp(1 / y.scale)[1])
    return round(2**shift / y.scale), shift


def gains(y: Quantization, count: int, weight: Array | None, bias: Array | None) -> tuple[Array, Array]:
    """weight / scale_y and bias / scale_y + zero_y: (count,) float32 each."""
    gain = np.ones(count) if weight is None else weight.astype(np.float64)
    offset = np.zeros(count) if bias is None else bias.astype(np.float64)
    return np.asarray(gain / y.scale, np.float32), np.asarray(offset / y.scale + y.zero_point, np.float32)


def spread(x: Quantization, count: int, epsilon: float) -> float:
    """epsilon * n**2 / scale_x**2, of float32: what is added to the variance of the differences d."""
    return float(np.float32(epsilon * count**2 / x.scale**2))
