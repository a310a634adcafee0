"""The integer arithmetic of rounding "onnx", to the bit: the reference executor and the C that ships both follow it.

`compiler.litert` has what differs in rounding "litert".

A code stands for scale * (code - zero_point). Sums are exact 32-bit integers; each operation then rounds once, to the
nearest code of its output, halfway up (towards +infinity), by a fixed-point multiplication (Jacob et al. 2018,
arXiv:1712.05877, section 2.2):

| operation | accumulator, int32 | code of the output before `bounds` clamp it |
|---|---|---|
| conv2d, dense | sum (x - zx) * w + b | zy + requantize(acc, *channel_multipliers(x, w, y)) |
| the same with leaky_relu | | where acc < 0: *channel_multipliers(x, w, y, slope) |
| mean, average_pool2d | sum (x - zx) over the n values that are not padding | multiplier(sx / (n * sy)) |
| mul | (a - za) * (b - zb) | multiplier(sa * sb / sy) |
| add, sub | (a - za) * ma +- (b - zb) * mb | (ma, mb), shift = common_multipliers((sa / sy, sb / sy)); rounded_shift |
| the same with leaky_relu | | where the sum < 0: requantize(sum, *multiplier(slope / 2**shift)) |
| relu, relu6, requantize | x - zx | multiplier(sx / sy) |
| `UNARY` | | table(kind, x, y, attributes)[x - lowest code] |
| max_pool2d, reshape, transpose, concat, pad | | the codes themselves, of one scale; padding of max_pool2d never wins |
| quantize | x, float32 | zy + floor(x / sy + 0.5), in float32 with float32 sy |
| dequantize | x - zx | float32(x - zx) * float32(sx) |

Where a conv2d or dense gives float32, it is float32(acc) * float32(sx * sw), then the activation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from smidgen.compiler.functions import FUNCTIONS
from smidgen.compiler.ir import Quantization, Value
from smidgen.types import Array

ADDEND_BITS = 21  # of the larger multiplier of an addition: two 8-bit differences times it fit 32 bits
NONE: Mapping[str, Any] = {}


@lru_cache(maxsize=4096)  # layers of one scale ask for each channel
def multiplier(scale: float) -> tuple[int, int]:
    """A scale as (multiplier, shift): scale = multiplier / 2**shift, multiplier in [2**30, 2**31), shift 1 to 62.

    A scale below 2**-32 rounds every 32-bit number to zero, and so does its multiplier of zero.

    Raises:
        ValueError: not a number from 0 to 2**30.
    """
    if not 0 <= scale < 2**30:
        raise ValueError(f"a scale of {scale} is not from 0 to 2**30")
    fraction, exponent = math.frexp(scale)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa, exponent = 2**30, exponent + 1
    shift = 31 - exponent
    return (mantissa, shift) if shift <= 62 else (0, 62)


def rounded_shift(total: Array, shift: Array | int) -> Array:
    """total / 2**shift to the nearest integer, halfway up; shift is at least 1."""
    wide = np.asarray(total, np.int64)
    return np.asarray((wide + (np.int64(1) << (np.asarray(shift, np.int64) - 1))) >> np.asarray(shift, np.int64))


def requantize(accumulator: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """accumulator * multiplier / 2**shift, rounded halfway up: int64, before zero point and clamp.

    In C: `((int64_t)accumulator * multiplier + ((int64_t)1 << (shift - 1))) >> shift`, which cannot overflow.

    Args:
        accumulator: 32-bit integers; channels last where multiplier and shift are arrays, (channels,).
        multiplier: as `multiplier` gives it.
        shift: as `multiplier` gives it.
    """
    return rounded_shift(np.asarray(accumulator, np.int64) * np.asarray(multiplier, np.int64), shift)


def channel_multipliers(x: Value, weight: Value, y: Value, slope: float = 1.0) -> tuple[Array, Array]:
    """Multiplier and shift of each output channel of a layer, from scale_x * scale_w * slope / scale_y: (out,) int32.

    A weight with one scale for all gives as many equal ones.
    """
    ratios, channel = np.unique(accumulator_scales(x, weight) * slope / scaling(y).scale, return_inverse=True)
    pairs = np.array([multiplier(ratio) for ratio in ratios.tolist()], np.int32)[channel]
    return pairs[:, 0], pairs[:, 1]


def layer_multipliers(kind: str, x: Value, weight: Value, y: Value) -> tuple[Array, Array]:  # noqa: ARG001
    """Multiplier and shift of each output channel of a conv2d or dense: (out,) int32."""
    return channel_multipliers(x, weight, y)


def mean_multiplier(x: Value, y: Value, count: int) -> tuple[int, int]:
    """Multiplier and shift of a sum over `count` codes, as a mean."""
    return multiplier(scaling(x).scale / scaling(y).scale / count)


def product_multiplier(a: Value, b: Value, y: Value) -> tuple[int, int]:
    """Multiplier and shift of a product."""
    return multiplier(scaling(a).scale * scaling(b).scale / scaling(y).scale)


def code_multiplier(x: Value, y: Value) -> tuple[int, int]:
    """Multiplier and shift from the codes of one scale to those of another."""
    return multiplier(scaling(x).scale / scaling(y).scale)


def accumulator_scales(x: Value, weight: Value) -> Array:
    """scale_x * scale_w of each output channel of a layer: (out,) float64."""
    scales = np.asarray(scaling(weight).scales, np.float64)
    return np.asarray(np.broadcast_to(scaling(x).scale * scales, weight.shape[:1]))


def common_multipliers(scales: Sequence[float]) -> tuple[tuple[int, ...], int]:
    """Two positive scales as multipliers of one shift, at most 2**21: sums of two 8-bit differences stay in 32 bits.

    In C: `((a - za) * ma + (b - zb) * mb + (1 << (shift - 1))) >> shift` with int32_t throughout.

    Raises:
        ValueError: a scale that is not from 0 to 2**20.
    """
    if not all(0 <= scale < 2 ** (ADDEND_BITS - 1) for scale in scales):
        raise ValueError(f"scales of {scales} are not from 0 to 2**{ADDEND_BITS - 1}")
    shift = min(30, ADDEND_BITS - math.frexp(max(scales))[1])
    return tuple(round(scale * 2**shift) for scale in scales), shift


def largest_sum(x: Value, weight: Value, bias: Value | None) -> int:
    """How far from 0 a sum of a layer can be, over all inputs."""
    farthest = max(abs(code - scaling(x).zero_point) for code in limits(x))
    sums = np.abs(np.asarray(weight.data, np.int64)).reshape(weight.shape[0], -1).sum(1) * farthest
    if bias is not None:
        sums = sums + np.abs(np.asarray(bias.data, np.int64))
    return int(sums.max())


def bounds(activation: str, y: Value) -> tuple[int, int]:
    """The least and greatest code that an operation with a fused activation gives: the clamp after the zero point."""
    least, most = limits(y)
    if activation in ("relu", "relu6"):
        least = max(least, scaling(y).zero_point)
    if activation == "relu6":
        most = min(most, _nearest(6.0, y))
    return least, most


def limits(y: Value) -> tuple[int, int]:
    """The least and greatest code of a value's type."""
    info = np.iinfo(y.dtype)
    return int(info.min), int(info.max)


