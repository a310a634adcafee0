"""Benchmark results: how they are written, and that those in the repository are whole and what the README says."""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))
FIELDS = {"name", "command", "date", "commit", "host", "versions", "rows", "summary", "bars", "passed", "trial"}
LINK = re.compile(r"benchmarks/results/[\w.-]+")


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("record")


def made(record: ModuleType, value: float | None, **changes: Any) -> Any:
    bars = [record.Bar("accuracy", value, 0.9), record.Bar("seconds", 1.0, 2.0, "at most")]
    rows = [{"seed": 0, "accuracy": value, "looks": [1.0, 2.0]}]
    return record.Result("mnist", "python benchmarks/bars.py mnist", rows, {"seeds": 1}, bars, **changes)


@pytest.mark.parametrize(("value", "passed"), [(0.95, True), (0.9, True), (0.85, False), (None, False)])
def test_a_result_passes_where_every_bar_holds(record: ModuleType, value: float | None, passed: bool) -> None:
    assert made(record, value).passed is passed


def test_a_missed_stretch_does_not_fail_a_result(record: ModuleType) -> None:
    bars = [record.Bar("accuracy", 0.98, 0.98), record.Bar("accuracy", 0.98, 0.99, stretch=True)]
    assert record.Result("x", "", [], {}, bars).passed


def test_a_result_without_bars_does_not_pass(record: ModuleType) -> None:
    assert not record.Result("x", "", [], {}, []).passed


def test_a_result_is_written_whole_and_reads_back(record: ModuleType, tmp_path: Path) -> None:
    path = made(record, 0.95).write(tmp_path)
    state = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == f"{state['date'][:10]}-mnist.json"
    assert state.keys() >= FIELDS
    assert [bar["holds"] for bar in state["bars"]] == [True, True]


def test_a_trial_is_named_one(record: ModuleType, tmp_path: Path) -> None:
    assert made(record, 0.95, trial=True).write(tmp_path).name.endswith("-mnist-trial.json")


@pytest.mark.parametrize("word", ["see /home/someone/data", "--mnist=/data/mnist", "C:\\data", "~/mnist"])
def test_a_path_of_the_machine_is_not_written(record: ModuleType, tmp_path: Path, word: str) -> None:
    with pytest.raises(ValueError, match="path of this machine"):
        made(record, 0.95, notes=[word]).write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_table_leaves_lists_out(record: ModuleType) -> None:
    assert record.table([{"seed": 1, "looks": [1], "seconds": None}]).splitlines()[-1] == "| 1 | not reached |"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: str(path.stem))
def test_results_in_the_repository_are_whole(record: ModuleType, path: Path) -> None:
    state = json.loads(path.read_text(encoding="utf-8"))
    assert state.keys() >= FIELDS
    assert state["rows"]
    assert not state["trial"]
    assert path.stem == f"{state['date'][:10]}-{state['name']}"
    needed = [bar["holds"] for bar in state["bars"] if not bar["stretch"]]
    assert state["passed"] == (bool(needed) and all(needed))
    assert not [word for word in record.strings(state) if record.A_PATH.search(word)]


@pytest.mark.parametrize("readme", sorted(ROOT.glob("README*.md")), ids=lambda path: str(path.name))
def test_every_number_in_the_results_table_names_its_result(readme: Path) -> None:
    unnamed = [row for row in results_table(readme.read_text(encoding="utf-8")) if not LINK.search(row)]
    assert not unnamed


@pytest.mark.parametrize("readme", sorted(ROOT.glob("README*.md")), ids=lambda path: str(path.name))
def test_every_result_that_a_readme_names_exists(readme: Path) -> None:
    named = LINK.findall(readme.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).is_file()]


def results_table(text: str) -> list[str]:
    """The rows with numbers of the table that links to results."""
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    found = [row for table in tables if LINK.search(table) for row in table.splitlines()]
    return [row for row in found if re.search(r"\d", row)]


def test_a_row_without_its_result_is_found() -> None:
    text = "x\n\n| bar | measured |\n|---|---|\n| a | 99.3 % [r](benchmarks/results/r.json) |\n| b | 5 s |\n"
    rows = results_table(text)
    assert [bool(LINK.search(row)) for row in rows] == [True, False]
