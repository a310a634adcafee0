import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.answers.score import FEWEST, OTHER, Score, limit
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Array, Reading, Task

TASK = Task("anomaly-detection", "series", "score", (), "", 0.5, "", "normal")


def prepared(labels: list[str], **options: object) -> tuple[Score, Array]:
    return Score.prepare(labels, Reading(TASK, **options), "here")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "normal"),
    [
        (["leak", "normal", "leak"], "normal"),
        (["leak", "OK", "leak"], "OK"),
        (["b", "a", "a"], "a"),
        (["0", "0", "1"], "0"),
    ],
)
def test_what_is_normal_is_found_by_its_name_else_by_how_common_it_is(labels: list[str], normal: str) -> None:
    answer, targets = prepared(labels)
    assert answer.names[0] == normal
    assert [answer.names[target] for target in targets] == labels


def test_the_user_says_what_is_normal() -> None:
    answer, targets = prepared(["a", "a", "b"], normal="b", false_alarms=0.05)
    assert (answer.names, targets.tolist(), answer.false_alarms) == (("b", "a"), [1, 1, 0], 0.05)
    with pytest.raises(UsageError, match="Nothing in here is called 'c'"):
        prepared(["a", "b"], normal="c")
    with pytest.raises(UsageError, match="--false-alarms 2 is no share"):
        prepared(["a", "b"], false_alarms=2.0)


def test_without_labels_all_is_normal_and_what_is_new_is_not() -> None:
    answer, targets = prepared(["normal"] * 3)
    assert answer.names == answer.classes == ("normal", OTHER)
    assert not targets.any()
    assert answer.targets(["normal", "never seen"], "there").tolist() == [0, 1]


def test_learning_takes_normal_examples_and_nothing_else() -> None:
    answer = Score()
    assert answer.learn(np.zeros(3, np.int64)) == answer
    for targets in (np.array([], np.int64), np.array([0, 1])):
        with pytest.raises(DataError, match="nothing normal to learn from"):
            answer.learn(targets)


def test_the_head_divides_by_the_threshold() -> None:
    answer = Score(threshold=4.0)
    output = answer.head()(torch.tensor([[2.0], [4.0], [8.0]])).numpy()
    assert output[:, 0].tolist() == [0.5, 1.0, 2.0]
    assert answer.decide(output).tolist() == [0, 1, 1]
    assert answer.correct(output, np.array([0, 0, 3])).tolist() == [1, 0, 1]
    assert answer.same(output, output[::-1]).tolist() == [False, True, False]
    assert answer.decode(output)[2] == {"score": 2.0, "alarm": True}
    assert answer.standing(output[:2], np.array([0, 0])) == pytest.approx(1 / 4)


def test_statistics_by_hand() -> None:
    output, target = np.array([[0.1], [1.2], [0.9], [3.0]], np.float32), np.array([0, 0, 2, 1])
    found = {statistic.name: statistic.of(output, target) for statistic in Score().statistics()}
    assert found == {"detection_rate": 0.5, "false_alarm_rate": 0.5, "auc": 0.75}
    alone = {statistic.name: statistic.of(output, np.zeros(4, int)) for statistic in Score().statistics()}
    assert alone["false_alarm_rate"] == 0.5
    assert math.isnan(alone["detection_rate"])
    assert math.isnan(alone["auc"])


def test_losses_fall_with_distances() -> None:
    near, far = torch.tensor([[0.5], [1.0]]), torch.tensor([[1.0], [2.0]])
    for name in Score.losses:
        assert Score().loss(near, torch.zeros(2), name) < Score().loss(far, torch.zeros(2), name)
    assert Score().imitation(near, near) == 0 < Score().imitation(near, far)
    with pytest.raises(UsageError, match="no loss called 'mse'"):
        Score().loss(near, torch.zeros(2), "mse")


def chi_squares(dice: np.random.Generator, count: int, likeness: float = 0.0, slow: float = 1.0) -> Array:
    """Sums of 20 squares, each a series in time: a share `slow` of its variance has neighbours alike by `likeness`."""
    drift, noise = dice.normal(size=(2, count, 20))
    for step in range(1, count):
        drift[step] = likeness * drift[step - 1] + math.sqrt(1 - likeness**2) * drift[step]
    return np.asarray(((math.sqrt(slow) * drift + math.sqrt(1 - slow) * noise) ** 2).mean(axis=1))


@pytest.mark.parametrize(
    ("count", "likeness", "slow"), [(60, 0, 0), (200, 0.8, 1), (200, 0.95, 0.7), (1000, 0, 0), (1000, 0.8, 1)]
)
def test_a_limit_keeps_the_budget_nine_times_in_ten(count: int, likeness: float, slow: float) -> None:
    dice, budget = np.random.default_rng(count), 0.01
    truth = np.sort(chi_squares(dice, 100_000, slow=0))
    above = []
    for _ in range(60):
        found = limit(chi_squares(dice, count, likeness, slow), budget)
        above.append(1 - np.searchsorted(truth, found) / len(truth))
    assert np.mean(np.array(above) <= budget) >= 0.8  # 0.9 less the chance of 60 trials
    assert np.median(above) > budget / 12  # it is no more careful than that takes


def test_a_large_budget_is_used_up() -> None:
    scores = chi_squares(np.random.default_rng(0), 5000)
    assert 0.08 < (scores > limit(scores, 0.1)).mean() < 0.1


@given(st.lists(st.floats(0, 1e6), min_size=FEWEST, max_size=60), st.floats(0.001, 0.5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_scores_have_a_limit(scores: list[float], budget: float) -> None:
    found = limit(np.array(scores), budget)
    assert math.isfinite(found)
    assert found >= 0


def test_calibration_is_in_raw_units_whatever_the_threshold_was() -> None:
    raw = chi_squares(np.random.default_rng(1), 500)[:, None]
    first = Score().calibrate(raw, np.zeros(500, int))
    again = first.calibrate(raw / first.threshold, np.zeros(500, int))
    assert again.threshold == pytest.approx(first.threshold)
    faulty = np.concatenate([raw, raw + 100])
    assert Score().calibrate(faulty, np.repeat([0, 1], 500)) == first
    assert Score().calibrate(np.zeros((50, 1)), np.zeros(50, int)).threshold > 0
    with pytest.raises(DataError, match="at least 10 normal examples"):
        Score().calibrate(raw, np.ones(500, int))


def test_json_there_and_back() -> None:
    answer = Score(("fine", "leak"), 0.02, 3.5)
    assert Score.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["normal"]},
        {"names": ["a", "a"]},
        {"names": "ab"},
        {"names": [1, 2]},
        {"false_alarms": 0.0},
        {"false_alarms": "1"},
        {"threshold": 0.0},
        {"threshold": math.inf},
        {"threshold": None},
    ],
)
def test_json_that_makes_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=r"answer\."):
        Score.from_json(Score().to_json() | change)
