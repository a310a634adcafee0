"""No input leads outside of a range, and ranges are no wider than they must be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import reference
from smidgen.compiler.ir import Operation, Program, Value
from smidgen.compiler.passes.ranges import Range, ranges, sums, windows
from tests.compiler.passes.test_constant_channels import ROUNDINGS, extremes, saturated
from tests.compiler.programs import PLAIN, Made, any_program, every_operation


def assert_inside(program: Program) -> None:
    x = extremes(program)
    arrays, found = reference.trace(program, x), ranges(program)
    assert found.keys() == {name for name in arrays if program.values[name].quantization}
    for name, known in found.items():
        rows = arrays[name].reshape(-1, *program.values[name].shape[-1:]).astype(int)
        assert (rows.min(0) >= known.low).all(), name
        assert (rows.max(0) <= known.high).all(), name


@settings(max_examples=40)
@given(st.integers(0, 2**32))
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_no_input_leads_outside(rounding: str, seed: int) -> None:
    assert_inside(saturated(seed, rounding))


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_no_input_leads_outside_of_mixed_operations(seed: int) -> None:
    assert_inside(any_program(seed))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_every_operation_has_a_range(dtype: str) -> None:
    assert_inside(every_operation(dtype))


def test_the_range_of_one_layer_is_reached() -> None:
    """Each bound is the code of an input, which has the least or greatest code for each weight by its sign."""
    made = Made()
    x = made.input("int8", (6, 5, 3))
    y = made.add("conv2d", [x, *made.weights((4, 6, 5, 3), codes=True)], ("int8", (1, 1, 4)), **PLAIN, scale=2.0)
    program = made.program()
    weight = program.values[program.operations[0].inputs[1]].data
    assert weight is not None
    ends = np.stack([np.where(weight > 0, 127, -128), np.where(weight > 0, -128, 127)]).astype(np.int8)
    codes = reference.run(program, {x: ends.reshape(8, 6, 5, 3)})[y].reshape(2, 4, 4)
    found = ranges(program)[y]
    np.testing.assert_array_equal(codes[0].diagonal(), found.high)
    np.testing.assert_array_equal(codes[1].diagonal(), found.low)


def test_sums_of_groups_read_their_own_channels() -> None:
    made = Made()
    x, weight = made.input("uint8", (1, 1, 4), zero_point=0), made.constant(np.ones((2, 1, 1, 2), np.int8), (0.1, 0.1))
    made.add("conv2d", [x, weight, ""], ("uint8", (1, 1, 2)), **{**PLAIN, "groups": 2})
    program = made.program()
    found = sums(program, program.operations[0], Range(np.array([1, 2, 3, 4]), np.array([10, 20, 30, 40])))
    assert (found.low.tolist(), found.high.tolist()) == ([3, 7], [30, 70])


def test_functions_that_turn_are_looked_at_everywhere() -> None:
    """hard_swish falls before it rises: its least value lies within the range."""
    made = Made()
    y = made.add("hard_swish", [made.input("int8", (2,), scale=0.05, zero_point=0)], ("int8", (2,)), scale=0.02)
    found = ranges(made.program())[y]
    assert found.low.tolist() == [-7 - 19, -7 - 19]  # -0.375 / 0.02, at -1.5


def test_windows_are_those_of_the_corners_the_edges_and_the_middle() -> None:
    x, weight = Value("x", "int8", (5, 4, 1)), Value("w", "int8", (1, 3, 3, 1))

    def seen(**given: object) -> int:
        return len(windows(Operation("conv2d", "", (), (), {**PLAIN, **given}), x, weight))

    assert seen() == 1
    assert seen(padding=(1, 1, 1, 1)) == 9
    assert seen(padding=(1, 0, 0, 0)) == 2
    assert (
        seen(padding=(1, 1, 1, 1), stride=(2, 4)) == 3
    )  # of the rows the first, middle, last; of the columns the first
    assert windows(Operation("dense", "", (), ()), x, weight).tolist() == [True]


def test_an_unknown_operation_gives_all_codes() -> None:
    made = Made()
    x = made.input("int8", (3,))
    y = made.add("softmax", [x], ("int8", (3,)))
    found = ranges(replace(made.program(), outputs=(y,)))[y]
    assert (found.low.tolist(), found.high.tolist()) == ([-128] * 3, [127] * 3)
