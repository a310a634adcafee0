"""The tasks on series: their samples, and real engines and bearings from `shared/data` where it is there."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from smidgen import registry
from smidgen.data.load import load
from smidgen.types import Dataset

DATA = Path(__file__).parents[3] / "shared" / "data" / "industry"
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tasks" / "series.py"
real = pytest.mark.skipif(not DATA.is_dir(), reason="there is no shared/data beside this checkout")


@pytest.fixture
def benchmark() -> ModuleType:
    found = importlib.util.spec_from_file_location("series_benchmark", BENCHMARK)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def touched(data: Dataset, part: str) -> set[str]:
    """The rows of a table that end a window of a part."""
    return set(getattr(data, part).names)


@pytest.mark.parametrize("name", ["series-classification", "series-regression", "series-forecasting"])
def test_a_sample_is_taken_for_its_task(name: str) -> None:
    task = registry.find("tasks", name).TASK
    assert task.name == name
    data = load(task.sample)
    assert data.how.task is task
    assert min(len(part) for part in (data.train, data.validation, data.test)) >= 20
    assert not touched(data, "train") & touched(data, "test")
    about = registry.find("samples", task.sample).SAMPLE.about
    assert ("generated" in about) == task.sample.startswith("generated")


def test_pumps_stay_on_one_side() -> None:
    data = load("generated-wear")
    train, validation, test = (set(part.groups) for part in (data.train, data.validation, data.test))
    assert len(train) + len(validation) + len(test) == len(train | validation | test) == 40


def test_the_forecast_report_tells_what_no_model_would_reach() -> None:
    notes = load("sea-temperature", window=24, horizon=6).report.warnings
    assert any(note.startswith("Repeating the last value errs by 3.08") for note in notes)
    assert any(note.startswith("Repeating the last 12 values errs by 1.27") for note in notes)  # a year


@real
def test_engines_are_found_without_names_of_columns() -> None:
    data = load(DATA / "cmapss_fd001" / "train_FD001.txt", task="series-regression", window=30)
    assert len(data.train) + len(data.validation) + len(data.test) == 20_631
    assert data.signal.input.shape == (30, 18)  # six sensors and a setting never change
    assert not set(data.train.groups) & set(data.test.groups)


@real
def test_the_standard_test_is_the_last_cycle_of_each_engine(benchmark: ModuleType, tmp_path: Path) -> None:
    benchmark.write_engines(DATA / "cmapss_fd001", tmp_path / "fd001.csv")
    data = load(tmp_path / "fd001.csv", **benchmark.LIFE)
    left = np.loadtxt(DATA / "cmapss_fd001" / "RUL_FD001.txt")
    assert np.array_equal(data.test.targets[:, 0], np.minimum(left, 125))
    assert len(data.train) + len(data.validation) == 20_631
    assert not set(data.train.groups) & set(data.validation.groups)


@real
def test_bearings_are_divided_by_time() -> None:
    data = load(DATA / "cwru" / "de_12k_load0.npz", window=2048, hop=512)
    assert data.how.task.name == "series-classification"
    assert (len(data.train), len(data.validation), len(data.test)) == (1610, 70, 70)
    steps = {part: [int(name.split("[")[1][:-1]) for name in touched(data, part)] for part in ("train", "test")}
    assert max(steps["train"]) < 84_000 < 102_000 + 2048 < min(steps["test"]) - 2047


@real
def test_noise_is_as_strong_as_it_says(benchmark: ModuleType) -> None:
    part = load(DATA / "cwru" / "de_12k_load0.npz", window=2048, hop=2048).test
    clean, (heard, targets) = part.inputs[np.arange(len(part))], benchmark._heard(part, 0, 0, times=2)
    noise = heard - np.repeat(clean, 2, axis=0)
    assert (noise**2).mean(axis=1) / np.repeat((clean**2).mean(axis=1), 2, axis=0) == pytest.approx(1, abs=0.2)
    assert np.array_equal(targets, np.repeat(part.targets, 2))
