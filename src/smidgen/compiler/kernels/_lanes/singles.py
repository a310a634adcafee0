"""How sums become codes in single precision: constants of each channel that give the exact code of every sum.

What is exact is a staircase: each code begins at a certain sum. One multiplication and addition, rounded once, draws
the same staircase where a straight line passes each step between its sum and the sum before, which leaves some room:
the best line is sought, and then computed as the processor does at both sides of every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels._lanes.form import limits, signed

if TYPE_CHECKING:
    from smidgen.compiler.kernels._lanes.sums import Sums
    from smidgen.types import Array

FURTHEST = 48  # units in the last place that a scale may be from the exact one
MOST_CHANNELS = 2048  # of a layer: for more, the search would take seconds
TRIED = 12  # scales of each channel that are tried, those with most room first
SHIFTED = 2**22  # the most that is added to sums, and the most that they are before: single precision holds them all


@dataclass(frozen=True)
class Singles:
    """The code of a sum: (sum + shift) * scale + `up`, or `down` where sum + shift < 0, to the nearest integer.

    Attributes:
        shift: (out,) int64.
        scale: (out,) float32.
        up: (out,) float32.
        down: (out,) float32.
    """

    shift: Array
    scale: Array
    up: Array
    down: Array

    @property
    def signed(self) -> bool:
        """Whether the sign of a sum matters."""
        return not np.array_equal(self.up, self.down)


@dataclass(frozen=True)
class Stairs:
    """The exact codes of the sums of some channels.

    Attributes:
        codes: all but the least, (codes,).
        first: the first sum of each code, (out, codes); one more than the greatest sum where it is not reached.
        least: sum of each channel, (out, 1).
        most: sum of each channel, (out, 1).
        sums: at which a form that is right is right everywhere, (out, some): both sides of every step, and of 0.
        wanted: their codes.
        scale: the exact one, float64, (out,).
        signed: whether sums below 0 are rounded otherwise.
    """

    codes: Array
    first: Array
    least: Array
    most: Array
    sums: Array
    wanted: Array
    scale: Array
    signed: bool


def singles(layer: Sums) -> Singles | None:
    """The constants of a layer; None where a channel has none, or there are too many."""
    settled, code = layer.settled
    if len(code) > MOST_CHANNELS:
        return None
    offset = code + signed(layer.y)[0]
    numbers = np.stack([np.zeros_like(code), np.zeros_like(code), offset, offset]).astype(float)
    if not settled.all():
        found = _lines(_stairs(layer, np.flatnonzero(~settled)))
        if found is None:
            return None
        numbers[:, ~settled] = found
    shift, *reals = numbers
    return Singles(shift.astype(np.int64), *(part.astype(np.float32) for part in reals))


def _stairs(layer: Sums, channels: Array) -> Stairs:
    """Those of some channels; each step is found by bisection."""
    multiplier, shift, least, most = (part[channels, None] for part in (*layer.multipliers, *layer.ends))
    (low, high), zero = limits(layer.operation, layer.y), signed(layer.y)[0]
    requantize = litert.requantize if layer.twice else arithmetic.requantize
    codes = np.arange(low + 1, high + 1)

    def exact(sums: Array) -> Array:
        return np.asarray(np.clip(requantize(sums, multiplier, shift) + zero, low, high))

    shape = len(channels), len(codes)
    before, first = np.broadcast_to(least - 1, shape), np.broadcast_to(most + 1, shape)
    while (first - before > 1).any():
        middle = (before + first) >> 1
        reached = (exact(middle) >= codes) & (middle > before)
        before, first = np.where(reached, before, middle), np.where(reached, middle, first)
    sides = [first - 1, first, np.broadcast_to((-1, 0), (len(channels), 2))]
    sums = np.clip(np.concatenate(sides, axis=1), least, most)
    scale = multiplier[:, 0] / 2.0 ** shift[:, 0]
    return Stairs(codes, first, least, most, sums, exact(sums), scale, layer.twice and low < zero)


def _lines(stairs: Stairs) -> Array | None:
    """Shift, scale, up and down of each channel, (4, out); None where one has none."""
    count = len(stairs.scale)
    units = np.arange(-FURTHEST, FURTHEST + 1, dtype=np.int32)
    scales = (stairs.scale.astype(np.float32).view(np.int32)[:, None] + units).view(np.float32)
    above, below = (_room(stairs, scales, below=below) for below in (False, True))
    order = (-np.minimum(above[1] - above[0], below[1] - below[0])).argsort(axis=1)
    found, left = np.zeros((4, count)), np.arange(count)
    for rank in range(TRIED):
        at = left, order[left, rank]
        scale, up, down = scales[at].astype(float), *((room[0][at] + room[1][at]) / 2 for room in (above, below))
        shift = np.zeros(len(left)) if stairs.signed else np.clip(np.rint(up / scale), 1 - SHIFTED, SHIFTED - 1)
        tried = np.stack([shift, scale, *((part - shift * scale).astype(np.float32) for part in (up, down))])
        right = _is_right(stairs, left, tried)
        found[:, left[right]] = tried[:, right]
        left = left[~right]
        if not len(left):
            return found
    return None


def _room(stairs: Stairs, scales: Array, *, below: bool) -> tuple[Array, Array]:
    """Between which numbers the offset of each channel and scale may lie: of sums below 0, or of others.

    Where the sign does not matter, between which numbers that of all sums may lie.
    """
    first, last = stairs.first, stairs.first - 1
    reached, missed = first <= stairs.most, last >= stairs.least
    if stairs.signed:
        reached, missed = reached & ((first < 0) == below), missed & ((last < 0) == below)
    lows, highs = [], []
    for scale in scales.T.astype(float):
        offset = stairs.codes - 0.5 - first * scale[:, None]
        lows.append(np.where(reached, offset, -np.inf).max(1))
        highs.append(np.where(missed, offset + scale[:, None], np.inf).min(1))
    low, high = np.stack(lows, axis=1), np.stack(highs, axis=1)
    low = np.where(np.isinf(low), np.where(np.isinf(high), -1.0, high - 1), low)
    return low, np.where(np.isinf(high), low + 1, high)


def _is_right(stairs: Stairs, channels: Array, tried: Array) -> Array:
    """For which channels the numbers tried give the codes, as the processor computes: it rounds once.

    Double precision holds a product, and may round its sum with the offset; both neighbours must give the code then.
    """
    shift, scale, up, down = (part[:, None] for part in tried)
    sums = stairs.sums[channels] + shift
    nearly = sums * scale + np.where(sums < 0, down, up)
    ends = np.stack([np.nextafter(nearly, -np.inf), np.nextafter(nearly, np.inf)])
    codes = np.clip(np.rint(ends.astype(np.float32)), stairs.codes[0] - 1, stairs.codes[-1])
    same = (codes == stairs.wanted[channels]).all(axis=(0, 2))
    small = (stairs.least[channels, 0] > -SHIFTED) & (stairs.most[channels, 0] < SHIFTED)
    return np.asarray(same & small)