UNARY: dict[str, Callable[[float, Mapping[str, Any]], float]] = {
    "sigmoid": lambda x, _: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)),
    "tanh": lambda x, _: math.tanh(x),
    "hard_swish": lambda x, _: x * min(max(x / 6 + 0.5, 0.0), 1.0),
    "hard_sigmoid": lambda x, given: min(max(given["alpha"] * x + given["beta"], 0.0), 1.0),
    "gelu": lambda x, _: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "leaky_relu": lambda x, given: x if x >= 0 else float(given["slope"]) * x,
    **FUNCTIONS,
}
"""Functions of one number, which run on 8-bit codes as a table. leaky_relu has a slope, hard_sigmoid alpha and beta."""


def table(kind: str, x: Value, y: Value, attributes: Mapping[str, Any] = NONE) -> Array:
    """The code of the output for each code of an 8-bit input: (256,) of the output's type.

    Entry i belongs to the i-th smallest code, so C indexes it with `x` if x is unsigned, else `x + 128`.
    """
    least, most = limits(x)
    given = scaling(x)
    function = UNARY[kind]
    reals = (given.scale * (code - given.zero_point) for code in range(least, most + 1))
    return np.array([_nearest(function(real, attributes), y) for real in reals], y.dtype)


def _nearest(real: float, y: Value) -> int:
    """The code nearest to a real number, halfway up."""
    least, most = limits(y)
    quantization = scaling(y)
    return int(min(max(math.floor(real / quantization.scale + 0.5) + quantization.zero_point, least), most))


def scaling(value: Value) -> Quantization:
    """Scale and zero point of a value that must have them."""
    if value.quantization is None:
        raise ValueError(f"{value.name} is not quantised")
    return value.quantization
