from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import packing
from smidgen.compiler.packing import Item, lower_bound, pack


@st.composite
def instances(draw: st.DrawFn, most: int = 12) -> list[Item]:
    """Items of which some may lie over one that ends where they begin."""
    items: list[Item] = []
    for _ in range(draw(st.integers(0, most))):
        first = draw(st.integers(0, 6))
        last = draw(st.integers(first, min(first + 4, 8)))
        under = [index for index, item in enumerate(items) if item.last == first and item.first < first]
        over = frozenset(draw(st.sets(st.sampled_from(under), max_size=2))) if under else frozenset()
        alone = over if all(item.first != first or not item.over for item in items) else frozenset()
        items.append(Item(first, last, draw(st.integers(1, 40)), draw(st.sampled_from([1, 4, 8])), alone))
    return items


def height(items: list[Item], offsets: list[int]) -> int:
    return max((offset + item.bytes for item, offset in zip(items, offsets, strict=True)), default=0)


def apart(items: list[Item], offsets: list[int], one: int, two: int) -> bool:
    """Whether two items never use the same byte at the same time, but as `over` allows."""
    a, b = items[one], items[two]
    in_time = a.first <= b.last and b.first <= a.last
    in_space = offsets[one] < offsets[two] + b.bytes and offsets[two] < offsets[one] + a.bytes
    allowed = (one in b.over or two in a.over) and offsets[one] == offsets[two]
    return not (in_time and in_space) or allowed


@given(instances())
@settings(max_examples=300, deadline=None)
def test_items_keep_apart_and_the_bound_holds(items: list[Item]) -> None:
    offsets = pack(items)
    assert all(offset >= 0 and offset % item.alignment == 0 for item, offset in zip(items, offsets, strict=True))
    assert all(apart(items, offsets, one, two) for two in range(len(items)) for one in range(two))
    assert height(items, offsets) >= lower_bound(items)


def least(items: list[Item]) -> int:
    """The lowest packing, by trying every order of putting items down and every choice of sharing."""
    best = sum(item.bytes + 8 for item in items)
    for order in permutations(range(len(items))):
        states: list[dict[int, int]] = [{}]
        for index in order:
            states = [{**state, index: spot} for state in states for spot in spots(items, state, index)]
        for state in states:
            best = min(best, height(items, [state[index] for index in range(len(items))]))
    return best


def spots(items: list[Item], state: dict[int, int], index: int) -> list[int]:
    """The lowest offset at which an item lies apart from those put down, and every one that it may share."""

    def fits(offset: int) -> bool:
        trial = {**state, index: offset}
        offsets = [trial.get(other, -10_000 * (other + 1)) for other in range(len(items))]
        return offset % items[index].alignment == 0 and all(apart(items, offsets, index, other) for other in state)

    found = [offset for other, offset in state.items() if other in items[index].over or index in items[other].over]
    return sorted({next(offset for offset in range(1000) if fits(offset)), *filter(fits, found)})


@given(instances(most=4))
@settings(max_examples=60, deadline=None)
def test_small_instances_are_packed_as_low_as_can_be(items: list[Item]) -> None:
    assert height(items, pack(items)) == least(items)


def test_the_search_closes_a_gap_that_first_fit_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Item(1, 2, 1), Item(0, 1, 3), Item(1, 2, 2), Item(3, 4, 5), Item(2, 3, 5), Item(4, 7, 1)]
    assert height(items, pack(items)) == lower_bound(items) == 10
    monkeypatch.setattr(packing, "STEPS", 0)
    assert height(items, pack(items)) == 11


def test_the_search_reckons_with_what_is_overwritten() -> None:
    items = [Item(1, 2, 3), Item(0, 2, 1), Item(2, 4, 1, over=frozenset({0})), Item(3, 5, 3)]
    assert height(items, pack(items)) == lower_bound(items) == 4


def test_an_item_lies_over_one_that_it_may_overwrite() -> None:
    apart_ = [Item(0, 1, 8), Item(1, 2, 8)]
    over = [Item(0, 1, 8), Item(1, 2, 8, over=frozenset({0}))]
    assert pack(apart_) == [0, 8]
    assert pack(over) == [0, 0]
    assert (lower_bound(apart_), lower_bound(over)) == (16, 8)


def test_a_plan_repeats_itself() -> None:
    items = [Item(step % 11, step % 11 + step % 5, 1 + step * 37 % 61) for step in range(40)]
    assert pack(items) == pack(items)


def test_nothing_takes_nothing() -> None:
    assert pack([]) == []
    assert lower_bound([]) == 0
