import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.compiler import _fixed_point as fixed
from smidgen.compiler import arithmetic, litert
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from tests.compiler.test_arithmetic import SCALES, SUMS, value


def away(exact: Fraction) -> int:
    """To the nearest integer, halfway away from zero."""
    size = math.floor(abs(exact) + Fraction(1, 2))
    return size if exact >= 0 else -size


@given(SUMS, SCALES)
def test_requantising_rounds_twice(total: int, scale: float) -> None:
    mantissa, shift = arithmetic.multiplier(scale)
    first = math.floor(Fraction(total * mantissa, 2 ** min(shift, 31)) + Fraction(1, 2))
    expected = away(Fraction(first, 2 ** max(0, shift - 31)))
    assert int(litert.requantize(np.array(total), mantissa, shift)) == expected


def test_rounding_twice_is_not_rounding_once() -> None:
    """0.49999999 becomes 0.5 first and 1 then."""
    total, mantissa, shift = np.array([1, -1, 3, -3]), 2**30 - 1 + 2**30, 32
    assert litert.requantize(total, mantissa, shift).tolist() == [1, -1, 2, -2]
    assert arithmetic.requantize(total, mantissa, shift).tolist() == [0, 0, 1, -1]


@given(SUMS, st.integers(1, 1000))
def test_division_rounds_halves_away_from_zero(total: int, count: int) -> None:
    exact = Fraction(total, count)
    assert int(litert.divide(np.array(total), count)) == away(exact)


@given(st.floats(1e-4, 10), st.floats(1e-4, 10), st.integers(1, 5000))
def test_a_mean_is_scaled_by_its_count(x: float, y: float, count: int) -> None:
    mantissa, shift = litert.mean_multiplier(value(x), value(y), count)
    assert 0 < mantissa < 2**31
    assert mantissa / 2.0**shift * count == pytest.approx(x / y, rel=1e-6)


@given(st.integers(-31 * 2**26, 0))
def test_exp_in_fixed_point(x: int) -> None:
    found = int(fixed.exp(np.array([x]))[0])
    assert found / 2**31 == pytest.approx(math.exp(x / 2**26), abs=1e-6)


@given(st.integers(0, 2**31 - 1))
def test_reciprocal_in_fixed_point(x: int) -> None:
    found = int(fixed.reciprocal(np.array([x]))[0])
    assert found / 2**31 == pytest.approx(1 / (1 + x / 2**31), abs=1e-8)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=40), st.floats(1e-4, 1))
def test_softmax_is_that_of_the_real_numbers(codes: list[int], scale: float) -> None:
    x = value(scale, 0, "int8")
    real = np.exp(scale * (np.array(codes) - max(codes)))
    expected = real / real.sum() * 256 - 128
    assert np.abs(litert.softmax(np.array(codes, np.int8), x) - np.minimum(expected, 127)).max() < 1


@pytest.mark.parametrize("kind", litert.UNARY)
def test_tables_are_close_to_the_functions(kind: str) -> None:
    given = {"slope": 0.1} if kind == "leaky_relu" else {}
    x, y = value(0.05, 5, "int8"), value(0.03, -20, "int8")
    found = litert.table(kind, x, y, given).astype(int)
    assert np.abs(found - arithmetic.table(kind, x, y, given)).max() <= 1


def test_bounds_of_activations() -> None:
    y = value(0.05, -100, "int8")
    assert litert.bounds("none", y) == (-128, 127)
    assert litert.bounds("relu", y) == (-100, 127)
    assert litert.bounds("relu6", y) == (-100, 20)


def test_quantising_rounds_halves_away_from_zero() -> None:
    x = np.array([0.5, -0.5, 1.5, -2.5, 0.49999997, np.nan], np.float32)
    assert litert.quantize(x, value(1.0, 3)).tolist() == [4, 2, 5, 0, 3, 3]


def operation(kind: str, x: Value, y: Value, *others: Value) -> tuple[Program, Operation]:
    values = {one.name: one for one in (x, y, *others)}
    step = Operation(kind, kind, (x.name, *(one.name for one in others)), (y.name,))
    return Program(values, [step], (x.name,), (y.name,), "litert"), step


def test_sums_that_do_not_fit_are_refused() -> None:
    x, y = replace(value(0.1, 0, "int8", (9,)), name="x"), replace(value(0.1, 0, "int8", (1,)), name="y")
    data = np.full((1, 9), 127, np.int8)
    weight = Value("w", "int8", data.shape, Quantization((0.1,), (0,)), data)
    bias = Value("b", "int32", (1,), None, np.array([2**31 - 9 * 127 * 128], np.int32))
    with pytest.raises(ValueError, match="32 bits"):
        litert.check(*operation("dense", x, y, weight, bias))
    litert.check(*operation("dense", x, y, weight, replace(bias, data=np.array([99], np.int32))))
    with pytest.raises(ValueError, match="scale"):
        litert.check(*operation("requantize", replace(x, quantization=Quantization((1e30,), (0,))), y))
    with pytest.raises(ValueError, match="32 bits"):
        litert.check(*operation("mean", replace(x, shape=(2**24,)), y))


def test_operations_say_how_they_round() -> None:
    program, step = operation("relu", value(1.0), replace(value(1.0), name="y"))
    assert step.rounding == "onnx"
    assert program.operations[0].rounding == "litert"
    assert replace(program, rounding="onnx").operations[0].rounding == "onnx"
