"""Kernels of ARMv7E-M, run by an emulator: the same codes as the reference executor, to the bit."""

import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import arithmetic, emit, firmware, kernels, litert
from smidgen.compiler.device import Device
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.compiler.kernels import _gather, armv7em
from smidgen.compiler.kernels._sums import Sums, sums
from smidgen.compiler.memory import EXACT
from smidgen.compiler.passes.stream import stream
from smidgen.types import Array
from tests.compiler.boards import needs_boards, needs_compiler
from tests.compiler.kernels.layers import SAME, Layers, coarse, everything, network, runs

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", "net.o")


def special(program: Program) -> list[Operation]:
    """The operations that have a form of their own here."""
    return [operation for operation in program.operations if armv7em.find(operation, *program.of(operation))]


BOARDS = {
    ("litert", "int8"): ("cortex-m4", "-O2"),
    ("litert", "uint8"): ("cortex-m7", "-Os"),
    ("onnx", "int8"): ("cortex-m33", "-O3"),
    ("onnx", "uint8"): ("cortex-m4", "-O1"),
}


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), BOARDS)
def test_layers_answer_on_every_board_as_the_reference_does(rounding: str, dtype: str) -> None:
    program = everything(rounding, dtype)
    odd = [operation for operation in program.operations if operation not in special(program)]
    assert {operation.kind for operation in odd} <= ({"sub"} if rounding == "litert" else set())
    runs(program, "armv7em", *BOARDS[rounding, dtype])


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), [("litert", "int8"), ("onnx", "uint8")])
def test_rows_in_a_stream_are_those_of_the_reference(rounding: str, dtype: str) -> None:
    made = Layers(rounding, dtype, 1)
    network(made)
    program = stream(made.program(), partial(kernels.find, "armv7em"))
    steps = [step for operation in program.operations for step in operation.attributes.get("steps", ())]
    assert {step.kind for step in steps} == {"conv2d", "max_pool2d", "add"}
    assert any(step.attributes.get("groups", 1) > 1 for step in steps)
    runs(program, "armv7em", "cortex-m4", reference=made.program())


@needs_boards
@pytest.mark.parametrize(("bits", "rounding"), [(1, "litert"), (2, "onnx"), (4, "litert")])
def test_packed_layers_answer_as_the_reference_does(bits: int, rounding: str) -> None:
    program = coarse(everything(rounding, "int8"), bits)
    text = emit.write(program, "net", "armv7em").files["net.c"]
    found = {kind: text.count(f"{kind}_packed_") for kind in ("conv2d", "dense", "depthwise_whole")}
    assert found["conv2d"] > 0
    assert found["dense"] > 0
    assert (found["depthwise_whole"] > 0) == (bits < 4)  # there are few weights, for which 4 bits save nothing
    runs(program, "armv7em", "cortex-m4")


@needs_boards
def test_packed_rows_in_a_stream_are_those_of_the_reference() -> None:
    made = Layers("litert", "int8", 1)
    network(made)
    program = coarse(made.program(), 2)
    streamed = stream(program, partial(kernels.find, "armv7em"))
    assert "depthwise_row_packed_" in emit.write(streamed, "net", "armv7em").files["net.c"]
    runs(streamed, "armv7em", "cortex-m4", reference=program)


