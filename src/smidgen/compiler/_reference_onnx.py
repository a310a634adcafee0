"""What `compiler.reference` does with integers in rounding "onnx": see `compiler.arithmetic`."""

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler._reference_step import Step
from smidgen.compiler.arithmetic import bounds, limits, multiplier, requantize
from smidgen.compiler.normalising import exponentials, share
from smidgen.types import Array


def layer(step: Step, sums: Array) -> Array:
    """Codes of the sums of a conv2d or dense."""
    x, weight = step.value(0), step.value(1)
    rounded = requantize(sums, *arithmetic.channel_multipliers(x, weight, step.y))
    if step.activation == "leaky_relu":
        below = requantize(sums, *arithmetic.channel_multipliers(x, weight, step.y, step.attributes["slope"]))
        rounded = np.where(sums < 0, below, rounded)
    return _clamped(step, rounded)


def mean(step: Step, sums: Array, count: int) -> Array:
    """Codes of sums over `count` codes."""
    return pool(step, sums, np.asarray(count))


def pool(step: Step, sums: Array, counts: Array) -> Array:
    """The same for windows over different numbers of codes."""
    pairs = np.array([arithmetic.mean_multiplier(step.value(0), step.y, int(count)) for count in counts.ravel()])
    scaled = (pairs[:, part].reshape(counts.shape) for part in range(2))
    return _clamped(step, requantize(sums, *scaled))


def add(step: Step, a: Array, b: Array) -> Array:
    """Codes of a sum or difference."""
    scales = [step.scaling(position).scale / step.target.scale for position in range(2)]
    (ma, mb), shift = arithmetic.common_multipliers(scales)
    total = a * ma + (-b if step.kind == "sub" else b) * mb
    rounded = arithmetic.rounded_shift(total, shift)
    if step.activation == "leaky_relu":
        below = requantize(total, *multiplier(step.attributes["slope"] / 2**shift))
        rounded = np.where(total < 0, below, rounded)
    return _clamped(step, rounded)


def mul(step: Step, a: Array, b: Array) -> Array:
    """Codes of a product."""
    return _clamped(step, requantize(a * b, *arithmetic.product_multiplier(step.value(0), step.value(1), step.y)))


def rescale(step: Step, x: Array) -> Array:
    """Codes of codes in another scale."""
    return step.clamped(requantize(x, *arithmetic.code_multiplier(step.value(0), step.y)), bounds(step.kind, step.y))


def table(step: Step) -> Array:
    """The code for each input code."""
    return arithmetic.table(step.kind, step.value(0), step.y, step.attributes)


def softmax(step: Step, x: Array) -> Array:
    """Codes of shares of exponentials from a table: see `compiler.normalising`."""
    codes = x.astype(np.int64)
    exponents = exponentials(step.scaling(0)).astype(np.int64)[codes.max(axis=-1, keepdims=True) - codes]
    scale, shift = share(step.target)
    sums = exponents.sum(axis=-1, keepdims=True)
    return step.clamped((exponents * scale + (sums << (shift - 1))) // (sums << shift), limits(step.y))


def quantize(step: Step, x: Array) -> Array:
    """Codes of floats; what is not a number counts as 0."""
    rounded = np.floor(x / np.float32(step.target.scale) + np.float32(0.5)).astype(np.float64)
    return step.clamped(np.nan_to_num(rounded), limits(step.y))


def _clamped(step: Step, rounded: Array) -> Array:
    return step.clamped(rounded, bounds(step.activation, step.y))
