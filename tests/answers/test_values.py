import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen.answers.values import ANSWER, Values
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.tasks.image_classification import TASK
from smidgen.types import Array, Reading

HOW = Reading(TASK)
TARGETS = np.array([[0.0], [50.0], [100.0], [150.0]], np.float32)
LEARNT = Values().learn(TARGETS)
FLOATS = st.floats(-1e6, 1e6, width=32)


def test_values_are_read_and_capped() -> None:
    answer, targets = ANSWER.prepare(TARGETS, replace(HOW, cap=125.0), "engines")
    assert targets.tolist() == [[0], [50], [100], [125]]
    assert (answer.high, answer.width) == (125, 1)
    assert answer.targets(np.array([200.0, 1.0]), "more").tolist() == [[125], [1]]
    assert ANSWER.prepare(np.zeros((5, 3), np.float32), HOW, "three")[0].width == 3


@pytest.mark.parametrize(("labels", "words"), [(["a", "b"], "is not a number"), (np.array([1.0, np.nan]), "missing")])
def test_what_is_no_value(labels: Array, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ANSWER.prepare(labels, HOW, "data")
    with pytest.raises(DataError, match="always the same"):
        Values().learn(np.ones((4, 1), np.float32))


def test_answers_are_in_units_and_in_range() -> None:
    assert LEARNT.means == (75.0,)
    raw = torch.tensor([[0.0], [1.0], [-99.0], [99.0]])
    out = LEARNT.head()(raw)
    assert out[:2, 0].tolist() == pytest.approx([75, 75 + float(TARGETS.std())])
    assert out[2:, 0].tolist() == [0, 300]  # never below 0, where training is not; not far above what was seen
    assert replace(LEARNT, high=125.0).head()(raw)[3] == 125
    assert LEARNT.decode(out.numpy())[0] == {"value": 75.0}
    assert replace(LEARNT, unit="cycles").decode(out.numpy())[0] == {"value": 75.0, "unit": "cycles"}


def test_the_metric_is_r2_and_the_loss_has_its_optimum_at_the_target() -> None:
    assert LEARNT.standing(TARGETS, TARGETS) == 1
    assert LEARNT.standing(np.full_like(TARGETS, 75), TARGETS) == pytest.approx(0, abs=1e-6)
    wanted = torch.from_numpy((TARGETS - 75) / TARGETS.std())
    for name in LEARNT.losses:
        assert LEARNT.loss(wanted, torch.from_numpy(TARGETS), name).item() == pytest.approx(0, abs=1e-6)
        assert LEARNT.loss(wanted + 1, torch.from_numpy(TARGETS), name).item() > 0.4
    with pytest.raises(UsageError, match="no loss called 'hinge'"):
        LEARNT.loss(wanted, torch.from_numpy(TARGETS), "hinge")
    assert LEARNT.imitation(wanted, wanted) == 0


def test_statistics_are_in_units() -> None:
    found = {s.name: s.of(TARGETS + 3, TARGETS) for s in LEARNT.statistics()}
    assert found == {"rmse": pytest.approx(3), "mae": pytest.approx(3)}
    assert LEARNT.same(TARGETS, TARGETS + 5).all()
    assert not LEARNT.same(TARGETS, TARGETS + 6).any()


def test_strata_are_tenths() -> None:
    strata = LEARNT.strata(np.arange(100, dtype=np.float32)[:, None])
    assert np.bincount(strata).tolist() == [10] * 10


@given(st.lists(st.tuples(FLOATS, st.floats(1e-3, 1e6)), min_size=1, max_size=5), FLOATS, st.text(max_size=5))
def test_json_and_back(pairs: list[tuple[float, float]], low: float, unit: str) -> None:
    means, deviations = (tuple(map(float, column)) for column in zip(*pairs, strict=True))
    for answer in (Values(means, deviations, low, math.inf, (), unit), Values(means, deviations)):
        assert Values.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@pytest.mark.parametrize(
    "changes", [{"means": []}, {"means": "1"}, {"deviations": [0.0]}, {"names": ["a", "b"]}, {"unit": 3}, {"low": "x"}]
)
def test_json_that_makes_no_sense(changes: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=r"answer\."):
        Values.from_json({**LEARNT.to_json(), **changes})
