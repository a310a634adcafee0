"""A device as the compiler sees it: its memory, its core, and how C is built for it and run without it."""

from __future__ import annotations

from dataclasses import dataclass

from smidgen import registry
from smidgen.compiler import kernels


@dataclass(frozen=True)
class Device:
    """The facts in a file of `devices/`.

    Attributes:
        name: as `smidgen list devices` has it.
        flash_bytes: what programs and constants have.
        ram_bytes: what variables and stack have.
        clock_hz: of the core.
        kernels: the set of kernels for its instructions.
        flags: of the C compiler; empty where no compiler is known that builds for it.
        board: the machine of qemu that stands for it; "" where there is none.
    """

    name: str
    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    kernels: str
    flags: tuple[str, ...]
    board: str

    @classmethod
    def of(cls, name: str) -> Device:
        """The device of a name; raises UsageError, which names the closest ones."""
        facts = registry.device(name)
        memory, core, build = facts["memory"], facts["core"], facts.get("build", {})
        wanted = core.get("kernels", kernels.PORTABLE)
        return cls(
            name=name.replace("_", "-").lower(),
            flash_bytes=memory["flash_bytes"],
            ram_bytes=memory["ram_bytes"],
            clock_hz=core["clock_hz"],
            kernels=wanted if wanted in kernels.names() else kernels.PORTABLE,
            flags=tuple(build.get("flags", ())),
            board=build.get("board", ""),
        )
