from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.report import scores

if TYPE_CHECKING:
    from smidgen.types import Array

metrics = pytest.importorskip("sklearn.metrics")


def noisy(n: int = 300, seed: int = 0) -> tuple[Array, Array]:
    """Scores with ties, and what is positive."""
    dice = np.random.default_rng(seed)
    positive = dice.random(n) < 0.3
    return np.round(positive + dice.normal(0, 1, n), 1), positive


def test_area_and_curve_are_those_of_scikit_learn() -> None:
    score, positive = noisy()
    area, low, high = scores.auc(score, positive)
    assert area == pytest.approx(metrics.roc_auc_score(positive, score))
    assert low < area < high
    false, true = scores.roc(score, positive)
    expected_false, expected_true, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(false, expected_false)
    np.testing.assert_allclose(true, expected_true)


def test_the_interval_of_the_area_holds_the_truth_as_often_as_it_says() -> None:
    truth = 0.5 * (1 + math.erf(1 / 2))  # of two normal distributions one deviation apart
    held = [low <= truth <= high for seed in range(300) for _, low, high in [scores.auc(*made(seed))]]
    assert 0.91 < np.mean(held) < 0.98


def made(seed: int) -> tuple[Array, Array]:
    dice = np.random.default_rng(seed)
    positive = np.arange(120) < 50
    return positive + dice.normal(0, 1, 120), positive


def test_a_perfect_order_has_no_variance() -> None:
    assert scores.auc(np.array([1.0, 2, 3, 4]), np.array([False, False, True, True])) == (1, 1, 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.floats(0, 1))
def test_decisions_and_bins_count_everybody_once(pairs: list[tuple[float, bool]], threshold: float) -> None:
    score, positive = np.array([s for s, _ in pairs]), np.array([p for _, p in pairs])
    made = scores.decisions(score, positive, threshold)
    assert made.found.n + made.spared.n == made.right_yes.n + made.right_no.n == len(pairs)
    assert made.found.hits == made.right_yes.hits
    assert made.spared.hits == made.right_no.hits
    found = scores.bins(score, positive)
    assert sum(each.rate.n for each in found) == len(pairs)
    assert sum(each.rate.hits for each in found) == positive.sum()
    assert all(each.rate.low <= each.rate.share <= each.rate.high for each in found)


def test_predictive_values_are_those_of_scikit_learn() -> None:
    score, positive = noisy()
    made = scores.decisions(score, positive, 0.5)
    assert made.right_yes.share == pytest.approx(metrics.precision_score(positive, score >= 0.5))
    assert made.found.share == pytest.approx(metrics.recall_score(positive, score >= 0.5))
    assert math.isnan(scores.Rate(0, 0).share)


def test_bins_follow_scikit_learn() -> None:
    dice = np.random.default_rng(3)
    chance = dice.random(500)
    positive = dice.random(500) < chance
    calibration = pytest.importorskip("sklearn.calibration")
    rate, mean = calibration.calibration_curve(positive, chance, n_bins=10)
    found = scores.bins(chance, positive)
    np.testing.assert_allclose([each.rate.share for each in found], rate)
    np.testing.assert_allclose([each.mean for each in found], mean)
