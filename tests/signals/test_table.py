import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen import registry
from smidgen.data.columns import parse
from smidgen.data.listing import Listing
from smidgen.data.reading import Collected
from smidgen.data.store import Memory
from smidgen.errors import BundleError, DataError
from smidgen.signals.table import ENOUGH, STEPS, TableSignal
from smidgen.types import Reading, silent

CLASSES = registry.find("tasks", "tabular-classification").TASK
VALUES = registry.find("tasks", "tabular-regression").TASK
MEMORY = Memory(None, Path())
PEOPLE = """age,smoker,city,weight [kg],ill
30,yes,Rome,70,no
41,no,Oslo,,yes
52,no,Rome,81.5,no
63,yes,Oslo,90,yes
29,no,Lima,66,no
35,yes,Rome,,no
47,no,Oslo,77,yes
"""


def listed(text: str) -> Listing:
    table = parse(text, "t.csv")
    return Listing("t.csv", "csv", table.lines, [], table)


def collected(text: str, sensor: TableSignal | None = None, **options: Any) -> Collected:
    return TableSignal.collect(listed(text), Reading(CLASSES, **options), MEMORY, silent, sensor)


def people() -> TableSignal:
    signal = collected(PEOPLE).signal
    assert isinstance(signal, TableSignal)
    return signal


def test_columns_become_numbers_and_codes() -> None:
    found = collected(PEOPLE)
    signal = found.signal
    assert isinstance(signal, TableSignal)
    assert signal.columns == ("age", "weight [kg]", "smoker", "city")
    assert signal.categories == (("smoker", ("no", "yes")), ("city", ("Oslo", "Rome")))
    rows = found.store[np.arange(5)]
    np.testing.assert_array_equal(rows[:3], [[30, 70, 1, 1], [41, np.nan, 0, 0], [52, 81.5, 0, 1]])
    assert rows[4, 3] == -1  # Lima is too rare to be worth a weight
    assert list(found.labels) == ["no", "yes", "no", "yes", "no", "no", "yes"]
    assert any("weight [kg] (29%)" in note for note in found.warnings)


def test_features_go_from_0_to_1_and_gaps_are_the_median() -> None:
    signal = replace(people(), edges=((30.0, 60.0), (60.0, 100.0)))
    nan = float("nan")
    raw = torch.tensor([[45.0, nan, 1.0, 0.0], [900.0, 60.0, -1.0, nan]])
    features = signal.frontend()(raw)
    assert features.shape == (2, *signal.feature_shape)
    median = (77 - 60) / 40
    assert features[0].tolist() == pytest.approx([0.5, median, 0, 1, 1, 0, 1])
    assert features[1].tolist() == pytest.approx([1, 0, 0, 0, 0, 0, 0])


@given(st.integers(2, 40), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=30, deadline=None)
def test_steps_rise_and_spread_what_is_there(distinct: int, seed: int, many: bool) -> None:
    dice = np.random.default_rng(seed)
    values = np.exp(dice.normal(0, 4, distinct)) * dice.choice([-1, 1], distinct)
    column = dice.choice(values, ENOUGH if many else ENOUGH - 1).astype(np.float32)
    signal = TableSignal(("x",)).learn([column[:, None]])
    (edges,) = signal.edges
    assert len(edges) == (STEPS + 1 if many else 2)
    assert (np.diff(edges) > 0).all()
    features = signal.frontend()(torch.from_numpy(column[:, None])).numpy()
    assert 0 <= features.min() <= features.max() <= 1
    if many:  # different values stay apart, but for those within one step at most
        assert len(np.unique(features, axis=0)) >= min(len(np.unique(column)), STEPS)
        total = features.sum(axis=1)[np.argsort(column, kind="stable")]
        assert (np.diff(total) >= -1e-5).all()


