"""What `compiler.reference` does with integers in rounding "litert": see `compiler.litert`."""

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler._reference_step import Step
from smidgen.compiler.arithmetic import limits
from smidgen.compiler.litert import bounds, requantize
from smidgen.types import Array


def layer(step: Step, sums: Array) -> Array:
    """Codes of the sums of a conv2d or dense."""
    multipliers = litert.layer_multipliers(step.kind, step.value(0), step.value(1), step.y)
    once = arithmetic.requantize if step.kind == "dense" else requantize
    return _clamped(step, once(sums, *multipliers))


def mean(step: Step, sums: Array, count: int) -> Array:
    """Codes of sums over `count` codes."""
    return _clamped(step, requantize(sums, *litert.mean_multiplier(step.value(0), step.y, count)))


def pool(step: Step, sums: Array, counts: Array) -> Array:
    """Codes of windows' means: input and output have one scale and zero point, which only the sums leave out."""
    zero = step.scaling(0).zero_point
    rounded = litert.divide(sums + zero * counts, counts)
    return np.asarray(np.clip(rounded, *bounds(step.activation, step.y)))


def add(step: Step, a: Array, b: Array) -> Array:
    """Codes of a sum or difference."""
    first, second, total = litert.sum_multipliers(step.value(0), step.value(1), step.y)
    left, right = litert.addend(a, first), litert.addend(b, second)
    return _clamped(step, requantize(left - right if step.kind == "sub" else left + right, *total))


def mul(step: Step, a: Array, b: Array) -> Array:
    """Codes of a product."""
    return _clamped(step, requantize(a * b, *litert.product_multiplier(step.value(0), step.value(1), step.y)))


def rescale(step: Step, x: Array) -> Array:
    """Codes of codes in another scale."""
    return step.clamped(requantize(x, *litert.code_multiplier(step.value(0), step.y)), bounds(step.kind, step.y))


def table(step: Step) -> Array:
    """The code for each input code."""
    return litert.table(step.kind, step.value(0), step.y, step.attributes)


def softmax(step: Step, x: Array) -> Array:
    """Codes of a softmax along the last axis."""
    return litert.softmax(x, step.value(0))


def quantize(step: Step, x: Array) -> Array:
    """Codes of floats; what is not a number counts as 0."""
    return np.asarray(np.clip(litert.quantize(x, step.y), *limits(step.y)))


def _clamped(step: Step, rounded: Array) -> Array:
    return step.clamped(rounded, bounds(step.activation, step.y))
