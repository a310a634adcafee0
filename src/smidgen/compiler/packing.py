"""Packs rectangles, which have fixed places in time and a size in bytes, into the least height.

This is dynamic storage allocation, NP-hard (Garey and Johnson 1979, problem SR2). First fit in a few orders comes close
for networks (Pisarchyk and Lee 2020, arXiv:2001.03288); where it leaves a gap to the lower bound and there are few
rectangles, a branch and bound of a fixed number of steps closes it or shows that it cannot be closed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

EXACT = -1  # in place of a lag: the same address, or none in common
TRIED = 1000  # items that are put down in first fit before no further order is tried: of 50 items, in 20 orders
CHAIN = 7  # tried lengths of the chains that are put down together
SEARCHED = 48  # items that the exact search is tried on
STEPS = 4_000  # of the exact search, each a look at one item: steps, not seconds, so that a plan repeats itself


@dataclass(frozen=True)
class Item:
    """A rectangle: `bytes` (at least 1) that are in use from step `first` to step `last` inclusive.

    `over` has the items that end in the step this one begins in and that it may overlap, each with a lag in bytes: this
    one must begin so many bytes or more below the other (0: at the same address or below), or exactly where it begins
    (EXACT). Any other two items in use in the same step share no byte.
    """

    first: int
    last: int
    bytes: int
    alignment: int = 1
    over: Mapping[int, int] = field(default_factory=dict)


def pack(items: Sequence[Item]) -> list[int]:
    """Offsets in bytes, one an item: the best of several orders of first fit and, where that can help, of a search."""
    return packed(items)[0]


def packed(items: Sequence[Item]) -> tuple[list[int], int]:
    """Offsets as `pack` finds them, and the bound that `lower_bound` gives."""
    packing = _Packing(items)
    best: list[int] = []
    for order in islice(packing.orders(), max(len(ORDERS), TRIED // max(1, len(items)))):
        found = packing.first_fit(order)
        best = min(best or found, found, key=packing.height)
        if packing.height(best) <= packing.floor:
            return best, packing.floor
    return packing.searched(best), packing.floor


def lower_bound(items: Sequence[Item]) -> int:
    """A height that no packing is lower than.

    It is the bytes in use in the fullest step, if every item overlapped others as far as it may; or what a chain of
    items takes, where the next overlaps the one before from below: the first, and all the lags.
    """
    return _Packing(items).floor


ORDERS: tuple[Callable[[Item], int], ...] = (
    lambda item: -item.bytes,
    lambda item: item.first - item.last,
    lambda item: -item.bytes * (item.last - item.first + 1),
    lambda item: item.first,
    lambda item: -item.first,
)


class _Rival(NamedTuple):
    """An item `other` in use at the same time. With it at s, offsets o in s + low < o < s + high are forbidden."""

    other: int
    low: int
    high: int
    same: bool  # whether o = s is allowed nevertheless


class _Packing:
    """One instance of the problem, with what every method of solving it asks for."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.total = sum(item.bytes for item in items)
        steps = 1 + max((item.last for item in items), default=-1)
        self.demand, self.saved = [0] * steps, [0] * steps
        self.over = {under: index for index, item in enumerate(items) for under in item.over}
        begun: list[list[int]] = [[] for _ in range(steps)]
        for index, item in enumerate(items):
            begun[item.first].append(index)
            self.saved[item.first] += self._overlap(item)
            for step in range(item.first, item.last + 1):
                self.demand[step] += item.bytes
        fullest = (demand - saved for demand, saved in zip(self.demand, self.saved, strict=True))
        self.floor = max((*fullest, *map(self._together, range(len(items)))), default=0)
        self.rivals: list[list[_Rival]] = [[] for _ in items]
        for index, item in enumerate(items):
            for other in (other for step in range(item.first, item.last + 1) for other in begun[step]):
                if items[other].first > item.first or other > index:
                    self.rivals[index].append(self._rival(index, other))
                    self.rivals[other].append(self._rival(other, index))

    def _rival(self, index: int, other: int) -> _Rival:
        """What `other` forbids to the item `index`."""
        item, rival = self.items[index], self.items[other]
        low, high = -item.bytes, rival.bytes
        over, under = item.over.get(other), rival.over.get(index)
        if EXACT in (over, under):
            return _Rival(other, low, high, True)
        if over is not None:
            return _Rival(other, max(low, -over), high, over == 0)
        return _Rival(other, low, high if under is None else min(high, under), under == 0)

    def _overlap(self, item: Item) -> int:
        """The most bytes that an item can have in common with those that it may overlap, which are themselves apart."""
        common = {EXACT: [0], 0: [0]}
        reach = 0  # from the first byte in common to the last of the item
        for index, given in item.over.items():
            under = self.items[index]
            beyond = max(0, item.bytes - self._lag(item, index))
            reach = max(reach, beyond)
            common[min(given, 0)].append(min(under.bytes, beyond))
        return min(reach, max(common[EXACT]) + sum(common[0]))

    def _lag(self, item: Item, under: int) -> int:
        """The least distance from an item up to one that it overlaps; alignments are powers of two."""
        unit = min(item.alignment, self.items[under].alignment)
        return -(-max(0, item.over[under]) // unit) * unit

    def _together(self, index: int) -> int:
        """The height of an item and of those that may overlap each other below it.

        Either each overlaps the one before, so that the lags add up, or two of them that are in use together do not.
        """
        bound, lags, apart = 0, self.items[index].bytes, self.total
        while index in self.over and lags < apart:
            before, index = index, self.over[index]
            item = self.items[index]
            lags += self._lag(item, before)
            apart = min(apart, item.bytes + self.items[before].bytes)
            bound = max(bound, min(lags, apart))
        return bound

    def height(self, offsets: Sequence[int]) -> int:
        return max((offset + item.bytes for offset, item in zip(offsets, self.items, strict=True)), default=0)

    def aligned(self, index: int, offset: int) -> int:
        """The lowest offset from the given one on that suits an item."""
        alignment = self.items[index].alignment
        return -(-offset // alignment) * alignment

    def fits(self, index: int, offset: int, placed: Mapping[int, int]) -> bool:
        """Whether an item may lie there, as far as those placed are concerned."""
        return offset == self.aligned(index, offset) and not any(
            placed[other] + low < offset < placed[other] + high and not (same and offset == placed[other])
            for other, low, high, same in self.rivals[index]
            if other in placed
        )

    def lowest(self, index: int, placed: Mapping[int, int]) -> int:
        """Where an item fits lowest: on the floor, just above what a rival forbids, or at an address that it shares."""
        near = [(placed[rival.other], rival) for rival in self.rivals[index] if rival.other in placed]
        spot = 0
        for low, high in sorted((start + rival.low, start + rival.high) for start, rival in near):
            if spot <= low:
                break
            if spot < high:
                spot = self.aligned(index, high)
        shared = (start for start, rival in near if rival.same and start < spot and self.fits(index, start, placed))
        return min(shared, default=spot)

    def orders(self) -> Iterator[tuple[int, ...]]:
        """Orders of putting the items down; each item after some of those that had better lie below it, or after all.

        How many decides where a chain of lags is broken, for which no rule is best.
        """
        plain = [sorted(range(len(self.items)), key=lambda index: order(self.items[index])) for order in ORDERS]
        below = {under: index for under, index in self.over.items() if self._had_better(under, index)}
        known = set()
        for most in (len(self.items), *range(CHAIN)):
            for order in plain:
                found = tuple(dict.fromkeys(each for index in order for each in _chain(below, index, most)))
                if found not in known:
                    known.add(found)
                    yield found

    def _had_better(self, under: int, index: int) -> bool:
        """Whether an item and the one that it may overlap share more bytes than the upper one has to move up."""
        item = self.items[index]
        lag = item.over[under]
        return lag < min(self.items[under].bytes, item.bytes - lag)

    def first_fit(self, order: Sequence[int]) -> list[int]:
        placed: dict[int, int] = {}
        for index in order:
            placed[index] = self.lowest(index, placed)
        return [placed[index] for index in range(len(self.items))]

    def searched(self, offsets: list[int]) -> list[int]:
        """The best packing found from `offsets` on; they themselves where nothing is better or the search too large."""
        if self.height(offsets) <= self.floor or len(self.items) > SEARCHED:
            return offsets
        search = _Search(self, offsets)
        search.extend(0)
        return search.best


def _chain(below: Mapping[int, int], index: int, most: int) -> list[int]:
    """An item after the one that had better lie below it, that one in turn after the one below it, and so on."""
    chain = [index]
    while len(chain) <= most and chain[-1] in below:
        chain.append(below[chain[-1]])
    return chain[::-1]


class _Search:
    """Depth first over packings in order of their offsets.

    In a lowest packing with the least sum of offsets no item, and no group that shares an address, can move down. So
    each lies on the floor, just above what a rival placed before it forbids, or at an address that it shares; others
    that begin below are placed before it. Only these spots are tried, never below the item placed last; and never so
    high that another item would fit below.
    """

    def __init__(self, packing: _Packing, offsets: list[int]) -> None:
        self.packing = packing
        self.best, self.height = offsets, packing.height(offsets)
        self.steps = STEPS
        self.placed: dict[int, int] = {}
        self.ground = [0] * len(packing.items)  # below which no item that is still to place fits, but for sharing
        self.top, self.rest = [0] * len(packing.demand), list(packing.demand)  # placed up to; still to place: by step

    def extend(self, level: int) -> None:
        """Try every way to go on from the items placed so far, the last of them at `level`."""
        items, placed = self.packing.items, self.placed
        if len(placed) == len(items):
            self.best = [placed[index] for index in range(len(items))]
            self.height = self.packing.height(self.best)
            return
        options = sorted(self._options(level))
        ceiling = min((spot - size for spot, size, _ in options), default=0)
        for spot, _, index in options:
            if spot >= ceiling or self.height <= self.packing.floor or self.steps <= 0:
                return
            self.steps -= len(items) - len(placed)
            self._place(index, spot)

    def _options(self, level: int) -> Iterator[tuple[int, int, int]]:
        """Spots, sizes below zero and items: in this order, lowest and then largest first."""
        for index, item in enumerate(self.packing.items):
            if index not in self.placed:
                spot = self.packing.aligned(index, self.ground[index])
                if spot >= level:
                    yield spot, -item.bytes, index
                shared = any(
                    rival.same and self.placed.get(rival.other) == level for rival in self.packing.rivals[index]
                )
                if shared and spot != level and self.packing.fits(index, level, self.placed):
                    yield level, -item.bytes, index

    def _place(self, index: int, spot: int) -> None:
        """Put an item down, go on from there, and take it away again."""
        item = self.packing.items[index]
        span = slice(item.first, item.last + 1)
        before = self.top[span], self.rest[span], list(self.ground)
        self.top[span] = [max(top, spot + item.bytes) for top in before[0]]
        self.rest[span] = [rest - item.bytes for rest in before[1]]
        if self._bound(span) < self.height:
            self.placed[index] = spot
            self._raise(index, spot)
            self.extend(spot)
            del self.placed[index]
        self.top[span], self.rest[span], self.ground = before

    def _raise(self, index: int, spot: int) -> None:
        """Raise the ground of the rivals of an item that now lies at a spot."""
        for rival in self.packing.rivals[index]:  # from the rival's side, what is forbidden ends at -low
            self.ground[rival.other] = max(self.ground[rival.other], spot - rival.low)

    def _bound(self, span: slice) -> int:
        """No packing that goes on from here is lower, seen from the steps in `span`: what is left lies above."""
        above = zip(self.top[span], self.rest[span], self.packing.saved[span], strict=True)
        return max(top + max(0, rest - saved) for top, rest, saved in above)
