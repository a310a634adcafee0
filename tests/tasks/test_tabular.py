"""The tasks on tables: their samples, and the numbers of a clinical report against scikit-learn's."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

import smidgen
from smidgen import registry
from smidgen.bundle import Bundle
from smidgen.data.load import load
from smidgen.verbs.predict import Predictions

if TYPE_CHECKING:
    from smidgen.answers.classes import Classes
    from smidgen.signals.table import TableSignal

NAMES = ("tabular-classification", "tabular-regression")


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_taken_for_its_task(name: str) -> None:
    task = registry.find("tasks", name).TASK
    assert load(task.sample).how.task is task


def test_every_sample_of_a_table_says_what_it_is() -> None:
    shapes = {"breast-cancer": (30, 569), "diabetes": (10, 442), "wine": (13, 178), "generated-fraud": (7, 20_000)}
    for name, (columns, rows) in shapes.items():
        sample = registry.find("samples", name).SAMPLE
        listed = sample.listing(name)
        assert (len(listed.content.names) - 1, len(listed.content)) == (columns, rows)
        assert ("generated" in sample.about) == name.startswith("generated")
        assert f"{rows:,}" in sample.about


def test_a_clinical_report_has_the_numbers_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn import metrics

    bundle = smidgen.fit("breast-cancer", out=tmp_path / "model", family="linear")
    assert isinstance(bundle, Bundle)
    assert bundle.evidence is not None
    measures = {one.name: one for one in bundle.evidence.measures if one.form == "model.onnx"}
    data, answer = load("breast-cancer"), cast("Classes", bundle.answer)
    raw = data.test.inputs[np.arange(len(data.test))]
    odds = bundle.runner()({"row": raw})["probabilities"][:, answer.positive]
    ill = data.test.targets == answer.positive
    assert answer.names[answer.positive] == "malignant"
    assert measures["auc"].value == pytest.approx(metrics.roc_auc_score(ill, odds))
    assert measures["f1"].value == pytest.approx(metrics.f1_score(ill, odds > 0.5))
    act = odds >= answer.threshold
    assert measures["sensitivity"].value == pytest.approx(metrics.recall_score(ill, act))
    assert measures["specificity"].value == pytest.approx(metrics.recall_score(~ill, ~act))
    assert measures["auc"].low <= measures["auc"].value <= measures["auc"].high
    assert measures["accuracy"].value > 0.93
    assert measures["file_bytes"].value <= 4096
    rows = ["note," + ",".join(cast("TableSignal", data.signal).columns), "new," + ",".join(map(str, raw[0].tolist()))]
    (tmp_path / "new.csv").write_text("\n".join(rows), encoding="utf-8")
    found = smidgen.predict(bundle, [str(tmp_path / "new.csv")])
    assert isinstance(found, Predictions)
    assert found.predictions[0].answer["probabilities"]["malignant"] == pytest.approx(float(odds[0]), abs=1e-6)
