import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.data.columns import parse
from smidgen.data.listing import Listing, Recordings
from smidgen.errors import DataError
from smidgen.signals import _runs
from smidgen.types import Reading

REMAINING = registry.find("tasks", "series-regression").TASK
LABEL = registry.find("tasks", "series-classification").TASK
FUTURE = registry.find("tasks", "series-forecasting").TASK


def table(text: str) -> Listing:
    columns = parse(text, "data.csv")
    return Listing("data.csv", "csv", columns.lines, [], columns)


ENGINES = "engine,cycle,heat,still,note\n" + "".join(
    f"{engine},{cycle},{10 * engine + cycle},7,ok\n" for cycle in (2, 1, 3) for engine in (1, 2, 3)
)


def test_rows_are_grouped_and_put_in_the_order_of_time() -> None:
    read = _runs.runs_of(table(ENGINES), Reading(REMAINING))
    assert read.layout == _runs.Layout(("cycle", "heat"), "engine", "cycle")
    assert [run.name for run in read.runs] == ["engine 1", "engine 2", "engine 3"]
    assert read.runs[1].values.tolist() == [[1, 21], [2, 22], [3, 23]]
    assert read.runs[1].where == ["data.csv:6", "data.csv:3", "data.csv:9"]


def test_the_report_says_what_was_left_out_and_what_the_clock_is_for() -> None:
    notes = " ".join(_runs.runs_of(table(ENGINES), Reading(REMAINING)).notes)
    assert "still, note" in notes
    assert "cycle counts from the start of each run" in notes


def test_a_clock_that_is_ignored_still_orders() -> None:
    read = _runs.runs_of(table(ENGINES), Reading(REMAINING, ignore=("cycle",)))
    assert read.layout.channels == ("heat",)
    assert read.runs[0].values.ravel().tolist() == [11, 12, 13]


def test_an_absolute_clock_is_no_input() -> None:
    rows = "".join(f"{engine},{1000 * engine + cycle},{cycle}\n" for engine in (1, 2) for cycle in range(9))
    read = _runs.runs_of(table("engine,time,heat\n" + rows), Reading(REMAINING))
    assert read.layout.channels == ("heat",)


def test_only_remaining_life_sees_the_clock() -> None:
    read = _runs.runs_of(table(ENGINES), Reading(LABEL, target="note"))
    assert read.layout.channels == ("heat",)
    targets = read.runs[0].targets
    assert targets is not None
    assert targets.tolist() == ["ok"] * 3


def test_units_and_steps_are_found_without_names() -> None:
    rows = "".join(f"{unit} {step} {unit * step} \n" for unit in (1, 2, 3) for step in range(1, 6))
    read = _runs.runs_of(table(rows), Reading(REMAINING))
    assert (read.layout.group, read.layout.time) == ("c0", "c1")
    assert [len(run) for run in read.runs] == [5, 5, 5]


def test_dates_order_rows_and_other_words_do_not() -> None:
    dated = _runs.runs_of(table("date,price\n2026-02-01,2\n2026-01-01,1\n"), Reading(FUTURE))
    assert dated.runs[0].values.ravel().tolist() == [1, 2]
    wordy = _runs.runs_of(table("date,price\nFebruary,2\nJanuary,1\n"), Reading(FUTURE))
    assert wordy.runs[0].values.ravel().tolist() == [2, 1]
    assert "stay in their order" in wordy.notes[0]


def test_gaps_are_filled_with_what_was_known_then() -> None:
    read = _runs.runs_of(table("time,a,b\n1,,5\n2,2,\n3,,\n4,4,9\n"), Reading(FUTURE))
    assert read.runs[0].values.tolist() == [[2, 5], [2, 5], [2, 5], [4, 9]]
    assert "4 missing values" in read.notes[0]


def test_given_remaining_life_is_read_and_may_be_empty() -> None:
    read = _runs.runs_of(table("engine,cycle,heat,rul\n1,1,5,\n1,2,6,40\n2,1,5,7\n2,2,6,8\n"), Reading(REMAINING))
    targets = read.runs[0].targets
    assert targets is not None
    assert np.isnan(targets[0])
    assert targets[1] == 40
    assert "rul" not in read.layout.channels


@pytest.mark.parametrize(
    ("text", "how", "words"),
    [
        ("engine,cycle,name\n1,1,a\n1,2,b\n", {}, "no column of numbers"),
        ("engine,cycle,heat,part\n1,1,5,somewhere\n1,2,6,train\n", {}, "no part called 'somewhere'"),
        ("engine,cycle,heat\n1,1,5\n1,2,6\n", {"target": "heet"}, "no column called 'heet'"),
        ("engine,cycle,heat,rul\n1,1,5,much\n1,2,6,2\n", {"ignore": ("cycle",)}, "rul should hold numbers"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, how: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        _runs.runs_of(table(text), Reading(REMAINING, **how))  # type: ignore[arg-type]


def test_another_table_needs_the_channels_of_the_model() -> None:
    layout = _runs.Layout(("heat", "load"), "engine", "cycle")
    with pytest.raises(DataError, match="lacks the column load"):
        _runs.runs_of(table(ENGINES), Reading(REMAINING), layout)


def test_a_recording_is_a_run_of_one_label() -> None:
    found = Listing("r.npz", "npz", ["r.npz:a"], ["a"], Recordings([np.zeros((4, 2), np.float32)], ("x", "y")))
    read = _runs.runs_of(found, Reading(LABEL))
    assert read.runs[0].where[3] == "r.npz:a[3]"
    assert read.runs[0].targets is not None
    assert set(read.runs[0].targets) == {"a"}
    with pytest.raises(DataError, match="2 channels, not 1"):
        _runs.runs_of(found, Reading(LABEL), _runs.Layout(("x",)))


@given(st.lists(st.lists(st.sampled_from(["", "1", "-2.5", "x", "1e999", "nan"]), min_size=3, max_size=3), min_size=1))
def test_any_table_is_read_or_refused(rows: list[list[str]]) -> None:
    try:
        read = _runs.runs_of(
            table("engine,time,heat\n" + "".join(",".join(row) + "\n" for row in rows)), Reading(REMAINING)
        )
    except DataError:
        return
    assert all(np.isfinite(run.values).all() for run in read.runs)
    assert sum(len(run) for run in read.runs) == len(read.runs[0].where) + sum(len(run) for run in read.runs[1:])
