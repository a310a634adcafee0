"""Kernels of Helium, run by an emulator: the same codes as the reference executor, to the bit."""

import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from smidgen.compiler import emit, emulator, firmware, kernels
from smidgen.compiler.device import Device
from smidgen.compiler.ir import Program
from smidgen.compiler.kernels import mve
from smidgen.compiler.passes.stream import stream
from tests.compiler.boards import needs_boards, needs_compiler
from tests.compiler.kernels.layers import SAME, Layers, everything, network, runs

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", "net.o")
LEVELS = {("litert", "int8"): "-O2", ("litert", "uint8"): "-Os", ("onnx", "int8"): "-O3", ("onnx", "uint8"): "-O1"}
M55 = Device.of("cortex-m55")


def own(program: Program) -> list[bool]:
    """Whether each operation has a form that needs vectors."""
    found = (mve.find(operation, *program.of(operation)) for operation in program.operations)
    return [".mve." in type(form).__module__ for form in found]


def test_a_cortex_m55_gets_them() -> None:
    assert M55.kernels == "mve"


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), LEVELS)
def test_layers_answer_as_the_reference_does(rounding: str, dtype: str) -> None:
    program = everything(rounding, dtype)
    assert sum(own(program)) >= 15
    runs(program, "mve", "cortex-m55", LEVELS[rounding, dtype])


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), [("litert", "int8"), ("onnx", "uint8")])
def test_rows_in_a_stream_are_those_of_the_reference(rounding: str, dtype: str) -> None:
    made = Layers(rounding, dtype, 1)
    network(made)
    program = stream(made.program(), partial(kernels.find, "mve"))
    steps = [step for operation in program.operations for step in operation.attributes.get("steps", ())]
    assert {step.kind for step in steps} >= {"conv2d", "max_pool2d", "add"}
    runs(program, "mve", "cortex-m55", reference=made.program())


def of_any_size(rounding: str, dtype: str, seed: int) -> Program:
    """Layers whose channels, windows, strides, holes and padding are thrown."""
    made = Layers(rounding, dtype, seed)
    for number in range(14):
        rows, columns, deep, out = (int(made.dice.integers(1, most)) for most in (5, 6, 40, 24))
        stride, dilation = ((int(made.dice.integers(1, 4)), int(made.dice.integers(1, 4))) for _ in range(2))
        extent = (rows - 1) * dilation[0] + 1, (columns - 1) * dilation[1] + 1
        x = made.input(*(size + int(made.dice.integers(0, 9)) for size in extent), deep)
        padding = tuple(int(size) for size in made.dice.integers(0, 4, 4))
        activation = str(made.dice.choice(["none", "relu", "relu6"]))
        words = {"stride": stride, "dilation": dilation, "padding": padding, "activation": activation}
        if number % 2 and deep > 1:
            made.depthwise(x, (rows, columns), **words)
        else:
            made.conv2d(x, out + 4, (rows, columns), **words)
        made.dense(made.input(int(made.dice.integers(1, 70))), out + 4, activation=activation)
        made.add(*(made.input(out, scale=float(made.dice.uniform(0.01, 0.05))) for _ in "ab"), activation=activation)
    return made.program()


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), LEVELS)
def test_layers_of_any_size_answer_as_the_reference_does(rounding: str, dtype: str) -> None:
    program = of_any_size(rounding, dtype, seed=2)
    assert sum(own(program)) >= 35
    runs(program, "mve", "cortex-m55")


@needs_boards
@pytest.mark.parametrize(
    ("rounding", "scales"), [("litert", (0.02, 0.02)), ("litert", (0.02, 0.0201)), ("onnx", (1, 9))]
)
def test_all_pairs_of_codes_have_their_sum(rounding: str, scales: tuple[float, float]) -> None:
    made = Layers(rounding, "int8")
    a, b = (made.input(256, 256, scale=scale) for scale in scales)
    made.add(a, b, scale=1.7 * max(scales), zero=3)
    program = made.program()
    codes = np.arange(-128, 128, dtype=np.int8)
    given = dict(zip((a, b), (part[None] for part in np.meshgrid(codes, codes)), strict=True))
    files = firmware.sources(emit.write(program, "net", "mve"), program, M55, limited=False)
    emulator.check(emulator.run(firmware.build(files, M55), M55, program, given), program, given)


@needs_compiler
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_c_has_no_warnings(language: str, tmp_path: Path) -> None:
    emit.save(emit.write(everything("litert", "int8"), "net", "mve"), tmp_path)
    flags = STRICT if language == "c" else ("-x", "c++", "-std=c++11", *STRICT[1:])
    command = [firmware.COMPILER, *M55.flags, *flags, "net.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_compiler
def test_another_core_is_refused_when_it_is_compiled(tmp_path: Path) -> None:
    emit.save(emit.write(everything("litert", "int8"), "net", "mve"), tmp_path)
    command = [firmware.COMPILER, *Device.of("cortex-m4").flags, "-fsyntax-only", "net.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "This is for an Arm core with Helium" in done.stderr


def depthwise(weights: list[int]) -> Program:
    """One channel pair of a depthwise convolution with a window of one row."""
    made = Layers("litert", "int8")
    made.depthwise(made.input(1, len(weights), 2), (1, len(weights)), zero=0)
    (operation,) = made.operations
    value = made.values[operation.inputs[1]]
    data = np.array([weights, weights], np.int8).reshape(value.shape)
    made.values[value.name] = replace(value, data=data)
    return made.program()


@pytest.mark.parametrize(
    ("weights", "known"), [([127, -128, 5], True), ([-128, -128, 5], False), ([5, -128, -128], True)]
)
def test_two_products_fit_16_bits(weights: list[int], known: bool) -> None:
    assert own(depthwise(weights)) == [known]


@needs_boards
def test_the_largest_products_of_16_bits_are_right() -> None:
    program = depthwise([127, -128, -128, 127, -127])
    (x,) = program.inputs
    ends = np.array([-128, 127], np.int8)
    codes = ends[np.random.default_rng(0).integers(0, 2, (64, *program.values[x].shape))]
    given = {x: np.concatenate([codes, np.full_like(codes[:1], -128)])}
    files = firmware.sources(emit.write(program, "net", "mve"), program, M55, limited=False)
    emulator.check(emulator.run(firmware.build(files, M55), M55, program, given), program, given)


def test_what_has_no_form_here_has_that_of_smaller_cores() -> None:
    made = Layers("onnx", "int8")
    made.conv2d(made.input(4, 4, 4), 3)
    made.max_pool(made.input(4, 4, 8), (2, 2))
    made.conv2d(made.input(4, 4, 4), 4, activation="leaky_relu", slope=0.1)
    made.depthwise(made.input(4, 4, 4), **SAME)
    program = made.program()
    found = [mve.find(operation, *program.of(operation)) for operation in program.operations]
    assert [form and type(form).__module__.split(".")[3] for form in found] == ["armv7em", "armv7em", None, "mve"]
