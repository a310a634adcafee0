"""A program in C as a complete bare-metal program for a board: its files, how it is built, and what it takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from smidgen.compiler import elf
from smidgen.compiler.compilation import BESIDE
from smidgen.errors import BudgetError, MissingProgram, UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from smidgen.compiler.device import Device
    from smidgen.compiler.emit import Source
    from smidgen.compiler.ir import Program

BOARD = Path(__file__).parent / "board"
OWN = ("board.c", "main.c", "startup.c")
COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
FLAGS = ("-std=gnu99", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")  # floats as on any other host
SMALL = ("-Os", "-fno-tree-loop-distribute-patterns")  # for our own files: loops that stay loops, not memcpy
LIBRARIES = ("-lm",)
OVERFLOW = re.compile(r"region `(FLASH|RAM)' overflowed by (\d+) bytes")
LINK = ("-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections")
LONGEST = 300  # seconds that the compiler may take


@dataclass(frozen=True)
class Board:
    """A machine of qemu.

    Attributes:
        flash: where code and constants lie: first address and bytes.
        ram: the same of variables and stack.
        phases: instructions after which the timer's tick begins at the same moment again; see board/board.c.
        ticks: of the timer in that time.
    """

    flash: tuple[int, int]
    ram: tuple[int, int]
    phases: int
    ticks: int


MB = 1 << 20
# Addresses and clocks of Arm's application notes, as hw/arm/mps2.c, mps2-tz.c of qemu 7.2 have them.
BOARDS = {
    "mps2-an385": Board((0, 4 * MB), (0x20000000, 4 * MB), 40, 1),
    "mps2-an386": Board((0, 4 * MB), (0x20000000, 4 * MB), 40, 1),
    "mps2-an500": Board((0, 4 * MB), (0x20000000, 4 * MB), 40, 1),
    "mps2-an505": Board((0x10000000, 4 * MB), (0x38000000, 4 * MB), 50, 1),
    "mps3-an547": Board((0x10000000, MB // 2), (0x30000000, MB // 2), 125, 4),
}


@dataclass(frozen=True)
class Size:
    """Bytes of a program that was built, the stack left out.

    Attributes:
        code: of the model.
        constants: of the model: weights, tables, descriptions of layers.
        rest: startup, main and what is taken from libraries.
        data: variables that are not zero at first: their values lie in flash, and in RAM while the program runs.
        bss: variables that are zero at first, the arena among them.
    """

    code: int
    constants: int
    rest: int
    data: int
    bss: int

    @property
    def flash_bytes(self) -> int:
        """The whole image."""
        return self.code + self.constants + self.rest + self.data

    @property
    def ram_bytes(self) -> int:
        """All but the stack."""
        return self.data + self.bss


@dataclass(frozen=True)
class Firmware:
    """A program that was built for a device.

    Attributes:
        files: the sources, by name.
        elf: what the linker made.
        size: of its parts.
        compiler: and its version, in a line.
    """

    files: Mapping[str, str]
    elf: bytes
    size: Size
    compiler: str


def available() -> bool:
    """Whether the compiler is installed."""
    return shutil.which(COMPILER) is not None


def board_of(device: Device) -> Board:
    """The board that stands for a device; raises UsageError where there is none."""
    if device.board not in BOARDS:
        raise UsageError(
            f"There is no firmware for {device.name}: no board that qemu knows stands for it",
            "Name a device with an Arm Cortex-M, or take --target c",
        )
    return BOARDS[device.board]


def sources(source: Source, program: Program, device: Device, *, limited: bool = True) -> dict[str, str]:
    """All files of a firmware, by name: the model's and those around it.

    Args:
        source: the C of the program.
        program: says what its inputs and outputs are.
        device: what it is for.
        limited: with the flash and RAM of the device, or all that its board has.

    Raises:
        UsageError: no board stands for the device, or the program is called as one of the files around it.
    """
    board, name = board_of(device), source.name
    if f"{name}.c" in OWN:
        raise UsageError(f"The name {name!r} is that of another file of the firmware", "Choose one with --name")
    least = min if limited else max
    words = {
        "name": name,
        "least_stack": BESIDE,
        "objects": " ".join(_objects({f"{name}.c", *OWN})),
        "device": device.name,
        "machine": device.board,
        "flash_origin": f"{board.flash[0]:#x}",
        "flash_bytes": least(device.flash_bytes, board.flash[1]),
        "ram_origin": f"{board.ram[0]:#x}",
        "ram_bytes": least(device.ram_bytes, board.ram[1]),
        "compiler": COMPILER,
        "flags": shlex.join(flags(device)),
        "own": " ".join(_objects(OWN)),
        "small": shlex.join(SMALL),
        "link": shlex.join(LINK),
        "libraries": shlex.join(LIBRARIES),
        "run": shlex.join(emulator_command(device)),
        **_main(name, program),
    }
    made = {
        made: Template((BOARD / f"{made}.in").read_text(encoding="utf-8")).substitute(words)
        for made in ("link.ld", "main.c", "Makefile")
    }
    fixed = {file: (BOARD / file).read_text(encoding="utf-8") for file in ("startup.c", "board.c", "board.h")}
    return {**{file: text for file, text in source.files.items() if file != "README.md"}, **made, **fixed}


def flags(device: Device) -> tuple[str, ...]:
    """What the compiler is told for a device."""
    board = board_of(device)
    return (*device.flags, *FLAGS, f"-DBOARD_READINGS={board.phases}u", f"-DBOARD_GROWTH={board.ticks}u")


def emulator_command(device: Device) -> tuple[str, ...]:
    """The command that runs an ELF file, whose path follows. One instruction takes one nanosecond."""
    output = ("-display", "none", "-monitor", "none", "-serial", "none")
    semihosting = ("-semihosting-config", "enable=on,target=native")
    return (EMULATOR, "-M", device.board, *output, *semihosting, "-icount", "shift=0", "-kernel")


def _main(name: str, program: Program) -> dict[str, str]:
    """What main.c says about inputs and outputs, which lie in the arena."""
    inputs, outputs = _ends("input", program.inputs), _ends("output", program.outputs)
    size = {end: f"{name}_{end}_BYTES".upper() for end in (*inputs, *outputs)}
    return {
        "places": "\n".join(f"    void *{end} = {name}_{end}();" for end in size),
        "arguments": ", ".join(size),
        "read": " && ".join(f"!board_read(given, {end}, {size[end]})" for end in inputs),
        "write": " || ".join(f"board_write(answers, {end}, {size[end]})" for end in outputs),
    }


def _ends(kind: str, values: Sequence[str]) -> list[str]:
    """What NAME.h calls the inputs or outputs."""
    return [kind] if len(values) == 1 else [f"{kind}_{index + 1}" for index in range(len(values))]


def build(files: Mapping[str, str], device: Device) -> Firmware:
    """Compile and link the files of a firmware.

    Raises:
        MissingProgram: the compiler is not installed.
        BudgetError: it does not fit the memory that link.ld gives it.
        VerificationError: the compiler refuses; the message has its first line.
    """
    if not available():
        raise MissingProgram(COMPILER, "gcc-arm-none-eabi libnewlib-arm-none-eabi", f"Building for {device.name}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        objects = _objects(files)
        for name in objects:
            source = f"{name[:-2]}.c"
            small = SMALL if source in OWN else ()
            call(folder, [COMPILER, *flags(device), *small, "-c", source, "-o", name])
        call(folder, [COMPILER, *flags(device), *LINK, "-T", "link.ld", *objects, *LIBRARIES, "-o", "firmware.elf"])
        content = (folder / "firmware.elf").read_bytes()
        version = call(folder, [COMPILER, "--version"]).partition("\n")[0]
    return Firmware(files, content, _size(elf.sections(content)), version)


def _objects(files: Iterable[str]) -> list[str]:
    """In the order in which they are linked."""
    return sorted(f"{name[:-2]}.o" for name in files if name.endswith(".c"))


def _size(found: Mapping[str, int]) -> Size:
    parts = ("code", "constants", "data", "bss")
    known = {part: found.get(f".{part}", 0) for part in parts}
    rest = sum(size for name, size in found.items() if name[1:] not in (*parts, "stack"))
    return Size(rest=rest, **known)


def call(folder: Path, command: Sequence[str]) -> str:
    """What a command prints; the first line of what goes wrong as an error."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VerificationError(f"{command[0]} cannot be run: {error}") from None
    if found := OVERFLOW.search(done.stderr):
        region = {"FLASH": "flash", "RAM": "RAM"}[found[1]]
        raise BudgetError(
            f"The firmware needs {int(found[2]):,} bytes of {region} more than the device has",
            "--device all shows where it fits",
        )
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:300])
        raise VerificationError(f"{command[0]} does not build the firmware: {first}", "This is a fault of smidgen")
    return done.stdout
