from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import packing
from smidgen.compiler.packing import EXACT, Item, lower_bound, pack


@st.composite
def instances(draw: st.DrawFn, most: int = 12, largest: int = 40) -> list[Item]:
    """Items of which some may overlap those that end where they begin; at most one in a step does."""
    items: list[Item] = []
    for _ in range(draw(st.integers(0, most))):
        first = draw(st.integers(0, 6))
        last = draw(st.integers(first, min(first + 4, 8)))
        alignment = draw(st.sampled_from([1, 4, 8]))
        under = [
            index
            for index, item in enumerate(items)
            if item.last == first and item.first < first and item.alignment == alignment
        ]
        over = {}
        if under and all(item.first != first or not item.over for item in items):
            lags = st.sampled_from([EXACT, 0, 0, 1, 5, 17])
            over = draw(st.dictionaries(st.sampled_from(under), lags, max_size=2))
        items.append(Item(first, last, draw(st.integers(1, largest)), alignment, over))
    return items


def height(items: list[Item], offsets: list[int]) -> int:
    return max((offset + item.bytes for item, offset in zip(items, offsets, strict=True)), default=0)


def apart(items: list[Item], offsets: list[int], one: int, two: int) -> bool:
    """Whether two items never use the same byte at the same time, but as `over` allows."""
    a, b = items[one], items[two]
    in_time = a.first <= b.last and b.first <= a.last
    in_space = offsets[one] < offsets[two] + b.bytes and offsets[two] < offsets[one] + a.bytes
    return not (in_time and in_space) or allowed(items, offsets, one, two) or allowed(items, offsets, two, one)


def allowed(items: list[Item], offsets: list[int], one: int, two: int) -> bool:
    """Whether one item may overlap another that ends where it begins."""
    lag = items[one].over.get(two)
    if lag is None:
        return False
    return offsets[one] == offsets[two] if lag == EXACT else offsets[one] + lag <= offsets[two]


def all_apart(items: list[Item], offsets: list[int]) -> bool:
    return all(apart(items, offsets, one, two) for two in range(len(items)) for one in range(two))


@given(instances())
@settings(max_examples=300, deadline=None)
def test_items_keep_apart_and_the_bound_holds(items: list[Item]) -> None:
    offsets = pack(items)
    assert all(offset >= 0 and offset % item.alignment == 0 for item, offset in zip(items, offsets, strict=True))
    assert all_apart(items, offsets)
    assert height(items, offsets) >= lower_bound(items)


def least(items: list[Item]) -> int:
    """The lowest packing, by trying every offset of every item."""
    best = height(items, pack(items))
    while best:
        ranges = [range(0, best - item.bytes, item.alignment) for item in items]
        lower = next((spots for spots in product(*ranges) if all_apart(items, list(spots))), None)
        if lower is None:
            return best
        best = height(items, list(lower))
    return 0


@given(instances(most=4, largest=9))
@settings(max_examples=150, deadline=None)
def test_small_instances_are_packed_as_low_as_can_be(items: list[Item]) -> None:
    assert lower_bound(items) <= height(items, pack(items)) == least(items)


@given(instances(most=7))
@settings(max_examples=30, deadline=None)
def test_no_order_of_first_fit_is_lower_than_the_search(items: list[Item]) -> None:
    found = height(items, pack(items))
    made = packing._Packing(items)
    for order in permutations(range(len(items))):
        assert height(items, made.first_fit(order)) >= found


def test_the_search_closes_a_gap_that_first_fit_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Item(1, 2, 1), Item(0, 1, 3), Item(1, 2, 2), Item(3, 4, 5), Item(2, 3, 5), Item(4, 7, 1)]
    assert height(items, pack(items)) == lower_bound(items) == 10
    monkeypatch.setattr(packing, "STEPS", 0)
    assert height(items, pack(items)) == 11


def test_the_search_reckons_with_what_is_overwritten() -> None:
    items = [Item(1, 2, 3), Item(0, 2, 1), Item(2, 4, 1, over={0: 0}), Item(3, 5, 3)]
    assert height(items, pack(items)) == lower_bound(items) == 4


@pytest.mark.parametrize(
    ("over", "offsets", "bound"),
    [
        ({}, [0, 8], 20),
        ({0: EXACT}, [0, 0], 12),
        ({0: 0}, [0, 0], 12),
        ({0: 4}, [4, 0], 12),
        ({0: 5}, [8, 0], 16),  # rounded up to what the alignment allows
        ({0: 40}, [12, 0], 20),
    ],
)
def test_an_item_overlaps_one_as_its_lag_allows(over: dict[int, int], offsets: list[int], bound: int) -> None:
    items = [Item(0, 1, 8, 4), Item(1, 2, 12, 4, over)]
    assert lower_bound(items) == bound == height(items, pack(items))
    if over:
        assert pack(items) == offsets


def test_an_item_overlaps_several() -> None:
    items = [Item(0, 1, 6), Item(0, 1, 6), Item(1, 2, 12, over={0: 0, 1: 2})]
    assert height(items, pack(items)) == lower_bound(items) == 12
    exact = [Item(0, 1, 6), Item(0, 1, 6), Item(1, 2, 12, over={0: EXACT, 1: EXACT})]  # one of them at most
    assert height(exact, pack(exact)) == lower_bound(exact) == 18


def test_a_chain_of_lags_is_packed_to_its_bound() -> None:
    """As in a chain of convolutions: what comes later lies lower, and the first has to make room for all."""
    sizes, lags = [27648, 18432, 18432, 9216, 18432, 4608], [0, 384, 768, 0, 9232, 0]
    items = [
        Item(step, step + 1, size, 4, {step - 1: lag} if step else {})
        for step, (size, lag) in enumerate(zip(sizes, lags, strict=True))
    ]
    assert height(items, pack(items)) == lower_bound(items) == 27648 + 384 + 768


def test_a_plan_repeats_itself() -> None:
    items = [Item(step % 11, step % 11 + step % 5, 1 + step * 37 % 61) for step in range(40)]
    assert pack(items) == pack(items)


def test_nothing_takes_nothing() -> None:
    assert pack([]) == []
    assert lower_bound([]) == 0
