"""What a compiled model takes: flash, RAM and time, measured where there are tools for it, and layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import emulator, firmware
from smidgen.compiler.compilation import BESIDE
from smidgen.compiler.ir import RECURRENT
from smidgen.compiler.kernels import PORTABLE
from smidgen.errors import BudgetError, MissingProgram

if TYPE_CHECKING:
    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.device import Device
    from smidgen.compiler.ir import Operation, Program
    from smidgen.compiler.memory import Plan
    from smidgen.types import Arrays

# Where nothing can be built, in bytes: kernels; startup, main and libraries; about as on a Cortex-M4.
CODE_ESTIMATE, REST_ESTIMATE = 4096, 2560
LONGEST_RUN = 5e9  # instructions, of an inference that is emulated: a minute or two
# Instructions an inference takes for each multiply-accumulate, for devices that are not emulated: on networks for
# microcontrollers, as `benchmarks/compiler` measures them.
PER_MAC = {PORTABLE: 9.0, "armv6m": 9.0, "armv7em": 1.4, "mve": 0.5, "simd128": 0.5, "neon": 0.2, "avx2": 0.2}


@dataclass(frozen=True)
class Layer:
    """One operation of a program.

    Attributes:
        kind: of the operation.
        name: as the file has it.
        shape: of its output.
        macs: multiply-accumulates.
        weight_bytes: constants that it reads, biases among them, as the network has them.
        live_bytes: of the arena that is in use while it runs.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    macs: int
    weight_bytes: int
    live_bytes: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """What is counted, in order."""
        return self.macs, self.weight_bytes, self.live_bytes


@dataclass(frozen=True)
class Footprint:
    """What a model takes on a device.

    Attributes:
        code_bytes: of the model.
        constant_bytes: weights, tables, descriptions of layers.
        rest_bytes: in flash: startup, main and libraries.
        arena_bytes: all values, inputs and outputs among them.
        variable_bytes: further variables of the program.
        stack_bytes: the most that was used.
        macs: multiply-accumulates of an inference.
        instructions: of an inference.
        milliseconds: of an inference at one instruction a clock cycle; None where no device is named.
        measured: whether all of it was; else some of it is a guess.
        basis: how this was found, in sentences.
    """

    code_bytes: int
    constant_bytes: int
    rest_bytes: int
    arena_bytes: int
    variable_bytes: int
    stack_bytes: int
    macs: int
    instructions: int
    milliseconds: float | None
    measured: bool
    basis: tuple[str, ...]

    @property
    def flash_bytes(self) -> int:
        """All of the image."""
        return self.code_bytes + self.constant_bytes + self.rest_bytes

    @property
    def ram_bytes(self) -> int:
        """All that is needed while it runs."""
        return self.arena_bytes + self.variable_bytes + self.stack_bytes


def layers(program: Program, plan: Plan) -> list[Layer]:
    """The operations in order of execution; a stream of several has a row for each."""
    rows = []
    for step, operation in enumerate(program.operations):
        live = _live(plan, step)
        rows += [_layer(program, inner, live) for inner in operation.attributes.get("steps", (operation,))]
    return rows


def _layer(program: Program, operation: Operation, live: int) -> Layer:
    given, (wanted, *_) = program.of(operation)
    weights = sum(value.bytes for value in given if value is not None and value.data is not None)
    return Layer(operation.kind, operation.name, wanted.shape, multiply_adds(program, operation), weights, live)


def multiply_adds(program: Program, operation: Operation) -> int:
    """The multiply-accumulates of an operation that multiplies matrices; 0 of others."""
    given, (wanted, *_) = program.of(operation)
    if operation.kind in ("conv2d", "dense") and given[1] is not None:
        return given[1].count * (wanted.count // wanted.shape[-1])
    if operation.kind in RECURRENT and given[0] is not None:
        return given[0].shape[0] * sum(value.count for value in given[1:3] if value is not None)
    if operation.kind == "band_powers" and given[1] is not None:  # about: a fast transform of each frame
        size = given[1].count
        return wanted.count // wanted.shape[-1] * 4 * size * size.bit_length()
    return wanted.count * given[0].shape[-1] if operation.kind == "matmul" and given[0] is not None else 0


def _live(plan: Plan, step: int) -> int:
    """Bytes of the arena that a step uses; what lies over something else counts once."""
    used = np.zeros(plan.arena_bytes, bool)
    for block in plan.blocks:
        if block.first <= step <= block.last:
            used[block.offset : block.offset + block.bytes] = True
    return int(used.sum())


def measure(made: Compilation, inputs: Arrays) -> Footprint:
    """What a compilation takes on its device; where a tool is missing the basis says so, and what was assumed.

    Args:
        made: a model for a device.
        inputs: what to run it on, by name, (n, ...).

    Raises:
        VerificationError: it answers otherwise under emulation than its program says.
    """
    basis: list[str] = []
    plan, device = made.source.plan, made.device
    macs = sum(layer.macs for layer in layers(made.program, plan))
    size, run = _measured(made, macs, inputs, basis)
    if size is None:
        size = firmware.Size(CODE_ESTIMATE, made.source.flash_bytes, REST_ESTIMATE, 0, plan.arena_bytes)
        basis.append("Flash: constants are exact, code is a guess.")
    if run is None:
        basis.append("RAM: the arena is exact, the stack is a guess.")
    instructions = max(run.instructions) if run else round(macs * _per_mac(device))
    milliseconds = 1000 * instructions / device.clock_hz if device else None
    if device and not run:
        basis.append(f"Time: {_per_mac(device):g} instructions for each multiply-add, which is a guess.")
    return Footprint(
        code_bytes=size.code,
        constant_bytes=size.constants,
        rest_bytes=size.rest + size.data,
        arena_bytes=plan.arena_bytes,
        variable_bytes=size.ram_bytes - plan.arena_bytes,
        stack_bytes=run.stack_bytes if run else BESIDE,
        macs=macs,
        instructions=instructions,
        milliseconds=milliseconds,
        measured=run is not None,
        basis=tuple(basis),
    )


def _per_mac(device: Device | None) -> float:
    return PER_MAC.get(device.kernels if device else PORTABLE, PER_MAC[PORTABLE])


def _measured(
    made: Compilation, macs: int, inputs: Arrays, basis: list[str]
) -> tuple[firmware.Size | None, emulator.Run | None]:
    """What can be measured here; `basis` gets a sentence on each part."""
    device, size, run = made.device, None, None
    if device is None or not device.board:
        return size, run
    try:
        built = firmware.build(firmware.sources(made.source, made.program, device, limited=False), device)
        size = built.size
        basis.append(f"Flash: measured, built by {built.compiler}.")
        if macs * _per_mac(device) > LONGEST_RUN:
            basis.append("Not measured: an inference is too long to be emulated.")
            return size, run
        run = emulator.run(built, device, made.program, inputs)
        emulator.check(run, made.model.program, inputs)
        where = f"{firmware.EMULATOR} {device.board} on {len(run.instructions)} inputs"
        basis += [
            f"Stack, instructions: measured, one by one, in {where}, which it answers as it should.",
            "Time: at one instruction a clock cycle; a real core takes a little longer.",
        ]
    except (MissingProgram, BudgetError) as error:
        basis.append(f"Not measured: {error}.")
    return size, run
