"""The integer arithmetic of rounding "litert", to the bit: what LiteRT's reference kernels compute from a .tflite file.

It differs from `compiler.arithmetic` in where it rounds. Multipliers and shifts are those of `arithmetic.multiplier`;
"twice" is `requantize` here: by up to 31 bits first, halfway up, then by the rest, halfway away from zero.

| operation | accumulator, int32 | code of the output before `bounds` clamp it |
|---|---|---|
| conv2d | sum (x - zx) * w + b | zy + twice(acc, multiplier(sx * sw / sy)) |
| dense | the same | zy + arithmetic.requantize(acc, multiplier(float32(sx * sw) / sy)) |
| add, sub | `addends` | zy + twice(a +- b, the third of `sum_multipliers`) |
| mul | (a - za) * (b - zb) | zy + twice(acc, multiplier(float32(sa * sb / sy))) |
| mean | sum (x - zx) over n values | zy + twice(acc, *mean_multiplier(x, y, n)) |
| average_pool2d | sum x over n values inside | acc / n, halfway away from zero |
| relu, relu6, requantize | x - zx | zy + twice(acc, multiplier(sx / sy)) |
| `UNARY` | | table(kind, x, y, attributes)[x - lowest code] |
| softmax | | `softmax` |
| quantize | x, float32 | zy + x / sy to the nearest, halfway away from zero, in float32 |

The rest is as in `arithmetic`. Source: tensorflow/lite/kernels, internal/reference and internal/reference/integer_ops.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from smidgen.compiler import _fixed_point
from smidgen.compiler.arithmetic import NONE, largest_sum, limits, multiplier, rounded_shift, scaling
from smidgen.compiler.ir import Operation, Program, Value
from smidgen.types import Array

HEAD_ROOM = 20  # bits that addends are shifted up by before they are scaled
F32 = np.float32


def requantize(accumulator: Array, multiplier: Array | int, shift: Array | int) -> Array:
    """accumulator * multiplier / 2**shift, rounded twice where shift is more than 31: int64."""
    first = np.minimum(np.asarray(shift, np.int64), 31)
    high = rounded_shift(np.asarray(accumulator, np.int64) * np.asarray(multiplier, np.int64), first)
    return _fixed_point.shifted(high, np.asarray(shift, np.int64) - first)


def layer_multipliers(kind: str, x: Value, weight: Value, y: Value) -> tuple[Array, Array]:
    """Multiplier and shift of each output channel of a conv2d or dense: (out,) int32."""
    scales = np.broadcast_to(np.asarray(scaling(weight).scales), weight.shape[:1])
    products = scaling(x).scale * scales
    if kind == "dense" and len(scaling(weight).scales) == 1:
        products = products.astype(F32).astype(np.float64)
    pairs = np.array([multiplier(float(ratio)) for ratio in products / scaling(y).scale], np.int32)
    return pairs[:, 0], pairs[:, 1]


def sum_multipliers(a: Value, b: Value, y: Value) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Multiplier and shift of each operand of an addition, and of its sum."""
    twice = 2 * max(scaling(a).scale, scaling(b).scale)
    operands = (multiplier(scaling(value).scale / twice) for value in (a, b))
    total = multiplier(twice / (2**HEAD_ROOM * scaling(y).scale))
    first, second = operands
    return first, second, total


def addend(codes: Array, scaled_by: tuple[int, int]) -> Array:
    """(code - zero point) of an operand as the sum takes it."""
    return requantize(codes << HEAD_ROOM, *scaled_by)


def product_multiplier(a: Value, b: Value, y: Value) -> tuple[int, int]:
    """Multiplier and shift of a product."""
    return multiplier(float(F32(scaling(a).scale) * F32(scaling(b).scale) / F32(scaling(y).scale)))


def mean_multiplier(x: Value, y: Value, count: int) -> tuple[int, int]:
    """Multiplier and shift of a sum over `count` codes, as a mean."""
    mantissa, shift = multiplier(scaling(x).scale / scaling(y).scale)
    bits = min(count.bit_length() - 1, 32, 62 - shift)
    return (mantissa << bits) // count, shift + bits


def code_multiplier(x: Value, y: Value) -> tuple[int, int]:
    """Multiplier and shift from the codes of one scale to those of another."""
    return multiplier(scaling(x).scale / scaling(y).scale)


def check(program: Program, operation: Operation) -> None:
    """Raises ValueError where this arithmetic cannot follow: 32-bit sums that overflow, scales out of range."""
    given, (y, *_) = program.of(operation)
    x, other, bias = (*given, None, None)[:3]
    if x is None or x.quantization is None or y.quantization is None:
        return
    if operation.kind in ("conv2d", "dense") and other is not None:
        layer_multipliers(operation.kind, x, other, y)
        if largest_sum(x, other, bias) >= 2**31:
            raise ValueError(f"sums of {other.name} do not fit 32 bits")
    elif operation.kind in ("add", "sub") and other is not None:
        sum_multipliers(x, other, y)
    elif operation.kind == "mul" and other is not None:
        product_multiplier(x, other, y)
    elif operation.kind in ("mean", "average_pool2d") and x.count * 255 >= 2**31:
        raise ValueError("it sums more codes than fit 32 bits")
    elif operation.kind in UNARY:
        table(operation.kind, x, y, operation.attributes)
    else:
        code_multiplier(x, y)


