from dataclasses import replace

import numpy as np
import pytest

from smidgen.compiler import emulator, firmware, footprint
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.footprint import CODE_ESTIMATE, layers, measure
from smidgen.compiler.memory import Block, Plan
from smidgen.compiler.model import Model
from smidgen.errors import VerificationError
from tests.compiler.boards import needs_boards, needs_compiler, relu
from tests.compiler.programs import PLAIN, Made

INPUTS = {"x0": np.array([[-128, 9, 10, 11, 127]], np.int8)}


def model() -> Model:
    return Model("net", "net.onnx", b"", relu())


@needs_boards
def test_what_is_measured_says_so() -> None:
    found = measure(compiled(model(), Device.of("cortex-m4")), INPUTS)
    assert found.measured
    assert found.flash_bytes < 2000
    assert (found.macs, found.arena_bytes) == (0, 8)
    assert 0 < found.instructions < 1000
    assert found.milliseconds == pytest.approx(found.instructions / 84_000)
    assert [sentence.split(":")[0] for sentence in found.basis] == ["Flash", "Stack, instructions", "Time"]


@needs_compiler
def test_without_the_emulator_flash_is_measured_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "available", lambda: False)
    found = measure(compiled(model(), Device.of("cortex-m4")), INPUTS)
    assert not found.measured
    assert found.code_bytes < CODE_ESTIMATE
    assert any(sentence.startswith("Not measured: Emulating cortex-m4") for sentence in found.basis)


@needs_compiler
@pytest.mark.parametrize(("limit", "value", "what"), [("LONGEST_RUN", -1, "too long"), ("BOARDS", None, "more than")])
def test_what_is_too_large_for_the_emulator_is_estimated(
    limit: str, value: int | None, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device.of("cortex-m4")
    if value is None:
        monkeypatch.setitem(firmware.BOARDS, device.board, replace(firmware.board_of(device), ram=(0x20000000, 64)))
        device = replace(device, ram_bytes=64)
    else:
        monkeypatch.setattr(footprint, limit, value)
    found = measure(compiled(model(), device), INPUTS)
    assert not found.measured
    assert any(sentence.startswith("Not measured:") and what in sentence for sentence in found.basis)


@pytest.mark.parametrize("name", ["esp32", None])
def test_where_nothing_can_be_measured_the_rest_is_exact(name: str | None) -> None:
    made = compiled(model(), Device.of(name) if name else None)
    found = measure(made, INPUTS)
    assert found.code_bytes == CODE_ESTIMATE
    assert found.constant_bytes == made.source.flash_bytes
    assert found.arena_bytes == made.source.plan.arena_bytes
    assert (found.milliseconds is None) == (name is None)
    assert "guess" in " ".join(found.basis)


@needs_boards
def test_other_answers_than_the_model_gives_are_an_error() -> None:
    made = Made()
    made.add("tanh", [made.input("int8", (5,), 0.5, 10)], ("int8", (5,)), scale=0.01)
    wrong = compiled(Model("net", "net.onnx", b"", made.program()), Device.of("cortex-m4"))
    object.__setattr__(wrong, "model", model())
    with pytest.raises(VerificationError, match="computes another y0"):
        measure(wrong, INPUTS)


def test_a_layer_a_row_and_what_lies_over_something_counts_once() -> None:
    made = Made()
    weight, bias = made.weights((3, 2, 2, 4), codes=True)
    attributes = {**PLAIN, "padding": (0, 0, 1, 1)}
    y = made.add("conv2d", [made.input("int8"), weight, bias], ("int8", (6, 5, 3)), **attributes)
    made.add("relu", [y], ("int8", (6, 5, 3)))
    program = made.program()
    blocks = (Block("x0", 0, 0, 120, 8), Block(y, 0, 1, 90, 0), Block("y1", 1, 1, 90, 100))
    plan = Plan({}, {}, {}, blocks, 190, 190)
    first, second = layers(program, plan)
    assert (first.kind, first.shape, first.macs) == ("conv2d", (6, 5, 3), 6 * 5 * 3 * 2 * 2 * 4)
    assert first.weight_bytes == 3 * 2 * 2 * 4 + 4 * 3
    assert (first.live_bytes, second.live_bytes) == (128, 180)


def test_more_ram_streams_less() -> None:
    """With plenty nothing is done row by row; with little the arena is smaller."""
    made = Made()
    x, shape = made.input("int8", (16, 16, 4)), (16, 16, 16)
    for channels in (4, 16):
        weight, bias = made.weights((16, 3, 3, channels), codes=True)
        x = made.add("conv2d", [x, weight, bias], ("int8", shape), **{**PLAIN, "padding": (1, 1, 1, 1)})
    made.add(
        "max_pool2d", [x], ("int8", (4, 4, 16)), kernel=(4, 4), stride=(4, 4), padding=(0, 0, 0, 0), activation="none"
    )
    program = made.program()
    program.outputs = program.outputs[-1:]
    network = Model("net", "net.onnx", b"", program)
    least, plenty = compiled(network), compiled(network, ram=2**20)
    assert {operation.kind for operation in plenty.program.operations} == {"conv2d", "max_pool2d"}
    assert least.source.plan.arena_bytes < plenty.source.plan.arena_bytes
    rows = [layer.kind for layer in layers(least.program, least.source.plan)]
    assert rows == ["conv2d", "conv2d", "max_pool2d"]  # a stream is shown by its layers
