"""Packs rectangles, which have fixed places in time and a size in bytes, into the least height.

This is dynamic storage allocation, NP-hard (Garey and Johnson 1979, problem SR2). First fit in a few orders comes close
for networks (Pisarchyk and Lee 2020, arXiv:2001.03288); where it leaves a gap to the lower bound and there are few
rectangles, a branch and bound of a fixed number of steps closes it or shows that it cannot be closed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

SEARCHED = 64  # items that the exact search is tried on
STEPS = 2000  # of the exact search: steps, not seconds, so that a plan repeats itself on any machine


@dataclass(frozen=True)
class Item:
    """A rectangle: `bytes` (at least 1) that are in use from step `first` to step `last` inclusive.

    `over` lists items that end in the step this one begins in, and whose address it may take.
    """

    first: int
    last: int
    bytes: int
    alignment: int = 1
    over: frozenset[int] = field(default_factory=frozenset)


def pack(items: Sequence[Item]) -> list[int]:
    """Offsets in bytes, one an item: the best of several orders of first fit and, where that can help, of a search."""
    packing = _Packing(items)
    return packing.searched(min((packing.first_fit(order) for order in ORDERS), key=packing.height))


def lower_bound(items: Sequence[Item]) -> int:
    """The bytes in use in the fullest step if every item lay over another wherever it may: no packing is lower."""
    packing = _Packing(items)
    return packing.floor


ORDERS: tuple[Callable[[Item], int], ...] = (
    lambda item: -item.bytes,
    lambda item: -(item.last - item.first),
    lambda item: -item.bytes * (item.last - item.first + 1),
    lambda item: item.first,
)


class _Packing:
    """One instance of the problem, with what every method of solving it asks for."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.rivals = [list(self._rivals(index)) for index in range(len(items))]
        steps = 1 + max((item.last for item in items), default=-1)
        self.demand, self.saved = [0] * steps, [0] * steps
        for item in items:
            self.saved[item.first] += max((min(item.bytes, items[under].bytes) for under in item.over), default=0)
            for step in range(item.first, item.last + 1):
                self.demand[step] += item.bytes
        self.floor = max((demand - saved for demand, saved in zip(self.demand, self.saved, strict=True)), default=0)

    def _rivals(self, index: int) -> Iterator[tuple[int, bool]]:
        """The items in use at the same time as this one, each with whether the two may share an address."""
        item = self.items[index]
        for other, rival in enumerate(self.items):
            if other != index and item.first <= rival.last and rival.first <= item.last:
                yield other, other in item.over or index in rival.over

    def height(self, offsets: Sequence[int]) -> int:
        return max((offset + item.bytes for offset, item in zip(offsets, self.items, strict=True)), default=0)

    def spots(self, index: int, placed: dict[int, int]) -> Iterator[int]:
        """Where an item fits, lowest first: on the floor, on top of a rival, or at an address that it may share."""
        size, alignment = self.items[index].bytes, self.items[index].alignment
        taken = [
            (placed[rival], placed[rival] + self.items[rival].bytes, shared)
            for rival, shared in self.rivals[index]
            if rival in placed
        ]
        tops = {-(-top // alignment) * alignment for _, top, _ in taken}
        shares = {start for start, _, shared in taken if shared and start % alignment == 0}
        for spot in sorted({0} | tops | shares):
            if all(top <= spot or spot + size <= start or (shared and spot == start) for start, top, shared in taken):
                yield spot

    def first_fit(self, order: Callable[[Item], int]) -> list[int]:
        placed: dict[int, int] = {}
        for index in sorted(range(len(self.items)), key=lambda index: order(self.items[index])):
            placed[index] = next(self.spots(index, placed))
        return [placed[index] for index in range(len(self.items))]

    def searched(self, offsets: list[int]) -> list[int]:
        """The best packing found from `offsets` on; they themselves where nothing is better or the search too large."""
        if self.height(offsets) <= self.floor or len(self.items) > SEARCHED:
            return offsets
        search = _Search(self, offsets)
        search.extend({}, 0)
        return search.best


class _Search:
    """Depth first over packings in order of their offsets.

    Some lowest packing with the least sum of offsets has every item on the floor, on a rival or at a shared address, so
    only `spots` are tried, never below the item placed last; and never so high that another item would fit below.
    """

    def __init__(self, packing: _Packing, offsets: list[int]) -> None:
        self.packing = packing
        self.best, self.height = offsets, packing.height(offsets)
        self.steps = STEPS
        self.top, self.rest = [0] * len(packing.demand), list(packing.demand)  # placed up to; still to place: by step

    def extend(self, placed: dict[int, int], level: int) -> None:
        """Try every way to go on from the items placed so far, the last of them at `level`."""
        items = self.packing.items
        if len(placed) == len(items):
            self.best = [placed[index] for index in range(len(items))]
            self.height = self.packing.height(self.best)
            return
        options = self._options(placed, level)
        ceiling = min((spot + items[index].bytes for spot, index in options), default=0)
        for spot, index in options:
            if spot >= ceiling or self.height <= self.packing.floor or self.steps == 0:
                return
            self.steps -= 1
            item = items[index]
            span = slice(item.first, item.last + 1)
            before = self.top[span], self.rest[span]
            self.top[span] = [max(top, spot + item.bytes) for top in before[0]]
            self.rest[span] = [rest - item.bytes for rest in before[1]]
            if self._bound(span) < self.height:
                self.extend({**placed, index: spot}, spot)
            self.top[span], self.rest[span] = before

    def _options(self, placed: dict[int, int], level: int) -> list[tuple[int, int]]:
        """Spots and items, lowest and then largest first."""
        options = [
            (spot, index)
            for index in range(len(self.packing.items))
            if index not in placed
            for spot in self.packing.spots(index, placed)
            if spot >= level
        ]
        return sorted(options, key=lambda option: (option[0], -self.packing.items[option[1]].bytes))

    def _bound(self, span: slice) -> int:
        """No packing that goes on from here is lower, seen from the steps in `span`: what is left lies above."""
        above = zip(self.top[span], self.rest[span], self.packing.saved[span], strict=True)
        return max(top + max(0, rest - saved) for top, rest, saved in above)