@given(st.integers(1, 6), st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_learning_does_not_depend_on_blocks(pieces: int, count: int) -> None:
    rows = np.random.default_rng(count).normal(5, 3, (count, 2)).astype(np.float32)
    signal = TableSignal(("a", "b"))
    assert signal.learn(np.array_split(rows, min(pieces, count))) == signal.learn([rows])


def test_json_brings_a_signal_back() -> None:
    signal = people()
    assert TableSignal.from_json(json.loads(json.dumps(signal.to_json()))) == signal


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("numbers"),
        lambda s: s.update(numbers=["age", "age"]),
        lambda s: s.update(numbers=[], categories=[]),
        lambda s: s.update(flags=3),
        lambda s: s.update(fills=[1.0, float("nan")]),
        lambda s: s.update(fills=[1.0]),
        lambda s: s.update(edges=[[0.0, 1.0], [1.0, 0.0]]),
        lambda s: s.update(edges=[[0.0, 1.0], [0.0, 1.0, 2.0]]),
        lambda s: s.update(edges=[[0.0], [0.0]]),
        lambda s: s.update(holed=[7]),
        lambda s: s.update(categories=[["city", []]]),
        lambda s: s.update(categories=[["city"]]),
        lambda s: s.update(targets="ill"),
    ],
)
def test_a_damaged_signal_is_an_error(change: Callable[[dict[str, Any]], object]) -> None:
    state = json.loads(json.dumps(people().to_json()))
    change(state)
    with pytest.raises(BundleError):
        TableSignal.from_json(state)


def test_predicting_reads_columns_by_name(tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text("note,city,weight [kg],smoker,age\nx,Rome,70,yes,30\ny,Paris,,maybe,31\n", encoding="utf-8")
    (first, one), (second, other) = people().examples(str(table))
    assert (first, second) == ("new.csv:2", "new.csv:3")
    np.testing.assert_array_equal(one, [30, 70, 1, 1])
    np.testing.assert_array_equal(other, [31, np.nan, -1, -1])


@pytest.mark.parametrize(
    ("text", "what"),
    [("age,smoker,city\n1,yes,Rome\n", "lacks the column weight"), (PEOPLE.replace("81.5", "heavy"), "new.csv:4")],
)
def test_rows_that_do_not_fit_are_an_error(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=what):
        list(people().examples(str(tmp_path / "new.csv")))


def test_a_model_is_measured_on_the_same_columns() -> None:
    found = collected(PEOPLE, people())
    assert found.signal == people()
    np.testing.assert_array_equal(found.store[np.arange(7)], collected(PEOPLE).store[np.arange(7)])
    assert not found.warnings


def test_given_parts_and_groups_are_kept() -> None:
    rows = "".join(
        f"{index * 7 % 12},{index % 3},p{index // 4},{part}\n"
        for index, part in enumerate(["train", "dev", "test"] * 4)
    )
    found = collected(f"x,y,patient,part\n{rows}")
    assert list(found.parts) == ["train", "validation", "test"] * 4
    assert list(found.groups) == [f"p{index // 4}" for index in range(12)]
    assert isinstance(found.signal, TableSignal)
    assert found.signal.columns == ("x",)


def test_time_decides_the_split_where_it_is_asked_to() -> None:
    rows = "".join(f"{index * 7 % 20},{index * 7 % 20 + 0.5},{index % 2}\n" for index in range(20))
    found = collected(f"day,x,y\n{rows}", time="day")
    days = [index * 7 % 20 for index in range(20)]
    assert all(
        part == ("train" if day < 14 else "validation" if day < 17 else "test")
        for day, part in zip(days, found.parts, strict=True)
    )
    assert "oldest first" in found.rule


def test_rows_without_a_target_are_left_out() -> None:
    found = collected(PEOPLE.replace("81.5,no", "81.5,"))
    assert len(found.store) == 6
    assert any("1 rows were left out" in note for note in found.warnings)


@pytest.mark.parametrize(
    ("text", "task", "target"),
    [
        (PEOPLE, CLASSES, ""),
        (PEOPLE, VALUES, "age"),
        ("a,b\n" + "".join(f"{i * 7 % 40},{i * i}\n" for i in range(40)), VALUES, ""),
    ],
)
def test_the_target_says_which_task_suits(text: str, task: Any, target: str) -> None:
    scores = {}
    for each in (CLASSES, VALUES):
        match = TableSignal.recognise(listed(text), Reading(each, target=target))
        scores[each.name] = match.score if match else 0.0
    assert max(scores, key=lambda name: scores[name]) == task.name
    assert max(scores.values()) - min(scores.values()) > 0.1


def test_a_table_of_texts_is_for_other_signals() -> None:
    text = "text,label\n" + "".join(f"message number {index},{index % 2}\n" for index in range(40))
    assert TableSignal.recognise(listed(text), Reading(CLASSES)) is None


def test_sketches_tell_rows_apart() -> None:
    signal, rows = people(), collected(PEOPLE).store[np.arange(7)]
    sketches = signal.sketch(rows)
    assert sketches.dtype == np.uint8
    assert sketches.shape == (7, 4)
    assert len(np.unique(sketches, axis=0)) == 7
