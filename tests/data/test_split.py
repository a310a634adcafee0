from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data.split import PART_NAMES, TEST, TRAIN, VALIDATION, split
from smidgen.errors import DataError
from smidgen.types import Array


def columns(*rows: tuple[int, int, int]) -> tuple[Array, Array, list[str]]:
    """Targets, contents and groups from rows of all three."""
    targets, contents, groups = (np.array(column) for column in zip(*rows, strict=True))
    return targets, contents.astype(np.uint64), [str(group) for group in groups]


def plenty(classes: int, each: int) -> tuple[Array, Array]:
    return np.arange(classes * each) % classes, np.arange(classes * each).astype(np.uint64)


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=120)


@given(ROWS, st.integers(0, 99), st.booleans())
def test_nothing_crosses_and_train_knows_every_class(rows: list[Any], seed: int, grouped: bool) -> None:
    targets, contents, groups = columns(*rows)
    try:
        parts = split(targets, contents, seed, groups=groups if grouped else ()).parts
    except DataError:  # too few units for three parts
        assert len(set(contents.tolist())) < 9 or grouped
        return
    assert set(parts) == {TRAIN, VALIDATION, TEST}
    for keys in [contents.tolist()] + ([groups] if grouped else []):
        assert all(
            len({part for part, other in zip(parts, keys, strict=True) if other == key}) == 1 for key in set(keys)
        )
    assert set(targets) == set(targets[parts == TRAIN])


@given(ROWS, st.integers(0, 99), st.randoms())
def test_order_does_not_matter(rows: list[Any], seed: int, random: Any) -> None:
    # An example that occurs twice with different labels is told apart by nothing but its label.
    shuffled = list(rows)
    random.shuffle(shuffled)

    def by_row(rows: list[Any]) -> dict[Any, int] | None:
        targets, contents, groups = columns(*rows)
        try:
            return dict(zip(rows, split(targets, contents, seed, groups=groups).parts.tolist(), strict=True))
        except DataError:
            return None

    assert by_row(rows) == by_row(shuffled)


@given(st.integers(2, 6), st.integers(3, 200), st.integers(0, 9))
def test_every_class_gets_its_share(classes: int, each: int, seed: int) -> None:
    targets, contents = plenty(classes, each)
    made = split(targets, contents, seed)
    for label in range(classes):
        counts = np.bincount(made.parts[targets == label], minlength=3)
        assert counts.min() >= 1
        assert abs(counts[VALIDATION] - 0.15 * each) <= 1
        assert abs(counts[TEST] - 0.15 * each) <= 1


def test_seeds_differ_and_repeat() -> None:
    targets, contents = plenty(2, 50)
    one, same, other = (split(targets, contents, seed) for seed in (0, 0, 1))
    assert (one.parts == same.parts).all()
    assert (one.parts != other.parts).any()
    assert one.rule == "70 % train, 15 % validation, 15 % test; stratified, seed 0"


@pytest.mark.parametrize(
    ("given_parts", "rule"),
    [
        (("train", "test"), "given train and test parts; validation: 10 % of train, stratified, seed 0"),
        (("train", "validation"), "given train and validation parts; test: 15 % of train, stratified, seed 0"),
        (("train", "validation", "test"), "given train and validation and test parts"),
    ],
)
def test_given_parts_stay(given_parts: tuple[str, ...], rule: str) -> None:
    targets, contents = plenty(2, 60)
    names = [given_parts[(index // 2) % len(given_parts)] for index in range(120)]
    made = split(targets, contents, 0, names)
    assert made.rule == rule
    for name, part in zip(names, made.parts.tolist(), strict=True):
        assert name == "train" or PART_NAMES[part] == name
    assert set(made.parts) == {TRAIN, VALIDATION, TEST}


def test_a_group_that_holds_everything() -> None:
    targets, contents = plenty(2, 10)
    with pytest.raises(DataError, match="too few separate examples or groups"):
        split(targets, contents, 0, groups=["all"] * 20)


def test_a_class_that_is_never_in_the_majority_is_still_trained_on() -> None:
    rows = [(0, index, group) for index, group in enumerate(g for g in range(12) for _ in range(5))]
    rows += [(1, 100 + group, group) for group in (3, 7)]
    targets, contents, groups = columns(*rows)
    for seed in range(10):
        parts = split(targets, contents, seed, groups=groups).parts
        assert TRAIN in parts[targets == 1]
