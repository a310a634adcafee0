"""A model made ready for a device: simplified for its kernels and written as C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.compiler import emit, kernels
from smidgen.compiler.kernels import PORTABLE
from smidgen.compiler.passes import lower

if TYPE_CHECKING:
    from smidgen.compiler.device import Device
    from smidgen.compiler.emit import Source
    from smidgen.compiler.ir import Program
    from smidgen.compiler.model import Model

BESIDE = 640  # bytes of RAM beside the arena: stack and variables, which take up to 600 on a Cortex-M4

PLENTY = 2**24  # bytes of RAM: with as many, time counts more


@dataclass(frozen=True, eq=False)
class Compilation:
    """What targets ship.

    Attributes:
        model: where it comes from.
        device: what it is for; None: any.
        program: after all passes.
        source: its C, with the kernels of the device.
        portable: the same model in C that runs anywhere.
    """

    model: Model
    device: Device | None
    program: Program
    source: Source
    portable: Source

    @property
    def special(self) -> bool:
        """Whether its kernels need certain instructions."""
        return self.source is not self.portable

    @property
    def flags(self) -> tuple[str, ...]:
        """What a C compiler is told about the processor."""
        if self.device is None or not self.special:
            return ()
        module = kernels.module(self.device.kernels)
        return self.device.flags or tuple(module.flags())

    def here(self) -> tuple[Source, tuple[str, ...]]:
        """The C that this host can run, with flags for its compiler: that of the device where its kernels run here."""
        if self.device is not None and self.special:
            suits_host = getattr(kernels.module(self.device.kernels), "suits_host", None)
            if suits_host is not None and suits_host():
                return self.source, self.flags
        return self.portable, ()


def compiled(model: Model, device: Device | None = None, ram: int | None = None) -> Compilation:
    """A model for a device.

    Args:
        model: what an importer made.
        device: what it is for; None: any.
        ram: bytes that it may take, stack included: the more there are, the less is done row by row, which costs time.
            By default all there are on large devices; on others what is a good bargain, and fits.

    Raises:
        Unsupported: an operation has no C.
    """
    kernel_set = device.kernels if device else PORTABLE
    if ram is None and device is not None and device.ram_bytes >= PLENTY:
        ram = device.ram_bytes
    program = lower(model.program, kernel_set, None if ram is None else max(0, ram - BESIDE))
    source = emit.write(program, model.name, kernel_set)
    if ram is None and device is not None and source.plan.arena_bytes > device.ram_bytes - BESIDE:
        program = lower(model.program, kernel_set, max(0, device.ram_bytes - BESIDE))
        source = emit.write(program, model.name, kernel_set)
    portable = source if kernel_set == PORTABLE else emit.write(lower(model.program), model.name)
    return Compilation(model, device, program, source, portable)
