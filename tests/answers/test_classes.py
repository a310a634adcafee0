import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.answers.classes import TEMPERATURE, Classes
from smidgen.errors import BundleError, UsageError

torch = pytest.importorskip("torch")

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
