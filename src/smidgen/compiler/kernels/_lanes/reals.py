"""Additions of codes in single precision, where all pairs of codes prove that they give the same."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.ir import Value
from smidgen.compiler.kernels._lanes.form import limits, signed

if TYPE_CHECKING:
    from smidgen.compiler.ir import Operation, Quantization
    from smidgen.types import Array

TRIED = (0, 1, -1, 2, -2)  # steps of single precision away from the nearest scale
OFFSETS = (0, 1, -1, 2, -2)  # times 2**-18: which way sums that are nearly halfway fall
Constants = tuple[float, float, float]


def fused(operation: Operation, a: Value, b: Value, y: Value) -> Constants | None:
    """The scales and the offset of an addition or subtraction, or None where none were found that are exact.

    With first = b * scale_b + offset and second = a * scale_a + first, each rounded to single precision, the nearest
    integer to `second` is the code of y, all of them signed.
    """
    kinds = tuple((value.dtype, arithmetic.scaling(value)) for value in (a, b, y))
    return _fused(operation.kind, operation.rounding, limits(operation, y), kinds)


@cache
def _fused(
    kind: str, rounding: str, held: tuple[int, int], kinds: tuple[tuple[str, Quantization], ...]
) -> Constants | None:
    """The first of the constants tried that give the codes of all pairs."""
    a, b, y = (Value("", dtype, (), scaling) for dtype, scaling in kinds)
    zeros = [signed(value)[0] for value in (a, b, y)]
    codes = np.arange(-128, 128)
    wanted = _sums(kind, rounding, codes[:, None] - zeros[0], codes - zeros[1], (a, b, y)) + zeros[2]
    wanted = np.clip(wanted, *held)
    ratios = _ratios(rounding, (a, b, y))
    ratios[1] *= -1 if kind == "sub" else 1
    offset = zeros[2] - ratios[0] * zeros[0] - ratios[1] * zeros[1]
    for by_a, by_b, by in product(TRIED, TRIED, OFFSETS):
        scale_a, scale_b = _stepped(ratios[0], by_a), _stepped(ratios[1], by_b)
        start = np.float32(offset + by * 2.0**-18)
        first = (codes * np.float64(scale_b) + np.float64(start)).astype(np.float32)
        second = (codes[:, None] * np.float64(scale_a) + first.astype(np.float64)).astype(np.float32)
        if np.array_equal(np.clip(np.rint(second), *held), wanted):
            return float(scale_a), float(scale_b), float(start)
    return None


def _ratios(rounding: str, values: tuple[Value, Value, Value]) -> list[float]:
    """The scales of the operands, of which the output's is one; rounded as the integer arithmetic has them."""
    scales = [arithmetic.scaling(value).scale for value in values]
    ratios = [scale / scales[2] for scale in scales[:2]]
    if rounding == "litert":
        return ratios
    multipliers, shift = arithmetic.common_multipliers(ratios)
    return [multiplier / 2**shift for multiplier in multipliers]


def _sums(kind: str, rounding: str, a: Array, b: Array, values: tuple[Value, Value, Value]) -> Array:
    """The exact codes of all pairs less the zero point, before they are held in a range."""
    sign = -1 if kind == "sub" else 1
    if rounding == "litert":
        by_a, by_b, by = litert.sum_multipliers(*values)
        return litert.requantize(litert.addend(a, by_a) + sign * litert.addend(b, by_b), *by)
    scales = [arithmetic.scaling(value).scale for value in values]
    (scale_a, scale_b), shift = arithmetic.common_multipliers([scale / scales[2] for scale in scales[:2]])
    return arithmetic.rounded_shift(a * scale_a + sign * b * scale_b, shift)


def _stepped(scale: float, steps: int) -> np.float32:
    """The number of single precision so many steps above the nearest."""
    found = np.float32(scale)
    for _ in range(abs(steps)):
        found = np.nextafter(found, np.float32(np.inf if steps > 0 else -np.inf))
    return found
