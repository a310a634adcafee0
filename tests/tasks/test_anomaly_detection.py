import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import smidgen
from smidgen import registry
from smidgen.bundle import Bundle
from smidgen.data.load import load, taken_for
from smidgen.data.sources import listing
from smidgen.errors import DataError, UsageError
from smidgen.samples.generated_reactor import FAULTS, SENSORS
from smidgen.tasks.anomaly_detection import TASK

OPTIONS: dict[str, Any] = {"task": TASK.name, "family": "principal", "distill": False}


def table(path: Path, runs: list[tuple[str, str, str]], seed: int = 0) -> Path:
    """Runs of 200 rows of four sensors: name, part, and the label of the second half, far off unless it is normal."""
    dice = np.random.default_rng(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        given = ["part"] if any(part for _, part, _ in runs) else []
        writer.writerow(["run", "time", "a", "b", "c", "d", "label", *given])
        for name, part, label in runs:
            for step in range(200):
                one = label if step >= 100 else "normal"
                away = 0.0 if one == "normal" else 9.0
                a, b = dice.normal(size=2)
                values = [a, b + away, a + b + 0.1 * dice.normal(), 5 + b + 0.1 * dice.normal()]
                writer.writerow([name, step, *values, one, *([part] if given else [])])
    return path


GIVEN = [("1", "train", "normal"), ("2", "validation", "normal"), ("3", "test", "leak")]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("anomalies")
    made = smidgen.fit(str(table(folder / "plant.csv", GIVEN)), out=folder / "model", **OPTIONS)
    assert isinstance(made, Bundle)
    return made


def test_it_is_found_by_its_name() -> None:
    assert registry.find("tasks", TASK.name).TASK is TASK


def test_its_sample_is_learnt_from_where_it_is_normal() -> None:
    data = load(TASK.sample, task=TASK)
    assert data.answer.classes == ("normal", *FAULTS)
    assert data.signal.input.shape == (1, len(SENSORS))
    assert not data.train.targets.any()
    assert not data.validation.targets.any()
    assert set(data.test.targets.tolist()) == {0, 1, 2, 3}
    assert not set(data.train.groups) & set(np.array(data.test.groups)[data.test.targets == 0].tolist())
    assert "not normal" in data.report.split


def test_the_sample_is_always_the_same() -> None:
    one, other = (listing(TASK.sample).content for _ in range(2))
    assert all(np.array_equal(one.columns[name], other.columns[name]) for name in one.names)  # type: ignore[union-attr]


def test_data_whose_training_rows_are_all_normal_is_taken_for_it(tmp_path: Path) -> None:
    alike = table(tmp_path / "plant.csv", GIVEN)
    mixed = table(tmp_path / "mixed.csv", [(str(run), "", "leak") for run in range(8)])
    tasks = [taken_for(listing(str(source)), None)[0].task.name for source in (alike, mixed)]
    assert tasks == [TASK.name, "series-classification"]


def test_faults_are_found_within_the_budget(bundle: Bundle) -> None:
    measures = {measure.name: measure.value for measure in bundle.evidence.measures if measure.form == "model.onnx"}  # type: ignore[union-attr]
    assert measures["detection_rate"] == 1
    assert measures["false_alarm_rate"] <= 0.05
    assert measures["auc"] == 1
    assert measures["file_bytes"] < 2000
    assert (bundle.path / "report.html").is_file()


def test_a_fault_of_a_new_kind_is_one_too(bundle: Bundle, tmp_path: Path) -> None:
    found = smidgen.evaluate(bundle, str(table(tmp_path / "later.csv", [("9", "test", "fire")], seed=1)))
    assert {m.name: m.value for m in found.measures}["detection_rate"] == 1


def test_predictions_are_scores_and_alarms(bundle: Bundle, tmp_path: Path) -> None:
    now = table(tmp_path / "now.csv", [("7", "", "leak"), ("8", "", "normal")])
    predictions = smidgen.predict(bundle, [now]).predictions
    assert len(predictions) == 400
    alarms = [each.answer["alarm"] for each in predictions]
    assert alarms == [each.answer["score"] >= 1 for each in predictions]
    assert all(alarms[100:200])
    assert sum(alarms) < 115


def test_what_cannot_be_learnt_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Nothing in .* is called 'fine'"):
        load(table(tmp_path / "a.csv", GIVEN), task=TASK, normal="fine")
    with pytest.raises(DataError, match="no normal examples to learn from"):
        load(table(tmp_path / "b.csv", GIVEN), task=TASK, normal="leak")
