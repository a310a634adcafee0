import numpy as np
import pytest

from smidgen.compiler import emit, emulator, firmware
from smidgen.compiler.device import Device
from smidgen.compiler.importers.onnx import read
from smidgen.errors import MissingProgram, UsageError, VerificationError
from smidgen.targets.c import examples
from smidgen.types import Arrays
from tests.compiler.boards import BOARDS, built, needs_boards, needs_compiler, relu, timed, written
from tests.compiler.programs import on_digits

M4 = Device.of("cortex-m4")
INPUTS = {"x0": np.array([[-128, 9, 10, 11, 127], [0, 0, 0, 0, 0]], np.int8)}


@needs_boards
@pytest.mark.parametrize("name", BOARDS)
def test_every_instruction_is_counted(name: str) -> None:
    """One more is seen as one more, wherever in a tick of the timer it falls."""
    device, lengths = Device.of(name), np.arange(128, dtype=np.int8)
    inputs = {"x0": np.repeat(lengths[:, None], 5, axis=1)}
    run = emulator.run(built(timed(), device), device, relu(), inputs)
    (extra,) = {count - length for count, length in zip(run.instructions, lengths.tolist(), strict=True)}
    assert 0 < extra < 20  # what a call takes


@needs_boards
@pytest.mark.parametrize("name", BOARDS)
def test_a_network_answers_on_every_board_as_its_program_says(name: str) -> None:
    program, device = read(on_digits("cnn")), Device.of(name)
    files = firmware.sources(emit.write(program, "digits", device.kernels), program, device)
    inputs = examples(program, 5)
    run = emulator.run(firmware.build(files, device), device, program, inputs)
    emulator.check(run, program, inputs)
    assert len(run.instructions) == 5
    assert min(run.instructions) > 10_000


@needs_boards
def test_the_stack_is_measured() -> None:
    """What a call keeps there is seen to a few bytes."""
    room = "volatile char room[%d]; room[0] = 1; room[sizeof room - 1] = 1;"
    few, many = (emulator.run(built(written(room % size), M4), M4, relu(), INPUTS).stack_bytes for size in (1000, 3000))
    assert many - few == 2000
    assert 1000 < few < 1300


@needs_boards
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("*(volatile int *)0xF0000000 = 1;", "fails in the emulator with code 99: fault 1"),
        ("return 1;", "fails in the emulator with code 2"),
    ],
)
def test_a_program_that_fails_is_one_error(body: str, what: str) -> None:
    with pytest.raises(VerificationError, match=what):
        emulator.run(built(written(body), M4), M4, relu(), INPUTS)


@needs_boards
def test_a_program_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "LONGEST", 0.5)
    with pytest.raises(VerificationError, match=r"does not end within 0\.5 seconds"):
        emulator.run(built(written("for (;;) { }"), M4), M4, relu(), INPUTS)


@needs_boards
def test_other_answers_than_the_program_says_are_found() -> None:
    run = emulator.run(built(timed(), M4), M4, relu(), INPUTS)
    with pytest.raises(VerificationError, match="another y0 than its program says"):
        emulator.check(run, relu(), INPUTS)


@needs_compiler
def test_without_the_emulator_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = built(timed(), M4)
    monkeypatch.setenv("PATH", "")
    assert not emulator.available()
    with pytest.raises(MissingProgram, match=r"needs qemu-system-arm.*apt install qemu-system-arm"):
        emulator.run(ready, M4, relu(), INPUTS)


@pytest.mark.parametrize(
    "inputs", [{}, {"x0": np.zeros((1, 5), np.uint8)}, {"x0": np.zeros((1, 6), np.int8)}, {"x0": np.zeros(5, np.int8)}]
)
def test_inputs_that_do_not_suit_are_refused(inputs: Arrays) -> None:
    with pytest.raises(UsageError, match=r"'x0' of the firmware is int8 of shape \(batch, 5\)"):
        emulator.rows(relu(), inputs)


def test_examples_lie_one_after_the_other() -> None:
    assert emulator.rows(relu(), INPUTS).tobytes() == INPUTS["x0"].tobytes()
