import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.answers.classes import ANSWER, TEMPERATURE, Classes
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.tasks.image_classification import TASK
from smidgen.types import Reading

torch = pytest.importorskip("torch")

HOW = Reading(TASK)
ILL = Classes(("healthy", "ill"))
ANIMALS = Classes(("cat", "dog", "emu"))
LOGITS = [[2.0, 0.0, -1.0], [0.0, 1.0, 0.5]]


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in row)
    return [math.exp(value) / total for value in row]


def test_cross_entropy_is_the_mean_negative_log_probability_of_the_target() -> None:
    loss = ANIMALS.loss(torch.tensor(LOGITS), torch.tensor([0, 2]), "cross-entropy", 0.0)
    assert float(loss) == pytest.approx(-(math.log(softmax(LOGITS[0])[0]) + math.log(softmax(LOGITS[1])[2])) / 2)


def test_mse_is_between_probabilities_and_one_hot() -> None:
    loss = ANIMALS.loss(torch.tensor(LOGITS), torch.tensor([0, 2]), "mse", 0.0)
    first, second = softmax(LOGITS[0]), softmax(LOGITS[1])
    squares = [(first[0] - 1) ** 2, first[1] ** 2, first[2] ** 2, second[0] ** 2, second[1] ** 2, (second[2] - 1) ** 2]
    assert float(loss) == pytest.approx(sum(squares) / 6)


@pytest.mark.parametrize("name", Classes.losses)
def test_a_smoothed_label_is_the_soft_target_that_it_stands_for(name: str) -> None:
    raw = torch.tensor(LOGITS)
    soft = torch.full((2, 3), 0.3 / 3)
    soft[0, 0] += 0.7
    soft[1, 2] += 0.7
    smoothed = ANIMALS.loss(raw, torch.tensor([0, 2]), name, 0.3)
    assert float(smoothed) == pytest.approx(float(ANIMALS.loss(raw, soft, name, 0.0)))
    assert float(smoothed) != pytest.approx(float(ANIMALS.loss(raw, torch.tensor([0, 2]), name, 0.0)))


def test_an_unknown_loss_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="hinge"):
        ANIMALS.loss(torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64), "hinge", 0.0)


def test_imitation_is_zero_for_the_teacher_itself_and_scaled_by_the_squared_temperature() -> None:
    teacher = torch.tensor(LOGITS)
    assert float(ANIMALS.imitation(teacher, teacher)) == pytest.approx(0.0, abs=1e-6)
    student = torch.zeros(2, 3)
    soft = [softmax([value / TEMPERATURE for value in row]) for row in LOGITS]
    divergence = sum(p * math.log(p * 3) for row in soft for p in row) / 2
    assert float(ANIMALS.imitation(student, teacher)) == pytest.approx(divergence * TEMPERATURE**2)


def test_head_gives_probabilities_as_the_output_spec_says() -> None:
    output = ANIMALS.head()(torch.tensor(LOGITS)).numpy()
    assert output.shape[1:] == ANIMALS.output.shape
    assert output[0].tolist() == pytest.approx(softmax(LOGITS[0]))


def test_correct_and_decode_agree_on_the_likeliest_class() -> None:
    output = np.array([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]], np.float32)
    assert ANIMALS.correct(output, np.array([1, 2])).tolist() == [1.0, 0.0]
    decoded = ANIMALS.decode(output)
    assert [row["label"] for row in decoded] == ["dog", "cat"]
    assert decoded[0]["probability"] == pytest.approx(0.7)
    assert list(decoded[0]["probabilities"]) == ["cat", "dog", "emu"]
    json.dumps(decoded)


@given(st.lists(st.text(min_size=1), min_size=2, unique=True))
def test_json_round_trip(names: list[str]) -> None:
    answer = Classes(tuple(names))
    assert Classes.from_json(json.loads(json.dumps(answer.to_json()))) == answer


@pytest.mark.parametrize(
    "state", [{}, {"names": "ab"}, {"names": ["a"]}, {"names": ["a", "a"]}, {"names": ["a", 1]}, {"names": ["a", ""]}]
)
def test_from_json_refuses_what_makes_no_sense(state: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=r"answer\.names"):
        Classes.from_json(state)


def test_classes_are_those_that_occur_and_the_rarer_of_two_is_looked_for() -> None:
    answer, targets = ANSWER.prepare(["ham"] * 5 + ["spam"] * 3, HOW, "sms")
    assert (answer.names, answer.positive, targets.tolist()) == (("ham", "spam"), 1, [0] * 5 + [1] * 3)
    assert ANSWER.prepare(["ham"] * 3 + ["spam"] * 5, HOW, "sms")[0].positive == 0
    assert ANSWER.prepare(["ham"] * 3 + ["spam"] * 5, replace(HOW, positive="spam"), "sms")[0].positive == 1
    with pytest.raises(UsageError, match="--positive names one of two classes; sms has ham, spam"):
        ANSWER.prepare(["ham"] * 3 + ["spam"] * 5, replace(HOW, positive="eggs"), "sms")
    assert ANSWER.prepare([str(n) for n in (10, 9, 2)] * 3, HOW, "numbers")[0].names == ("2", "9", "10")
    with pytest.raises(DataError, match="does not know: eggs"):
        answer.targets(["ham", "eggs"], "more")
    with pytest.raises(DataError, match="no training examples of spam"):
        answer.learn(np.zeros(4, np.int64))
    with pytest.raises(DataError, match=r"too few examples of spam \(2\)"):
        ANSWER.prepare(["ham"] * 5 + ["spam"] * 2, HOW, "sms")


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=30))
def test_the_threshold_has_the_largest_sum_of_sensitivity_and_specificity(examples: list[tuple[int, bool]]) -> None:
    ill = np.array([index for _, index in examples], np.int64)
    scores = np.array([score / 10 for score, _ in examples], np.float32)
    output = np.stack([1 - scores, scores], axis=1)
    if len(set(ill.tolist())) < 2:
        return

    def youden(threshold: float) -> float:
        found = {s.name: s.of(output, ill) for s in replace(ILL, threshold=threshold).statistics()}
        return found["sensitivity"] + found["specificity"]

    chosen = ILL.calibrate(output, ill).threshold
    assert 0 <= chosen <= 1
    assert youden(chosen) == pytest.approx(max(youden(t / 20) for t in range(21)))


def test_statistics_of_two_classes() -> None:
    output = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    found = {s.name: s.of(output, np.array([0, 1, 1, 0])) for s in ILL.statistics()}
    assert found == {"auc": 0.75, "f1": 0.5, "sensitivity": 0.5, "specificity": 0.5}
    assert [s.name for s in ANIMALS.statistics()] == ["macro_f1"]
    assert ANIMALS.calibrate(np.eye(3), np.arange(3)) is ANIMALS
    assert ILL.same(output, output[::-1]).tolist() == [False, False, False, False]
