"""What becomes of the sums of a layer in 32-bit arithmetic: numbers that do not leave it, for which it is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._bits import Bits
from smidgen.compiler.ops._rounding import rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.types import Array

EXTEND = {"int8": "sxtb16", "uint8": "uxtb16"}  # of the types of codes
SATURATE = {"int8": "ssat", "uint8": "usat"}
MOST_SHIFT, MOST_BIAS, MOST = 31, 2**26, 2**31
AWAY = ' "add " sum ", " sum ", " sum ", asr #31\\n"'  # what is below 0 is rounded down where it is halfway


@dataclass(frozen=True)
class Sums:
    """The sums of a layer's channels, and what makes codes of them.

    A sum times `multiplier` / 2**31 is rounded, shifted right by `shift` and rounded. A channel whose code does not
    depend on the sum has weights of 0.

    Attributes:
        x: the layer's input.
        weight: its weights.
        codes: the weights, int8, (out, places).
        bias: with the zero point of the input in it, int64, (out,).
        multiplier: of 31 bits, int64, (out,).
        shift: 1 to 31, int64, (out,).
        least: the least code.
        most: the greatest.
        zero: twice the zero point of the output, and 1.
        words: what the placeholders of the templates stand for.
        bits: how weights of few bits are packed; None where they are not.
    """

    x: Value
    weight: Value
    codes: Array
    bias: Array
    multiplier: Array
    shift: Array
    least: int
    most: int
    zero: int
    words: dict[str, str]
    bits: Bits | None

    @property
    def name(self) -> str:
        """Of kernels that round and saturate so."""
        return self.words["name"]

    @property
    def biases(self) -> Array:
        """Bias * 32 + shift - 1: int32, (out,)."""
        return np.asarray(self.bias << 5 | (self.shift - 1)).astype(np.int32)

    @property
    def multipliers(self) -> Array:
        """As the processor takes them: int32, (out,)."""
        return (2 * np.asarray(self.multiplier, np.int64)).astype(np.uint32).view(np.int32)  # as `held`


def held(multiplier: int) -> int:
    """A multiplier as the processor takes it: SMMLA and SMMLAR add the number itself, which makes good for 2**32."""
    return (2 * multiplier - 2**32 + 2**31) % 2**32 - 2**31


def sums(operation: Operation, given: Sequence[Value | None], y: Value, *, packed: bool = False) -> Sums | None:
    """Those of a conv2d or dense, of either rounding; None where the arithmetic could not be exact.

    Weights that are better packed are for the portable kernels, unless the caller has kernels that take `Sums.bits`:
    `packed`.
    """
    found = _parts(operation, given, y)
    if found is None:
        return None
    x, weight, bias = found
    zero_x, zero_y = arithmetic.scaling(x).zero_point, arithmetic.scaling(y).zero_point
    weights = np.asarray(weight.data, np.int64).reshape(weight.shape[0], -1)
    start = np.zeros(len(weights), np.int64) if bias is None else np.asarray(bias.data, np.int64)
    start = start - zero_x * weights.sum(1)
    twice = operation.rounding == "litert" and operation.kind == "conv2d"
    multiplier, shift, least, most = _scaling(operation, x, weight, y)
    once = litert.requantize if twice else arithmetic.requantize
    ends = _range(weights, start, x)
    low, high = (np.clip(once(end, multiplier, shift) + zero_y, least, most) for end in ends)
    same, shift = low == high, shift - 31
    if not (same | _fits(ends, start, multiplier, shift, 2 * zero_y + 1)).all():
        return None
    codes = np.where(same[:, None], 0, weights).astype(np.int8)
    better_packed = _gather.is_packed(weight.data)
    bits = Bits.of(codes) if packed and better_packed else None
    if bits is None and better_packed:
        return None
    return Sums(
        x=x,
        weight=weight,
        codes=codes,
        bias=np.where(same, 4 * (low - zero_y), start),  # times 1/2, shifted right by 1: the code
        multiplier=np.where(same, 2**30, multiplier),
        shift=np.where(same, 1, shift),
        least=least,
        most=most,
        zero=2 * zero_y + 1,
        words=_words(y, twice=twice, away=twice and least < zero_y),
        bits=bits,
    )


def _words(y: Value, *, twice: bool, away: bool) -> dict[str, str]:
    """What the placeholders of the templates stand for."""
    return {
        "name": f"{'away' if away else 'twice' if twice else 'once'}_{'u' if y.dtype == 'uint8' else 'i'}8",
        "MULTIPLY": "smmlar" if twice else "smmla",
        "AWAY": AWAY if away else "",
        "SATURATE": SATURATE[y.dtype],
    }


def _parts(operation: Operation, given: Sequence[Value | None], y: Value) -> tuple[Value, Value, Value | None] | None:
    """Input, weight and bias of a layer of 8-bit codes with constant int8 weights."""
    x, weight, bias = (*given, None)[:3]
    if x is None or weight is None or weight.data is None or (bias is not None and bias.data is None):
        return None
    coded = all(value.dtype in EXTEND and value.quantization is not None for value in (x, y))
    known = operation.attributes.get("activation", "none") in ("none", "relu", "relu6")
    if not coded or not known or weight.dtype != "int8":
        return None
    return x, weight, bias


def _scaling(operation: Operation, x: Value, weight: Value, y: Value) -> tuple[Array, Array, int, int]:
    """Multipliers and shifts, int64, and the least and greatest code."""
    if operation.rounding == "litert":
        pairs = litert.layer_multipliers(operation.kind, x, weight, y)
    else:
        pairs = arithmetic.channel_multipliers(x, weight, y)
    multiplier, shift = (np.asarray(numbers, np.int64) for numbers in pairs)
    return multiplier, shift, *rules(operation).bounds(str(operation.attributes.get("activation", "none")), y)


def _range(weights: Array, start: Array, x: Value) -> tuple[Array, Array]:
    """The least and greatest sum of each channel, over all inputs."""
    least, most = arithmetic.limits(x)
    above = np.maximum(weights, 0).sum(1)
    below = weights.sum(1) - above
    return start + least * above + most * below, start + most * above + least * below


def _fits(ends: tuple[Array, Array], start: Array, multiplier: Array, shift: Array, zero: int) -> Array:
    """Whether nothing on the way from sum to code leaves 32 bits, of which the bias has 27 and the shift 5."""
    largest = np.maximum(*map(np.abs, ends))
    scaled = (largest * multiplier >> 31) + 2
    offset = abs(zero) << np.clip(shift - 1, 0, MOST_SHIFT)
    known = (shift >= 1) & (shift <= MOST_SHIFT) & (np.abs(start) < MOST_BIAS)
    return np.asarray(known & (largest < MOST) & (scaled + offset < MOST))
