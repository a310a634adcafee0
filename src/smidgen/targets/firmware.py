"""A complete program for a microcontroller without an operating system: startup, linker script, Makefile and ELF file.

It is built for the device here and run in an emulator before it is written, where the tools for that are installed;
its README says what was measured.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from smidgen.bundle import MODEL
from smidgen.compiler import emit, emulator, firmware
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.model import load
from smidgen.errors import MissingProgram, UsageError
from smidgen.targets.c import examples

if TYPE_CHECKING:
    from pathlib import Path

    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.emulator import Run
    from smidgen.compiler.firmware import Firmware

DEVICE = "cortex-m4"  # where none is named
EXAMPLES = 10  # that are run in the emulator

README = Template("""\
# $name on $device

A complete program for $device, made by smidgen: the model in `$name.c` and `$name.h`, and around it

| file | what it is |
|---|---|
| `main.c` | runs the model on the examples in `input.bin`; replace it by your own program |
| `startup.c` | vectors, memory, FPU: what happens between reset and `main` |
| `board.c`, `board.h` | input and output by semihosting, and a clock that counts instructions |
| `link.ld` | $flash_bytes bytes of flash and $ram_bytes of RAM, where the board $machine has them |
| `Makefile` | `make` builds `$name.elf`, `make run` runs it in qemu and leaves its answers in `output.bin` |

## What it takes

$costs

On a real device `link.ld` needs its addresses, and `board.c` its way to read a sensor and to show an answer:
semihosting stops a processor that no debugger is attached to.
""")


def export(bundle: Path, folder: Path) -> list[Path]:
    """The firmware of a bundle's model for a Cortex-M4; `Target.export`. `smidgen compile` knows other devices.

    Raises:
        Unsupported: an operation of the model has no C.
        BudgetError: it does not fit the device.
        VerificationError: the compiler refuses the C, or it answers otherwise; nothing is written.
    """
    return ship(compiled(load(bundle / MODEL, emit.identifier(bundle.name)), Device.of(DEVICE)), folder)


def ship(made: Compilation, folder: Path) -> list[Path]:
    """The firmware of a compilation; `export` says what goes wrong.

    Raises:
        UsageError: it is for no device.
    """
    device = made.device
    if device is None:
        raise UsageError("The target firmware is for one device", "Name it with --device")
    name, texts = made.source.name, firmware.sources(made.source, made.program, device)
    inputs = examples(made.program, EXAMPLES)
    files = {file: text.encode() for file, text in texts.items()}
    files["input.bin"] = emulator.rows(made.program, inputs).tobytes()
    costs: list[str] = []
    try:
        built = firmware.build(texts, device)
        files[f"{name}.elf"] = built.elf
        costs.append(_sizes(built, made))
        run = emulator.run(built, device, made.program, inputs)
        emulator.check(run, made.model.program, inputs)
        costs.append(_run(run, built, device))
    except MissingProgram as error:
        costs.append(f"Not measured: {error}.")
    words = {"name": name, "device": device.name, "machine": device.board, "costs": "\n\n".join(costs)}
    sizes = {"flash_bytes": f"{device.flash_bytes:,}", "ram_bytes": f"{device.ram_bytes:,}"}
    files["README.md"] = README.substitute(words, **sizes).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in sorted(files.items()):
        (folder / file).write_bytes(content)
    return [folder / file for file in sorted(files)]


def _sizes(built: Firmware, made: Compilation) -> str:
    size, arena = built.size, made.source.plan.arena_bytes
    rows = (
        ("flash", "code of the model", size.code),
        ("", "constants of the model", size.constants),
        ("", "startup, main, libraries", size.rest),
        ("", "initial values of variables", size.data),
        ("", "**all**", size.flash_bytes),
        ("RAM", "arena, with input and output", arena),
        ("", "other variables", size.ram_bytes - arena),
        ("", "**all but the stack**", size.ram_bytes),
    )
    lines = "\n".join(f"| {kind} | {what} | {count:,} |" for kind, what, count in rows)
    return f"| | | bytes |\n|---|---|---:|\n{lines}\n\nBuilt by {built.compiler}."


def _run(run: Run, built: Firmware, device: Device) -> str:
    most, least, megahertz = max(run.instructions), min(run.instructions), device.clock_hz / 1e6
    return (
        f"Run in {firmware.EMULATOR} on the {len(run.instructions)} examples of `input.bin`, it answers as it should.\n"
        f"An inference takes {least:,} to {most:,} instructions, exactly counted: {most / megahertz / 1000:.3g} ms\n"
        f"at {megahertz:g} MHz and one instruction a clock cycle; a real core takes a little longer. The stack takes\n"
        f"{run.stack_bytes:,} bytes, RAM in all {built.size.ram_bytes + run.stack_bytes:,}."
    )
