import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen import evidence
from smidgen.answers.classes import Classes
from smidgen.errors import BundleError, DataError
from smidgen.evidence import Evidence, paired_difference, wilson
from smidgen.types import Array, Arrays, Part, TensorSpec

ANIMALS = Classes(("cat", "dog", "emu"))
# Five examples, whose output is their own input.
OUTPUT = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.5, 0.2], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]], np.float32)
TARGET = np.array([0, 1, 0, 2, 0])


class Echo:
    """A model that gives back its input."""

    form = "echo"

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        return {"probabilities": inputs["x"]}


class Raw:
    """A signal of three numbers."""

    input = TensorSpec("x", "float32", (3,))


class Memory:
    """An array as a Store."""

    def __init__(self, array: Array) -> None:
        self.array, self.shape, self.dtype = array, array.shape[1:], str(array.dtype)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: Array) -> Array:
        return np.asarray(self.array[indices])


def score(output: Array = OUTPUT, target: Array = TARGET) -> evidence.Evaluation:
    part = Part(Memory(output), target, [str(index) for index in range(len(target))])
    return evidence.evaluate(Echo(), part, Raw(), ANIMALS)  # type: ignore[arg-type]


def table(both: int, first: int, second: int, neither: int) -> tuple[Array, Array]:
    """Correctness of two forms: both right, only the first, only the second, neither."""
    counts = (both, first, second, neither)
    return np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)


def test_wilson_against_published_values() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_within_bounds(case: tuple[int, int]) -> None:
    low, high = wilson(*case)
    assert 0 <= low <= case[0] / case[1] <= high <= 1
    assert low < high


def test_paired_difference_against_published_values() -> None:
    # Altman et al. 2000, Statistics with Confidence, table 6.2; and Newcombe 1998, 17:2635-2650, table II.
    second, first = table(14, 5, 0, 22)
    assert paired_difference(first, second) == pytest.approx((0.1220, 0.0115, 0.2265), abs=5e-5)
    second, first = table(36, 12, 2, 0)
    assert paired_difference(first, second) == pytest.approx((0.2000, 0.0569, 0.3404), abs=5e-5)


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_paired_difference_turns_around_with_its_arguments(counts: tuple[int, int, int, int]) -> None:
    first, second = table(*counts)
    difference, low, high = paired_difference(first, second)
    assert difference == pytest.approx(second.mean() - first.mean())
    assert low <= difference <= high
    assert paired_difference(second, first) == pytest.approx((-difference, -high, -low))


def test_evaluate_scores_every_example() -> None:
    result = score()
    accuracy, macro_f1, calibration = result.measures
    assert (accuracy.name, accuracy.value, accuracy.n, accuracy.form) == ("accuracy", 0.8, 5, "echo")
    assert (accuracy.low, accuracy.high) == wilson(4, 5)
    assert macro_f1.value == pytest.approx((2 * 2 / 5 + 2 / 3 + 1) / 3)
    assert macro_f1.low <= macro_f1.value <= macro_f1.high
    assert result.confusion == ((2, 1, 0), (0, 1, 0), (0, 0, 1))
    assert calibration.value == pytest.approx((3 * 0.2 + 0.5 + 0.4) / 5)


def test_class_scores() -> None:
    cat, dog, emu = score().per_class
    assert [cat.n, cat.precision, cat.recall] == [3, 1.0, pytest.approx(2 / 3)]
    assert (cat.low, cat.high) == wilson(2, 3)
    assert [dog.precision, dog.recall, dog.f1] == [0.5, 1.0, pytest.approx(2 / 3)]
    assert emu.f1 == 1.0


def test_a_class_without_examples_scores_zero_and_knows_nothing() -> None:
    emu = score(OUTPUT[:3], TARGET[:3]).per_class[2]
    assert (emu.n, emu.precision, emu.recall, emu.f1) == (0, 0.0, 0.0, 0.0)
    assert (emu.low, emu.high) == (0.0, 1.0)


def test_calibration_error_is_zero_where_confidence_tells_the_truth() -> None:
    sure = np.array([[0.75, 0.25]] * 4)
    assert evidence.calibration_error(sure, np.array([1, 1, 1, 0])) == pytest.approx(0.0)
    assert evidence.calibration_error(sure, np.array([0, 0, 0, 0])) == pytest.approx(0.75)


def test_evaluate_refuses_an_empty_part() -> None:
    with pytest.raises(DataError, match="no examples"):
        score(OUTPUT[:0], TARGET[:0])


def test_compare_counts_changed_decisions_and_the_cost_in_accuracy() -> None:
    changed = OUTPUT.copy()
    changed[0] = [0.1, 0.8, 0.1]
    difference, agreement = evidence.compare(score(), score(changed), ANIMALS)
    assert difference.name == "accuracy_difference"
    assert difference.value == pytest.approx(-0.2)
    assert difference.low < -0.2 < difference.high
    assert (agreement.name, agreement.value) == ("agreement", 0.8)


def test_latency_repeats_and_orders_its_percentiles() -> None:
    measure = evidence.measure_latency(Echo(), Raw(), seconds=0.0, least=7)  # type: ignore[arg-type]
    assert measure.n == 7
    assert 0 < measure.low <= measure.value <= measure.high


def record() -> Evidence:
    result = score()
    size = evidence.exact("file_bytes", 1234, "bytes", "model.onnx")
    return Evidence(
        measures=(*result.measures, size),
        data_fingerprint="abc",
        seeds=(0, 1),
        comparison=evidence.compare(result, result, ANIMALS),
        confusion=result.confusion,
        per_class=result.per_class,
    )


def test_evidence_survives_json() -> None:
    before = record()
    assert Evidence.from_json(json.loads(json.dumps(before.to_json()))) == before


def test_find_by_name_and_form() -> None:
    size = record().find("file_bytes")
    assert size is not None
    assert size.value == 1234
    assert record().find("file_bytes", "float") is None
    assert record().find("agreement") is not None


def test_host_names_the_machine_and_the_libraries() -> None:
    machine = evidence.host()
    assert machine["cpu"]
    assert machine["cores"] >= 1
    assert {"python", "numpy"} <= machine.keys()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda state: state.pop("seeds"), "seeds"),
        (lambda state: state.update(schema=99), "schema"),
        (lambda state: state.update(schema=True), "schema"),
        (lambda state: state.update(measures={}), "measures"),
        (lambda state: state["measures"][0].update(value="high"), "value"),
        (lambda state: state["measures"][0].update(value=float("inf")), "value"),
        (lambda state: state.update(confusion=[[0.5]]), "confusion"),
        (lambda state: state["per_class"][0].pop("recall"), "recall"),
    ],
)
def test_from_json_names_the_field_that_makes_no_sense(damage: Callable[[dict[str, Any]], object], named: str) -> None:
    state = json.loads(json.dumps(record().to_json()))
    damage(state)
    with pytest.raises(BundleError, match=named):
        Evidence.from_json(state)
    with pytest.raises(BundleError):
        Evidence.from_json([state])


def test_whole_numbers_will_do_for_floats() -> None:
    state = json.loads(json.dumps(record().to_json()))
    state["measures"][0]["value"] = 1
    assert Evidence.from_json(state).measures[0] == replace(record().measures[0], value=1.0)
