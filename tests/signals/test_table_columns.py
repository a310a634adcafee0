from typing import Any

import numpy as np
import pytest

from smidgen import registry
from smidgen.data.columns import parse
from smidgen.data.listing import Columns
from smidgen.errors import DataError
from smidgen.signals._table_columns import Roles, are_classes, labels_of, roles, targets_of
from smidgen.types import Reading

TASK = registry.find("tasks", "tabular-classification").TASK


def table(**columns: list[Any]) -> Columns:
    count = len(next(iter(columns.values())))
    rows = [",".join(columns), *(",".join(str(cells[row]) for cells in columns.values()) for row in range(count))]
    return parse("\n".join(rows), "t.csv")


def found(given: Columns, **options: Any) -> Roles:
    return roles(given, Reading(TASK, **options), "t.csv")


@pytest.mark.parametrize(
    ("wanted", "targets", "why"),
    [
        ("", ("diagnosis",), "named so"),
        ("b", ("b",), "asked for"),
        ("a, b", ("a", "b"), "asked for"),
        ("fault_*", ("fault_x", "fault_y"), "asked for"),
    ],
)
def test_the_target_is_found(wanted: str, targets: tuple[str, ...], why: str) -> None:
    given = table(a=[1, 2], diagnosis=["x", "y"], b=[3, 5], fault_x=[0, 1], fault_y=[1, 0], z=[9, 8])
    assert targets_of(given, wanted) == (targets, why)


def test_without_a_name_the_last_column_is_the_target() -> None:
    assert targets_of(table(a=[1, 2], b=[3, 5]), "") == (("b",), "the last column")


@pytest.mark.parametrize("wanted", ["colour", "fault_*", "a,colour"])
def test_a_target_that_is_not_there_is_an_error(wanted: str) -> None:
    with pytest.raises(DataError, match=r"colour|fault_"):
        targets_of(table(a=[1, 2], b=[3, 5]), wanted)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["a", "b"] * 50, True),
        ([0, 1] * 50, True),
        ([1, 2, 3, 4] * 25, True),
        ([0.5, 1] * 50, False),
        (list(range(100)), False),
        ([float(number) / 7 for number in range(100)], False),
    ],
)
def test_names_and_few_whole_numbers_are_classes(cells: list[Any], classes: bool) -> None:
    assert are_classes(table(x=list(range(100)), y=cells), ["y"]) == classes


def test_one_hot_columns_are_classes() -> None:
    given = table(x=[1, 2, 3], a=[1, 0, 0], b=[0, 1, 1])
    labels, there = labels_of(given, ("a", "b"), "classes")
    assert list(labels) == ["a", "b", "b"]
    assert there.all()
    with pytest.raises(DataError, match="one-hot"):
        labels_of(table(a=[1, 1, 0], b=[0, 1, 1]), ("a", "b"), "classes")


def test_several_columns_of_values() -> None:
    values, there = labels_of(table(a=[1.5, "", 3], b=[4, 5, 6]), ("a", "b"), "values")
    np.testing.assert_array_equal(values, np.array([[1.5, 4], [np.nan, 5], [3, 6]], np.float32))
    assert there.tolist() == [True, False, True]
    with pytest.raises(DataError, match="holds text"):
        labels_of(table(a=["x", "y"]), ("a",), "values")


def test_what_says_nothing_or_too_much_is_left_out() -> None:
    count = 60
    dice = np.random.default_rng(0)
    given = table(
        number=list(range(count)),
        same=[7] * count,
        name=[f"person {index}" for index in range(count)],
        good=dice.normal(size=count).tolist(),
        code=["AB"[index % 2] for index in range(count)],
        fahrenheit=[32 + 1.8 * (index % 2) for index in range(count)],
        target=[index % 2 for index in range(count)],
    )
    made = found(given)
    assert made.numbers == ("good",)
    assert not made.categories
    notes = " ".join(made.notes)
    for word in (
        "only count rows: number",
        "always the same: same",
        "different: name",
        "to be predicted: fahrenheit, code",
    ):
        assert all(part in notes for part in word.replace(":", ",").split(", "))


def test_a_column_may_be_ignored_and_flags_come_first() -> None:
    given = table(big=[1, 2, 3, 5], flag=[0, 1, 1, 0], extra=[4, 7, 1, 0], y=["a", "a", "b", "b"])
    assert found(given, ignore=("extra",)).numbers == ("big",) or found(given, ignore=("extra",)).numbers == (
        "flag",
        "big",
    )
    assert found(given).numbers[0] == "flag"


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(DataError, match="no column to learn from"):
        found(table(same=[1, 1, 1], y=["a", "b", "a"]))
