import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.compiler.arithmetic import (
    UNARY,
    bounds,
    channel_multipliers,
    common_multipliers,
    multiplier,
    requantize,
    rounded_shift,
    table,
)
from smidgen.compiler.functions import FUNCTIONS
from smidgen.compiler.ir import Quantization, Value

OF_CODES = UNARY.keys() - FUNCTIONS.keys()
SCALES = st.floats(2**-31, 2**29)
SUMS = st.integers(-(2**31), 2**31 - 1)


def value(scale: float, zero_point: int = 0, dtype: str = "uint8", shape: tuple[int, ...] = (4,)) -> Value:
    return Value("v", dtype, shape, Quantization((scale,), (zero_point,)))


@given(SCALES)
def test_a_multiplier_is_its_scale_to_31_bits(scale: float) -> None:
    mantissa, shift = multiplier(scale)
    assert 2**30 <= mantissa < 2**31
    assert 1 <= shift <= 62
    assert abs(Fraction(mantissa, 2**shift) / Fraction(scale) - 1) <= Fraction(1, 2**31)


@pytest.mark.parametrize("scale", [-1.0, 2.0**30, math.inf, math.nan])
def test_scales_that_no_multiplier_can_express(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        multiplier(scale)
    with pytest.raises(ValueError, match="scale"):
        common_multipliers((0.5, scale))


@given(SUMS, SCALES)
def test_requantising_rounds_to_the_nearest_and_halves_up(total: int, scale: float) -> None:
    mantissa, shift = multiplier(scale)
    assert abs(total * mantissa) + 2 ** (shift - 1) < 2**63  # int64_t suffices
    exact = Fraction(total) * Fraction(mantissa, 2**shift)
    assert int(requantize(np.array(total), mantissa, shift)) == math.floor(exact + Fraction(1, 2))


@given(SUMS, st.floats(0, 2**-33))
def test_a_scale_too_small_gives_zero_as_it_should(total: int, scale: float) -> None:
    assert int(requantize(np.array(total), *multiplier(scale))) == 0 == math.floor(total * scale + 0.5)


def test_halves_go_up_on_both_sides_of_zero() -> None:
    assert rounded_shift(np.array([-6, -5, -3, -2, -1, 1, 2, 3, 5, 6]), 2).tolist() == [-1, -1, -1, 0, 0, 0, 1, 1, 1, 2]


def test_every_channel_has_its_own_multiplier() -> None:
    weight = Value("w", "int8", (3, 5), Quantization((0.5, 0.25, 3.0), (0, 0, 0), 0))
    mantissas, shifts = channel_multipliers(value(0.5), weight, value(0.25))
    assert (mantissas / 2.0**shifts).tolist() == [1.0, 0.5, 6.0]
    assert requantize(np.array([[7, 7, 7], [-7, -7, -7]]), mantissas, shifts).tolist() == [[7, 4, 42], [-7, -3, -42]]
    one = Value("w", "int8", (3, 5), Quantization((0.5,), (0,)))
    mantissas, shifts = channel_multipliers(value(0.5), one, value(0.25), slope=0.5)
    assert (mantissas / 2.0**shifts).tolist() == [0.5] * 3


@given(st.floats(2**-20, 2**18), st.floats(2**-20, 2**18), st.integers(-255, 255), st.integers(-255, 255))
def test_sums_of_two_codes_fit_32_bits_and_are_near(first: float, second: float, a: int, b: int) -> None:
    (ma, mb), shift = common_multipliers((first, second))
    assert 1 <= shift <= 30
    assert 255 * (ma + mb) + 2 ** (shift - 1) < 2**31
    exact = a * first + b * second
    assert abs((a * ma + b * mb) / 2**shift - exact) <= 255 / 2**shift + 1e-9 * abs(exact)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("none", (0, 255)), ("leaky_relu", (0, 255)), ("relu", (10, 255)), ("relu6", (10, 130))],
)
def test_activations_clamp_codes(activation: str, expected: tuple[int, int]) -> None:
    assert bounds(activation, value(0.05, 10)) == expected


@pytest.mark.parametrize("kind", sorted(OF_CODES))
@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 131), ("int8", 3)])
def test_a_table_has_the_nearest_code_of_each_code(kind: str, dtype: str, zero_point: int) -> None:
    x, y = value(0.05, zero_point, dtype), value(0.031, zero_point, dtype)
    attributes = {"slope": 0.1, "alpha": 0.2, "beta": 0.5}
    found = table(kind, x, y, attributes)
    codes = np.arange(256) + np.iinfo(dtype).min
    assert found.dtype == dtype
    for code, result in zip(codes.tolist(), found.tolist(), strict=True):
        real = UNARY[kind](0.05 * (code - zero_point), attributes)
        clamped = min(max(real / 0.031 + zero_point, np.iinfo(dtype).min), np.iinfo(dtype).max)
        assert abs(result - clamped) <= 0.5 + 1e-9


def test_the_functions_of_tables_are_those_of_torch() -> None:
    import torch

    x = torch.linspace(-9, 9, 50, dtype=torch.float64)
    theirs = {
        "sigmoid": torch.sigmoid(x),
        "tanh": torch.tanh(x),
        "hard_swish": torch.nn.functional.hardswish(x),
        "hard_sigmoid": torch.nn.functional.hardsigmoid(x),
        "gelu": torch.nn.functional.gelu(x),
        "leaky_relu": torch.nn.functional.leaky_relu(x, 0.2),
    }
    assert theirs.keys() == OF_CODES
    for kind, expected in theirs.items():
        ours = [UNARY[kind](number, {"slope": 0.2, "alpha": 1 / 6, "beta": 0.5}) for number in x.tolist()]
        np.testing.assert_allclose(ours, expected.numpy(), atol=1e-12)
