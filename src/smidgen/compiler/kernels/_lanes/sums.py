"""The sums of a layer whose channels lie in lanes, and how they become codes.

Both roundings are a 64-bit product, of which the upper half is kept, two additions and a shift. Where sums are rounded
twice (litert), the upper half of 2 * sum * multiplier + 2**31 is the first rounding, and the nudge before the shift is
one less for negative numbers: halfway away from zero. Where they are rounded once, the upper half of
4 * sum * multiplier has lost nothing that matters once half a step is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels._lanes.form import limits, signed, suits
from smidgen.compiler.kernels._lanes.singles import Singles, singles
from smidgen.compiler.ops._rounding import rules

if TYPE_CHECKING:
    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.kernels._lanes.form import Isa
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

LARGEST = 2**27  # of sums: no step overflows 32 bits
UPPER = 1.5 * 2**20  # double precision: the upper 32 bits of UPPER + code are known bits + code
LEAST_SHIFT = 31  # of multipliers: the scale is below 1


@dataclass(frozen=True)
class Sums:
    """The sums of a conv2d or dense of constant 8-bit weights.

    Attributes:
        operation: the layer.
        x: its input.
        weight: its weights as a value.
        codes: the weights, int64, (out, ...).
        bias: int64, (out,).
        y: its output.
    """

    operation: Operation
    x: Value
    weight: Value
    codes: Array
    bias: Array
    y: Value

    @property
    def twice(self) -> bool:
        """Whether they are rounded twice."""
        return self.operation.rounding == "litert" and self.operation.kind == "conv2d"

    @cached_property
    def multipliers(self) -> tuple[Array, Array]:
        """Multiplier and shift of each channel, int64."""
        found = rules(self.operation).layer_multipliers(self.operation.kind, self.x, self.weight, self.y)
        return found[0].astype(np.int64), found[1].astype(np.int64)

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """The least and greatest sum of each channel over all inputs, (out,) int64."""
        flat, zero = self.codes.reshape(len(self.codes), -1), arithmetic.scaling(self.x).zero_point
        least, most = (flat * (limit - zero) for limit in arithmetic.limits(self.x))
        return self.bias + np.minimum(least, most).sum(1), self.bias + np.maximum(least, most).sum(1)

    @cached_property
    def settled(self) -> tuple[Array, Array]:
        """Channels that give one code for all inputs, and that code less the zero point: (out,) each."""
        requantize = litert.requantize if self.twice else arithmetic.requantize
        (least, most), zero = limits(self.operation, self.y), signed(self.y)[0]
        low, high = (np.clip(requantize(end, *self.multipliers), least - zero, most - zero) for end in self.ends)
        return low == high, low

    @property
    def exact(self) -> bool:
        """Whether the arithmetic of the kernels is exact for all channels."""
        far = np.maximum(*map(np.abs, self.ends)) >= LARGEST
        return not ((far | (self.multipliers[1] < LEAST_SHIFT)) & ~self.settled[0]).any()

    @cached_property
    def singles(self) -> Singles | None:
        """What gives the same codes in single precision."""
        return singles(self)

    def way(self, isa: Isa) -> str:
        """The fastest way from sums to codes that is exact: what the names of its kernels end in."""
        if isa.reals and self.singles:
            return "_signed" if self.singles.signed else "_single"
        return "_double" if isa.reals and self.doubles else ""

    @cached_property
    def doubles(self) -> bool:
        """Whether double precision gives the same codes: it does where every step from code to code is at one sum.

        The sum of a step is where sum * multiplier / 2**shift + 1/2 reaches an integer, in double precision rounded to
        2**-32. Rounded twice (litert), sums above 0 reach it half a unit of the first rounding earlier; those below 0
        later, so that this holds only where they all give the least code.
        """
        multiplier, shift = (part[~self.settled[0], None] for part in self.multipliers)
        (low, high), zero = limits(self.operation, self.y), signed(self.y)[0]
        codes = np.arange(low + 1, high + 1) - zero
        early = (np.int64(1) << (shift - 1)) + self.early
        requantize = litert.requantize if self.twice else arithmetic.requantize

        def scaled(sums: Array) -> Array:
            halfway = (np.int64(1) << shift) >> 33
            return np.asarray((sums * multiplier + early + halfway) >> shift)

        step = -((early - codes * (np.int64(1) << shift)) // multiplier)
        step = step - (scaled(step - 1) >= codes)
        known = np.abs(step) < LARGEST
        same = [(scaled(at) >= codes) == (requantize(at, multiplier, shift) >= codes) for at in (step - 1, step)]
        apart = (scaled(step - 1) < codes) & (scaled(step) >= codes)
        return bool((~known | (same[0] & same[1] & apart)).all())

    @property
    def early(self) -> int:
        """Half a unit of the first rounding of two, times 2**shift."""
        return 2**30 if self.twice else 0

    def scaling(self, writer: Writer, isa: Isa, multiple: int) -> str:
        """The table of bias, multiplier, nudges and shift of each vector of channels: (vectors, 5, lanes) int32.

        The zero point of the input, as the set takes it, is in the bias. Channels are filled up to a multiple. Where
        sums are scaled in single or double precision, multipliers and offsets take the places of the last four.
        """
        zero = signed(self.x)[0] + (0 if isa.signed else 128)
        bias = self.bias - zero * self.codes.reshape(len(self.codes), -1).sum(1)
        settled, code = self.settled
        edges = (0, 0), (0, -len(bias) % multiple)
        way, none = self.way(isa), np.zeros_like(code)
        if way == "_double":
            return writer.table("scaling", self._doubles(np.where(settled, 0, bias), edges, isa.lanes), "int32")
        if way and self.singles:
            reals = (part.view(np.int32) for part in (self.singles.scale, self.singles.up, self.singles.down))
            rows = np.stack([np.where(settled, 0, bias + self.singles.shift), *reals, none])
        else:
            rows = np.stack([bias, *factors(*self.multipliers, twice=self.twice)])
            rows = np.where(settled, np.stack([none, none, code, code, none]), rows)
            rows[4] = shifts(isa, rows[4])
        padded = np.pad(rows, edges)
        return writer.table("scaling", padded.reshape(5, -1, isa.lanes).transpose(1, 0, 2), "int32")

    def _doubles(self, bias: Array, edges: tuple[tuple[int, int], tuple[int, int]], lanes: int) -> Array:
        """Bias, multiplier and offset of each vector, as numbers of 32 bits."""
        multiplier, shift = (part.astype(np.float64) for part in self.multipliers)
        settled, code = self.settled
        offset = np.where(settled, code, 0.5 + self.early / 2.0**shift) + UPPER + signed(self.y)[0]
        scaled = np.pad(np.stack([np.where(settled, 0, multiplier / 2.0**shift), offset]), edges)
        halves = scaled.astype("<f8").view("<i4").reshape(2, -1, 2, lanes).transpose(1, 0, 2, 3).reshape(-1, 4, lanes)
        biases = np.pad(bias[None], edges).reshape(-1, 1, lanes)
        return np.concatenate([biases, halves], axis=1)


def sums(operation: Operation, given: Values, y: Value) -> Sums | None:
    """Those of a layer; None where its kernels would not take it or not be exact."""
    x, weight, bias = given
    if x is None or not suits(operation, x, y) or any(value is not None and value.data is None for value in given[1:]):
        return None
    if weight is None or weight.data is None or weight.dtype != "int8" or weight.quantization is None:
        return None
    biases = np.zeros(len(weight.data)) if bias is None else np.asarray(bias.data)
    found = Sums(operation, x, weight, weight.data.astype(np.int64), biases.astype(np.int64), y)
    return found if found.exact else None


def factors(multiplier: Array, shift: Array, *, twice: bool) -> tuple[Array, Array, Array, Array]:
    """Multiplier, nudge, nudge where negative and shift, as the kernels take them."""
    rest = np.clip(shift - (31 if twice else 30), 0, 30)
    half = (np.int64(1) << rest) >> 1
    return multiplier, half, half - (twice & (rest > 0)), rest


def shifts(isa: Isa, shift: Array) -> Array:
    """Shifts as the set takes them."""
    return shift if isa.factors is None else np.int64(1) << (isa.factors - shift)
