"""Families of rows: solved on made-up tables whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from smidgen import registry
from smidgen.compiler.network import build
from smidgen.data.load import load
from smidgen.errors import Unsupported
from smidgen.families import _rows, student
from smidgen.families._layers import parameters
from smidgen.signals.image import ImageSignal
from smidgen.signals.table import TableSignal
from smidgen.training.loop import outputs
from smidgen.types import Array, Dataset
from tests.compiler.sample import classes


def written(folder: Path, x: Array, y: Array) -> Dataset:
    path = folder / "t.csv"
    rows = [",".join(map(str, (*row.round(5).tolist(), target))) for row, target in zip(x, y.tolist(), strict=True)]
    path.write_text("\n".join([",".join([*[f"x{index}" for index in range(x.shape[1])], "target"]), *rows]))
    return load(path)


def solved(data: Dataset, family: str, size: int = 2000) -> tuple[nn.Module, Array]:
    network = build(data.signal, data.answer, family, size)
    with torch.no_grad():
        registry.find("families", family).prepare(network.body, network, data)
    return network, outputs(network, data.test, data)


def test_logistic_regression_is_that_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    dice = np.random.default_rng(0)
    x = dice.normal(size=(300, 3))
    y = np.array(["no", "yes", "maybe"])[(x @ dice.normal(size=(3, 3)) + dice.gumbel(size=(300, 3))).argmax(axis=1)]
    data = written(tmp_path, x, y)
    network = build(data.signal, data.answer, "linear", 1)
    given = _rows.lesson(network, data)
    weight, bias = _rows.solve(given, np.arange(len(given.targets)), 1.0)
    z = (given.features - given.features.mean(axis=0)) / given.features.std(axis=0)
    expected = LogisticRegression(C=1.0).fit(z, given.targets).predict_proba(z)
    found = _rows.answers(given, given.features @ weight.T + bias)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert solved(data, "linear")[1].shape == (len(data.test), 3)


def test_ridge_regression_finds_a_line(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    x = dice.uniform(-1, 1, (400, 2))
    data = written(tmp_path, x, 100 + 30 * x[:, 0] - 20 * x[:, 1] + dice.normal(size=400))
    _, answered = solved(data, "linear")
    assert data.answer.correct(answered, data.test.targets).mean() > 0.97


def test_a_student_learns_what_no_line_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student, "TREES", 10)
    monkeypatch.setattr(student, "STEPS", 300)
    dice = np.random.default_rng(2)
    x = dice.uniform(-1, 1, (500, 2))
    data = written(tmp_path, x, np.where(x[:, 0] * x[:, 1] > 0, "same", "other"))
    network, answered = solved(data, "student")
    assert data.answer.correct(answered, data.test.targets).mean() > 0.9
    assert not network.training
    assert data.answer.correct(solved(data, "linear")[1], data.test.targets).mean() < 0.75
    np.testing.assert_array_equal(solved(data, "student")[1], answered)  # a fit repeats itself


def test_a_student_of_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student, "TREES", 10)
    monkeypatch.setattr(student, "STEPS", 300)
    x = np.random.default_rng(3).uniform(-1, 1, (400, 2))
    x[::9, 1] = np.nan
    data = written(tmp_path, x, np.abs(x[:, 0]) * 10)
    assert data.answer.correct(solved(data, "student")[1], data.test.targets).mean() > 0.85
    assert data.answer.correct(solved(data, "linear")[1], data.test.targets).mean() < 0.3


def test_the_linear_model_teaches_where_truth_is_linear(tmp_path: Path) -> None:
    dice = np.random.default_rng(4)
    x = dice.normal(size=(200, 6))
    y = np.where(x.sum(axis=1) + 0.3 * dice.normal(size=200) > 0, "up", "down")
    data = written(tmp_path, x, y)
    teacher = student._teacher(_rows.lesson(build(data.signal, data.answer, "linear", 1), data))
    assert teacher.trees_share < 1


@pytest.mark.parametrize("name", ["linear", "student"])
def test_pictures_are_for_other_families(name: str) -> None:
    with pytest.raises(Unsupported, match=name):
        registry.find("families", name).build(ImageSignal(8, 8, 1), classes(3), 1000)


@pytest.mark.parametrize("name", ["student", "mlp"])
@pytest.mark.parametrize("size", [300, 2000, 20_000])
def test_the_dial_is_in_parameters(name: str, size: int) -> None:
    signal = TableSignal(tuple(f"x{index}" for index in range(20)))
    found = parameters(registry.find("families", name).build(signal, classes(3), size))
    assert 0.5 * size <= found <= size


def test_many_columns_are_not_averaged() -> None:
    signal = TableSignal(tuple(f"x{index}" for index in range(300)))
    network = registry.find("families", "mlp").build(signal, classes(3), 1000).eval()
    assert network(torch.zeros(2, 300)).shape == (2, 3)
