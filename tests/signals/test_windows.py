from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.errors import DataError, UsageError
from smidgen.signals._runs import Run
from smidgen.signals._windows import Plan, Windows, cut, newest, plan
from smidgen.types import Reading

REMAINING = registry.find("tasks", "series-regression").TASK
LABEL = registry.find("tasks", "series-classification").TASK
FUTURE = registry.find("tasks", "series-forecasting").TASK


def run(length: int, label: str = "a", start: float = 0.0) -> Run:
    values = (start + np.arange(length, dtype=np.float32))[:, None]
    return Run(label, values, [str(step) for step in range(length)], np.full(length, label, object))


@given(
    st.integers(40, 400), st.integers(1, 12), st.integers(1, 5), st.integers(0, 6), st.sampled_from(["label", "future"])
)
def test_no_step_is_in_windows_of_two_parts(length: int, window: int, hop: int, horizon: int, target: str) -> None:
    how = Plan(window, (hop, hop), horizon if target == "future" else 0, gap=window if target == "label" else 0)
    runs = [run(length)]
    try:
        found = cut(runs, how)
    except DataError:
        return
    touched: dict[str, set[int]] = {}
    for end, part in zip(found.ends, found.parts, strict=True):
        touched.setdefault(part, set()).update(range(end - window + 1, end + how.horizon + 1))
    train, validation, test = (touched[part] for part in ("train", "validation", "test"))
    assert not train & validation
    assert not validation & test
    assert max(train) < min(validation)
    assert max(validation) < min(test)
    assert max(test) < length


def test_windows_are_what_lies_before_each_end() -> None:
    runs = [run(5), run(4, start=100)]
    found = cut(runs, Plan(3, (1, 1), by_time=False))
    store = Windows(runs, found, 3)
    assert store[np.arange(len(store))][:, :, 0].tolist() == [
        [0, 1, 2], [1, 2, 3], [2, 3, 4], [100, 101, 102], [101, 102, 103],
    ]  # fmt: skip


def test_windows_before_a_run_are_filled_with_its_first_row() -> None:
    runs = [run(3, start=7)]
    found = cut(runs, Plan(3, (1, 1), padded=True, by_time=False))
    assert Windows(runs, found, 3)[np.arange(3)][:, :, 0].tolist() == [[7, 7, 7], [7, 7, 8], [7, 8, 9]]


def test_a_run_that_is_shorter_than_a_window_gives_one() -> None:
    runs = [run(2, start=5)]
    found = cut(runs, Plan(4, (1, 1), by_time=False))
    assert Windows(runs, found, 4)[np.array([0])][:, :, 0].tolist() == [[5, 5, 5, 6]]


def test_given_parts_are_kept_apart_and_empty_ones_are_only_seen() -> None:
    parts = np.array(["train"] * 5 + ["test"] * 4 + [""] * 3 + ["test"], object)
    found = cut([replace(run(13), parts=parts)], Plan(3, (1, 1), by_time=False))
    assert found.ends == [2, 3, 4, 7, 8, 12]
    assert found.parts == ["train"] * 3 + ["test"] * 3


def test_steps_without_a_target_end_no_window() -> None:
    labels = np.array(["a", "", "a", ""], object)
    assert cut([replace(run(4), targets=labels)], Plan(1, (1, 1), by_time=False)).ends == [0, 2]
    values = np.array([np.nan, 1.0, np.nan, 3.0])
    assert cut([replace(run(4), targets=values)], Plan(1, (1, 1), padded=True, by_time=False)).ends == [1, 3]


def test_the_newest_windows_are_the_last() -> None:
    assert newest([run(5), run(3)]).ends == [4, 2]


def test_a_plan_divides_whole_runs_where_classes_have_enough() -> None:
    many = plan([run(50, label) for label in "aaabbb"], Reading(LABEL))
    assert not many.by_time
    few = plan([run(500, label) for label in "ab"], Reading(LABEL))
    assert few.by_time
    assert few.gap == few.window
    assert few.steps[1] == few.window  # what is measured does not overlap
    assert "no window reaches" in few.rule
    assert not plan([run(60) for _ in range(4)], Reading(REMAINING)).by_time


def test_what_the_user_says_wins() -> None:
    made = plan([run(500)], Reading(FUTURE, window=20, hop=3, horizon=9))
    assert (made.window, made.steps, made.horizon) == (20, (3, 3), 9)


@pytest.mark.parametrize("how", [{"window": 0}, {"hop": -1}, {"horizon": 0}, {"window": 2**20}])
def test_sizes_that_make_no_sense_are_refused(how: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        plan([run(500)], Reading(FUTURE, **({"window": 5} | how)))  # type: ignore[arg-type]


def test_runs_that_are_too_short_are_refused() -> None:
    with pytest.raises(DataError, match="too short"):
        cut([run(20)], Plan(10, (1, 1)))