def divide(total: Array, count: Array | int) -> Array:
    """total / count to the nearest integer, halfway away from zero."""
    wide = np.asarray(total, np.int64)
    return np.asarray(np.sign(wide) * ((np.abs(wide) + np.asarray(count) // 2) // count))


def bounds(activation: str, y: Value) -> tuple[int, int]:
    """The least and greatest code that an operation with a fused activation gives."""
    least, most = limits(y)
    if activation in ("relu", "relu6"):
        least = max(least, scaling(y).zero_point)
    if activation == "relu6":
        most = min(most, scaling(y).zero_point + int(_away(F32(6) / F32(scaling(y).scale))))
    return least, most


def softmax(x: Array, given: Value) -> Array:
    """The codes of a softmax along the last axis, whose output has the scale 1/256 and the zero point -128.

    Args:
        x: codes.
        given: the value that they are codes of.
    """
    codes = _fixed_point.softmax(x.astype(np.int64), *softmax_scaling(given))
    return np.asarray(np.minimum(codes - 128, 127))


def softmax_scaling(x: Value) -> tuple[int, int, int]:
    """Multiplier and shift of a difference of two codes, and the least difference that counts."""
    real = min(scaling(x).scale * 2 ** (31 - _fixed_point.DIFFERENCE_BITS), 2.0**31 - 1)
    mantissa, shift = _split(real)
    least = math.floor((2**_fixed_point.DIFFERENCE_BITS - 1) * 2 ** (31 - _fixed_point.DIFFERENCE_BITS) / 2**shift)
    return mantissa, 31 - shift, -least


def _split(real: float) -> tuple[int, int]:
    """A scale of at least 1 as mantissa / 2**31 * 2**exponent."""
    mantissa, shift = multiplier(real / 2)
    return mantissa, 32 - shift


def quantize(x: Array, y: Value) -> Array:
    """Codes of floats, before they are clamped."""
    rounded = _away(np.nan_to_num(x) / F32(scaling(y).scale)).astype(np.float64)
    return np.asarray(rounded + scaling(y).zero_point)


def _away(x: Any) -> Array:
    """The nearest integer, halfway away from zero."""
    size = np.abs(x)
    low = np.floor(size)
    return np.asarray(np.copysign(np.where(size - low < F32(0.5), low, low + F32(1)), x))


def table(kind: str, x: Value, y: Value, attributes: Mapping[str, Any] = NONE) -> Array:
    """The code of the output for each code of an 8-bit input: (256,) of the output's type, the smallest code first."""
    least, most = limits(x)
    codes = np.arange(least, most + 1) - scaling(x).zero_point
    if kind in FUNCTIONS:
        reals = (codes.astype(F32) * F32(scaling(x).scale)).astype(np.float64)
        results = np.array([FUNCTIONS[kind](real) for real in reals.tolist()]).astype(F32)
        found = _away(results * (F32(1) / F32(scaling(y).scale))).astype(np.int64)
    elif kind == "leaky_relu":
        ratio = F32(scaling(x).scale) / F32(scaling(y).scale)
        slope = F32(scaling(x).scale) * F32(attributes["slope"]) / F32(scaling(y).scale)
        above, below = (requantize(codes, *multiplier(float(one))) for one in (ratio, slope))
        found = np.where(codes >= 0, above, below)
    elif kind == "hard_swish":
        found = _hard_swish(codes, x, y)
    else:
        raise ValueError(f"LiteRT has no table for {kind}")
    return np.asarray(np.clip(found + scaling(y).zero_point, *limits(y)), y.dtype)


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else 0.0,
    "tanh": math.tanh,
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
}
UNARY = (*FUNCTIONS, "leaky_relu", "hard_swish")


def _hard_swish(codes: Array, x: Value, y: Value) -> Array:
    """x * relu6(x + 3) / 6 in 16-bit fixed point, before zero point and clamp."""
    fine = F32(1 / 128) * F32(scaling(x).scale)
    scale, scale_bits = _short(float(fine / F32(scaling(y).scale)))
    slope, slope_bits = _short(float(fine / (F32(3) / F32(32768))))
    high = codes << 7
    steep = high
    if slope_bits > 0:
        steep = _held(steep << (slope_bits - 1))
    steep = (steep * slope + 2**14) >> 15
    steep = _held(steep << 1) if slope_bits > 0 else _fixed_point.shifted(steep, -slope_bits)
    share = (steep + 2**15) >> 1
    value = share * ((high * scale + 2**14) >> 15)
    truncated = np.sign(value) * (np.abs(value) >> 15)
    return _fixed_point.shifted(truncated, -scale_bits)


def _short(scale: float) -> tuple[int, int]:
    """A scale as mantissa / 2**15 * 2**exponent."""
    mantissa, shift = multiplier(scale)
    return min((mantissa + 2**15) >> 16, 2**15 - 1), 31 - shift


def _held(x: Array) -> Array:
    return np.asarray(np.clip(x, -(2**15), 2**15 - 1))
