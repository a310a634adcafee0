"""Kernels of Thumb instructions alone, run by an emulator: the same codes as the reference executor, to the bit."""

import subprocess
from pathlib import Path

import pytest

from smidgen.compiler import emit, firmware
from smidgen.compiler.device import Device
from smidgen.compiler.ir import Program
from smidgen.compiler.kernels import armv6m
from tests.compiler.boards import needs_boards, needs_compiler
from tests.compiler.kernels.layers import Layers, coarse, everything, runs

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", "net.o")
BOARDS = {
    ("litert", "int8"): ("cortex-m0", "-Os"),
    ("litert", "uint8"): ("cortex-m3", "-O2"),
    ("onnx", "int8"): ("cortex-m3", "-O1"),
    ("onnx", "uint8"): ("cortex-m0", "-O2"),
}


@needs_boards
@pytest.mark.parametrize(("rounding", "dtype"), BOARDS)
def test_layers_answer_on_every_board_as_the_reference_does(rounding: str, dtype: str) -> None:
    program = everything(rounding, dtype)
    assert sum(known(program)) >= 10
    runs(program, "armv6m", *BOARDS[rounding, dtype])


@needs_compiler
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_c_has_no_warnings(language: str, tmp_path: Path) -> None:
    emit.save(emit.write(everything("litert", "int8"), "net", "armv6m"), tmp_path)
    own = STRICT if language == "c" else ("-x", "c++", "-std=c++11", *STRICT[1:])
    command = [firmware.COMPILER, *Device.of("cortex-m0").flags, *own, "net.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def known(program: Program) -> list[bool]:
    """Whether each operation has a form of its own here."""
    return [armv6m.find(operation, *program.of(operation)) is not None for operation in program.operations]


def test_what_has_no_form_is_left_to_the_portable_kernels() -> None:
    made = Layers("onnx", "int8")
    x = made.input(4, 4, 4)
    made.conv2d(x, 2)
    made.conv2d(x, 1)
    made.depthwise(x, (2, 3), dilation=(1, 2), padding=(1, 2, 0, 2))
    made.conv2d(x, 4, groups=2)
    made.dense(made.input(9), 4)
    made.dense(made.input(9), 3)
    made.max_pool(x, (2, 2))
    assert known(made.program()) == [True, False, True, False, True, False, False]


@needs_boards
@pytest.mark.parametrize(("bits", "rounding"), [(1, "onnx"), (2, "litert"), (4, "onnx")])
def test_packed_layers_answer_as_the_reference_does(bits: int, rounding: str) -> None:
    program = coarse(everything(rounding, "int8"), bits)
    text = emit.write(program, "net", "armv6m").files["net.c"]
    assert min(text.count(f"{kind}_packed_") for kind in ("conv2d_pairs", "dense_fours")) > 0
    runs(program, "armv6m", "cortex-m0")


def test_steps_of_different_sizes_are_left_to_the_portable_kernels() -> None:
    made = Layers("onnx", "int8")
    made.conv2d(made.input(4, 4, 16), 8)
    assert [known(coarse(made.program(), bits)) for bits in (2, 8)] == [[True], [False]]