@needs_compiler
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_c_has_no_warnings(language: str, tmp_path: Path) -> None:
    program = everything("litert", "int8")
    emit.save(emit.write(program if language == "c" else coarse(program, 2), "net", "armv7em"), tmp_path)
    own = STRICT if language == "c" else ("-x", "c++", "-std=c++11", *STRICT[1:])
    command = [firmware.COMPILER, *Device.of("cortex-m4").flags, *own, "net.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def refused(**given: Any) -> Program:
    """A convolution that is different in one way from one that has a form."""
    made = Layers("litert", "int8")
    scale = given.pop("scale", 0.02)
    made.conv2d(made.input(4, 4, 4, scale=scale), given.pop("out", 4), **given)
    return made.program()


@pytest.mark.parametrize(
    ("program", "known"),
    [
        (refused(), True),
        (refused(out=1), False),
        (refused(groups=2), False),
        (refused(activation="leaky_relu", slope=0.1), False),
        (refused(kernel=(5, 5), groups=4, padding=(2, 2, 2, 2)), True),
    ],
)
def test_what_has_no_form_is_left_to_the_portable_kernels(program: Program, known: bool) -> None:
    assert bool(special(program)) == known


def test_a_channel_is_overwritten_only_where_it_lies() -> None:
    made = Layers("litert", "int8")
    made.depthwise(made.input(4, 4, 4), **SAME)
    made.depthwise(made.input(4, 4, 4), stride=(2, 2), **SAME)
    program = made.program()
    found = [kernels.memory_of(program, "armv7em")(operation).in_place for operation in program.operations]
    assert found == [{0: EXACT}, {}]


@given(st.integers(1, 9), st.integers(1, 13))
def test_a_window_is_gathered_once_words_first(runs: int, length: int) -> None:
    order = _gather.order(runs, length)
    assert len(order) % 4 == 0
    assert sorted(order[order >= 0]) == list(range(runs * length))
    whole = order[: length // 4 * 4 * runs].reshape(-1, 4)
    assert (whole == whole[:, :1] + np.arange(4)).all()
    assert (whole[:, 0] // length == whole[:, 3] // length).all()


def test_weights_follow_the_order_in_turns() -> None:
    weights = np.arange(24, dtype=np.int8).reshape(4, 6)
    ordered = _gather.ordered(weights, 2)  # two runs of three: no whole word
    assert ordered.tolist() == np.pad(weights, ((0, 0), (0, 2))).tolist()
    turns = _gather.interleaved(ordered, 2).view(np.int8).reshape(2, 2, 2, 4)
    assert turns[1, 0].tolist() == [[12, 13, 14, 15], [18, 19, 20, 21]]


codes = st.sampled_from(["int8", "uint8"])


@st.composite
def layers(draw: st.DrawFn) -> tuple[Operation, list[Value], Value]:
    """One output channel of any scale, zero points and bias."""
    kind, rounding = draw(st.sampled_from(["conv2d", "dense"])), draw(st.sampled_from(["litert", "onnx"]))
    weights = np.array([draw(st.lists(st.integers(-127, 127).filter(bool), min_size=1, max_size=9))], np.int8)
    shape = (1, 1, 1, weights.size) if kind == "conv2d" else (1, weights.size)
    dtypes = draw(codes), draw(codes)
    zeros = [draw(st.integers(*arithmetic.limits(Value("", dtype, ())))) for dtype in dtypes]
    scale = 2.0 ** draw(st.floats(-26, 0))
    near = (draw(st.one_of(st.integers(-3, 3), st.integers(-256, 256))) + 0.5) / scale + draw(
        st.integers(-3, 3)
    )  # to where the code changes
    bias = int(min(max(near, -(2**31)), 2**31 - 1))
    x = Value("x", dtypes[0], shape[1:], Quantization((1.0,), (zeros[0],)))
    weight = Value("w", "int8", shape, Quantization((scale,), (0,)), weights.reshape(shape))
    y = Value("y", dtypes[1], shape[:1], Quantization((1.0,), (zeros[1],)))
    attributes = {"activation": draw(st.sampled_from(["none", "relu"])), "rounding": rounding}
    bias_value = Value("b", "int32", (1,), None, np.array([bias], np.int32))
    return Operation(kind, "layer", ("x", "w", "b"), ("y",), attributes), [x, weight, bias_value], y


@given(layers(), st.data())
@settings(max_examples=500, deadline=None)
def test_the_arithmetic_is_exact_wherever_it_is_offered(
    layer: tuple[Operation, list[Value], Value], data: st.DataObject
) -> None:
    operation, values, y = layer
    found = sums(*layer)
    if found is None:
        return
    x, weight, bias = values
    given_codes = st.lists(st.integers(*arithmetic.limits(x)), min_size=found.codes.size, max_size=found.codes.size)
    code = np.array(data.draw(given_codes), np.int64)
    rules = litert if operation.rounding == "litert" else arithmetic
    pairs = (
        litert.layer_multipliers(operation.kind, x, weight, y)
        if operation.rounding == "litert"
        else arithmetic.channel_multipliers(x, weight, y)
    )
    once = litert.requantize if operation.rounding == "litert" and operation.kind == "conv2d" else arithmetic.requantize
    weights, biases = (np.asarray(value.data, np.int64).reshape(-1) for value in (weight, bias))
    total = biases[0] + ((code - arithmetic.scaling(x).zero_point) * weights).sum()
    wanted = np.clip(
        int(once(total, *pairs)[0]) + arithmetic.scaling(y).zero_point,
        *rules.bounds(operation.attributes["activation"], y),
    )
    assert processor(found, code) == wanted


def processor(found: Sums, code: Array) -> int:
    """What the instructions make of codes, none of which leaves 32 bits."""

    def fits(number: int) -> int:
        assert -(2**31) <= number < 2**31
        return number

    word = int(found.biases[0])
    total = fits((word >> 5) + int((code * found.codes[0]).sum()))
    rounding = 2**31 if found.words["MULTIPLY"] == "smmlar" else 0
    scaled = fits(((total << 32) + total * int(found.multipliers[0]) + rounding) >> 32)
    if found.words["AWAY"]:
        scaled = fits(scaled + (scaled >> 31))
    narrow = fits(scaled + fits(found.zero << (word & 31))) >> (word & 31) >> 1
    return min(max(narrow, found.least), found.most)


@pytest.mark.parametrize(("bias", "known"), [(2**26 - 1, True), (2**26, False), (-(2**26), False)])
def test_a_bias_has_27_bits_beside_its_shift(bias: int, known: bool) -> None:
    x, y = (Value(name, "int8", (1,), Quantization((1.0,), (0,))) for name in "xy")
    weight = Value("w", "int8", (1, 1), Quantization((16.5 / 2**26,), (0,)), np.array([[127]], np.int8))
    start = Value("b", "int32", (1,), None, np.array([bias], np.int32))
    assert bool(sums(Operation("dense", "layer", ("x", "w", "b"), ("y",)), [x, weight, start], y)) == known
