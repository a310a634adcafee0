"""Any small network to plain C, and what it takes on a device."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smidgen import registry
from smidgen.budget import parse_size
from smidgen.bundle import AnyPath, place
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.footprint import Footprint, Layer, layers, measure
from smidgen.compiler.model import load
from smidgen.compiler.picture import picture
from smidgen.errors import BudgetError, UsageError
from smidgen.report.format import duration, short
from smidgen.targets.c import examples
from smidgen.types import Arrays, Event, Json, Progress, silent
from smidgen.verbs._table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.ir import Value
    from smidgen.compiler.model import Model

ALL = "all"  # devices
NO_DEVICE = "any device"
MEASURED = 2  # examples that are run to count instructions
MAP = "memory.svg"


@dataclass(frozen=True)
class Fit:
    """A model on a device: what it takes of what there is, and a sentence on what is short; "" where it fits."""

    device: str
    flash_bytes: int | None
    ram_bytes: int | None
    clock_hz: int | None
    footprint: Footprint
    short: str


@dataclass(frozen=True)
class Compiled:
    """What a model takes, and the files that were written into `folder`, if any."""

    model: str
    about: str
    fits: tuple[Fit, ...]
    layers: tuple[Layer, ...]
    folder: Path | None = None
    files: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """4, as of every budget that is broken, where it does not fit the one device that was named."""
        return BudgetError.exit_code if len(self.fits) == 1 and self.fits[0].short else 0

    def text(self) -> str:
        """Costs, then layers, then files."""
        alone = len(self.fits) == 1
        parts = [
            f"{self.model}: {self.about}",
            costs(self.fits[0]) if alone else _devices(self.fits),
            _layers(self.layers) if alone else "",
            "\n".join(f"Written: {self.folder / file}" for file in self.files) if self.folder else "",
        ]
        return "\n\n".join(part for part in parts if part)

    def to_json(self) -> Json:
        """Plain JSON."""
        whole = asdict(self)
        for fit, state in zip(self.fits, whole["fits"], strict=True):
            needed = {"flash_bytes": fit.footprint.flash_bytes, "ram_bytes": fit.footprint.ram_bytes}
            state["footprint"] |= needed
        return {**whole, "folder": str(self.folder) if self.folder else None}


def compile_model(
    model: AnyPath,
    *,
    target: str = "c",
    device: str | None = None,
    ram: str | int | None = None,
    name: str | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> Compiled:
    """Compile any small network to plain C, and say what it takes of a device: flash, RAM and time.

    A model is a .tflite file, an .onnx file or a bundle. Without --out nothing is written; with it the C is run against
    the model first, and nothing is written where it answers otherwise.

    Examples:
        smidgen compile kws.tflite --device cortex-m4
        smidgen compile kws.tflite --device all
        smidgen compile kws.tflite --device cortex-m4 --target firmware --out kws

    Args:
        model: A .tflite file, an .onnx file, or the folder that `smidgen fit` wrote.
        target: The form to write; `smidgen list targets` shows all.
        device: What it is for; `smidgen list devices` shows all. "all" compares them.
        ram: What it may take of RAM, stack included, such as 32KB: the more, the faster. By default what is a
            good bargain of both and fits; on a browser or laptop all there is.
        name: What its functions are called after; by default the file or folder.
        out: Where to.
        progress: Hears how far it is.

    Raises:
        UsageError: there is no such file, device or target.
        BundleError: the model is damaged.
        Unsupported: the compiler does not know an operation of the model.
        VerificationError: what was compiled answers otherwise than the model.
    """
    if device == ALL and out is not None:
        raise UsageError("--out takes the files for one device", "Name it with --device")
    form = _target(target)
    chosen = [Device.of(one) for one in registry.names("devices")] if device == ALL else [device and Device.of(device)]
    network = load(Path(model), name)
    most = None if ram is None else parse_size(ram, "--ram")
    fits = []
    for index, one in enumerate(chosen):
        progress(Event("compile", index, len(chosen), message=one.name if one else network.name))
        made = compiled(network, one or None, most)
        fits.append(fit(made, examples(made.program, MEASURED), most))
    progress(Event("compile", len(chosen), len(chosen)))
    rows = tuple(layers(made.program, made.source.plan))
    result = Compiled(network.file, _about(network, rows), tuple(fits), rows)
    return result if out is None else replace(result, folder=out, files=_write(form, made, out))


def _target(name: str) -> ModuleType:
    """The module of a target that takes any model."""
    module = registry.find("targets", name)
    if not hasattr(module, "ship"):
        able = [one for one in registry.names("targets") if hasattr(registry.find("targets", one), "ship")]
        raise UsageError(f"The target {name} takes bundles only", f"Use smidgen export, or one of: {', '.join(able)}")
    return module


def _write(form: ModuleType, made: Compilation, out: Path) -> tuple[str, ...]:
    """Files of a target and the memory map, all of them or none."""
    with tempfile.TemporaryDirectory() as scratch:
        written = [path.relative_to(scratch) for path in form.ship(made, Path(scratch))]
        content = {path: Path(scratch, path).read_bytes() for path in sorted(written)}
    content[Path(MAP)] = picture(made.source.plan, made.program).encode()
    place(out, content)
    return tuple(path.as_posix() for path in content)


def fit(made: Compilation, inputs: Arrays, most: int | None = None) -> Fit:
    """What a compilation takes of its device, where inputs are run on it if that can be done here.

    Args:
        made: a model for a device.
        inputs: by name, (n, ...).
        most: bytes of RAM that it may take, where that is less than the device has.
    """
    device, needed = made.device, measure(made, inputs)
    flash, ram = (device.flash_bytes, device.ram_bytes) if device else (None, None)
    ram = min((limit for limit in (ram, most) if limit is not None), default=None)
    limits = (("flash", needed.flash_bytes, flash), ("RAM", needed.ram_bytes, ram))
    short = [f"{need - limit:,} bytes of {what}" for what, need, limit in limits if limit is not None and need > limit]
    clock = device.clock_hz if device else None
    return Fit(device.name if device else NO_DEVICE, flash, ram, clock, needed, " and ".join(short))


# What is shown


def _about(network: Model, rows: Sequence[Layer]) -> str:
    program = network.program
    ends = (", ".join(_typed(program.values[name]) for name in names) for names in (program.inputs, program.outputs))
    macs = sum(row.macs for row in rows)
    return f"{' -> '.join(ends)}; {len(program.operations)} operations, {macs:,} multiply-adds"


def _typed(value: Value) -> str:
    return f"{value.dtype} {'x'.join(map(str, value.shape)) or '1'}"


def costs(fit: Fit) -> str:
    """What one device has to give, and how that is known."""
    needed = fit.footprint
    flash = (
        ("code", needed.code_bytes),
        ("constants", needed.constant_bytes),
        ("startup, libraries", needed.rest_bytes),
    )
    ram = (("arena with input and output", needed.arena_bytes), ("variables", needed.variable_bytes))
    rows = [
        ("flash", _of(needed.flash_bytes, fit.flash_bytes), _sum(flash)),
        ("RAM", _of(needed.ram_bytes, fit.ram_bytes), _sum((*ram, ("stack", needed.stack_bytes)))),
    ]
    if needed.milliseconds is not None and fit.clock_hz is not None:
        how = f"{needed.instructions:,} instructions at {fit.clock_hz / 1e6:g} MHz"
        rows.append(("time", duration(needed.milliseconds), how))
    verdict = f"It does not fit: {fit.short} short." if fit.short else "It fits." if fit.flash_bytes else ""
    lines = [f"On {fit.device}:", table(("", "", ""), rows), *needed.basis, verdict]
    return "\n".join(line for line in lines if line)


def _of(need: int, limit: int | None) -> str:
    return f"{need:,} bytes" if limit is None else f"{need:,} of {limit:,} bytes"


def _sum(parts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in parts)


def _devices(fits: Sequence[Fit]) -> str:
    """A device a line."""
    rows = (
        (
            fit.device,
            _of(fit.footprint.flash_bytes, fit.flash_bytes),
            _of(fit.footprint.ram_bytes, fit.ram_bytes),
            duration(fit.footprint.milliseconds or 0.0),
            f"{fit.short} short" if fit.short else "fits",
            "" if fit.footprint.measured else "estimated",
        )
        for fit in fits
    )
    return table(("device", "flash", "RAM", "time", "", ""), rows)


def _layers(rows: Sequence[Layer]) -> str:
    """A layer a line."""
    cells = (
        (short(row.name), row.kind, "x".join(map(str, row.shape)), *(f"{number:,}" for number in row.counts))
        for row in rows
    )
    return table(("layer", "operation", "output", "multiply-adds", "constants, bytes", "RAM in use, bytes"), cells)
