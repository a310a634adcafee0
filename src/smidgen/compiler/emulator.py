"""Runs a firmware in qemu: its answers, the exact number of instructions of each, and the most stack it used."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import reference
from smidgen.compiler.firmware import EMULATOR, emulator_command
from smidgen.errors import MissingProgram, UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.device import Device
    from smidgen.compiler.firmware import Firmware
    from smidgen.compiler.ir import Program, Value
    from smidgen.types import Array, Arrays

LONGEST = 600  # seconds that a run may take
CLOSE = 1e-4  # floats may be as far from those of the reference executor, by their size or in all
COUNTED = re.compile(r"^(instructions|stack) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a firmware did.

    Attributes:
        outputs: by name, (n, ...).
        instructions: of each of the n inferences, exactly: a call of the model's function.
        stack_bytes: the most that the whole program had on its stack.
    """

    outputs: dict[str, Array]
    instructions: tuple[int, ...]
    stack_bytes: int


def available() -> bool:
    """Whether the emulator is installed."""
    return shutil.which(EMULATOR) is not None


def run(firmware: Firmware, device: Device, program: Program, inputs: Arrays) -> Run:
    """A batch through a firmware, one example after the other.

    Args:
        firmware: built for the device.
        device: which board stands for it.
        program: says what the firmware's inputs and outputs are.
        inputs: by name, (n, ...), of the program's types.

    Raises:
        MissingProgram: the emulator is not installed.
        UsageError: inputs that do not suit the program.
        VerificationError: the firmware faults, hangs, or does not answer each example.
    """
    if not available():
        raise MissingProgram(EMULATOR, "qemu-system-arm", f"Emulating {device.name}")
    given = rows(program, inputs)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        (folder / "firmware.elf").write_bytes(firmware.elf)
        (folder / "input.bin").write_bytes(given.tobytes())
        printed = _emulate([*emulator_command(device), "firmware.elf"], folder)
        answers = (folder / "output.bin").read_bytes()
    counted = [(word, int(count)) for word, count in COUNTED.findall(printed)]
    outputs = _arrays([program.values[name] for name in program.outputs], answers, len(given))
    instructions = tuple(count for word, count in counted if word == "instructions")
    stack = next(count for word, count in counted if word == "stack")
    return Run(outputs, instructions, stack)


def rows(program: Program, inputs: Arrays) -> Array:
    """The bytes of each example, its inputs one after the other, as a firmware reads them: (n, bytes) of uint8."""
    parts = []
    for value in (program.values[name] for name in program.inputs):
        array = inputs.get(value.name)
        if array is None or array.dtype != value.dtype or array.shape[1:] != value.shape:
            shape = ", ".join(map(str, value.shape))
            raise UsageError(f"Input {value.name!r} of the firmware is {value.dtype} of shape (batch, {shape})")
        parts.append(np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8))
    return np.concatenate(parts, axis=1)


def check(found: Run, program: Program, inputs: Arrays) -> None:
    """Compare a run with the reference executor; raises VerificationError.

    Integers must be equal; floats go through exponentials that differ from library to library.
    """
    for name, wanted in reference.run(program, inputs).items():
        given = found.outputs[name]
        same = (
            np.allclose(given, wanted, rtol=CLOSE, atol=CLOSE) if wanted.dtype.kind == "f" else (given == wanted).all()
        )
        if not same:
            raise VerificationError(
                f"The firmware computes another {name} than its program says", "This is a fault of smidgen: report it"
            )


def _emulate(command: Sequence[str], folder: Path) -> str:
    """What the program prints."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        raise VerificationError(f"The firmware does not end within {LONGEST} seconds of emulation") from None
    except OSError as error:
        raise VerificationError(f"{command[0]} cannot be run: {error}") from None
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["it says nothing"]
        raise VerificationError(f"The firmware fails in the emulator with code {done.returncode}: {last[0]}")
    return done.stdout + done.stderr


def _arrays(values: Sequence[Value], answers: bytes, count: int) -> dict[str, Array]:
    """The outputs in the bytes of a file, by name."""
    sizes = [value.bytes for value in values]
    if len(answers) != count * sum(sizes):
        raise VerificationError(
            f"The firmware gave {len(answers)} bytes, not {count * sum(sizes)}, for {count} examples"
        )
    rows = np.frombuffer(answers, np.uint8).reshape(count, -1)
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
    return {
        value.name: np.ascontiguousarray(part).view(value.dtype).reshape(count, *value.shape)
        for value, part in zip(values, parts, strict=True)
    }
