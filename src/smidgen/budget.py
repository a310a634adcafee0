"""What a model may cost: flash, RAM, parameters, and the floor that its metric must reach."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smidgen import registry
from smidgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smidgen.types import Cost

# Makers of microcontrollers count 1 KB = 1024 bytes, so KB and KiB mean the same here.
SIZE_UNITS = {"": 1, "B": 1, "K": 2**10, "KB": 2**10, "KIB": 2**10, "M": 2**20, "MB": 2**20, "MIB": 2**20, "GB": 2**30}
COUNT_UNITS = {"": 1, "K": 1000, "M": 1_000_000}
NUMBER = re.compile(r"\s*([0-9]{1,15}(?:_[0-9]{3})*(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)\s*")


@dataclass(frozen=True)
class Budget:
    """Limits; None is no limit.

    Attributes:
        flash_bytes: of code, constants and all else that a program for the device has.
        ram_bytes: of values, variables and stack.
        parameters: of the network.
        floor: metric name -> the least that is good enough, 0 to 1.
        kernels: the set of kernels that the device runs.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    parameters: int | None = None
    floor: Mapping[str, float] = field(default_factory=dict)
    kernels: str = "portable"

    @classmethod
    def of(
        cls,
        device: str | None = None,
        flash: str | int | None = None,
        ram: str | int | None = None,
        params: str | int | None = None,
        floor: Sequence[str] | None = None,
    ) -> Budget:
        """The budget of a device, overridden by explicit limits.

        Args:
            device: a name that `smidgen list devices` shows.
            flash: bytes, or a size such as "64KB" (1 KB = 1024 bytes).
            ram: the same.
            params: a count, or one such as "20k" (1 k = 1000).
            floor: pairs such as "accuracy=0.95".

        Raises:
            UsageError: an unknown device, or a limit that makes no sense.
        """
        facts: dict[str, Any] = registry.device(device) if device else {}
        memory = facts.get("memory", {})
        return cls(
            memory.get("flash_bytes") if flash is None else parse_size(flash, "--flash"),
            memory.get("ram_bytes") if ram is None else parse_size(ram, "--ram"),
            None if params is None else parse_count(params, "--params"),
            dict(parse_floor(pair) for pair in floor or ()),
            facts.get("core", {}).get("kernels", "portable"),
        )

    def check(self, cost: Cost) -> str:
        """ "" where `cost` fits, else a sentence that names the limit it breaks most, and by how much."""
        limits = (
            ("bytes of flash", cost.flash_bytes, self.flash_bytes),
            ("bytes of RAM", cost.ram_bytes, self.ram_bytes),
            ("parameters", cost.parameters, self.parameters),
        )
        broken = [(need / limit, what, need, limit) for what, need, limit in limits if limit and need > limit]
        if not broken:
            return ""
        _, what, need, limit = max(broken)
        return f"needs {need:,} {what}, {need - limit:,} more than the limit of {limit:,}"

    def shortfall(self, metrics: Mapping[str, float]) -> str:
        """ "" where `metrics` reach the floor, else a sentence that names the first metric that does not.

        Raises:
            UsageError: the floor names a metric that is not among `metrics`.
        """
        for name, least in self.floor.items():
            if name not in metrics:
                raise UsageError(f"--floor names {name!r}, which is not measured", f"Use one of: {', '.join(metrics)}")
            if metrics[name] < least:
                return f"{name} is {metrics[name]:.4f}, below the floor of {least:g}"
        return ""


def parse_size(text: str | int, option: str) -> int:
    """Bytes from "64KB", "64KiB" (the same: 65,536), "1.5MB" or "64000"."""
    return _parse(text, option, SIZE_UNITS, "a size in bytes such as 64KB, 1.5MB or 64000")


def parse_count(text: str | int, option: str) -> int:
    """A count from "700", "20k" (20,000) or "1.5M"."""
    return _parse(text, option, COUNT_UNITS, "a count such as 700, 20k or 1.5M")


def parse_floor(text: str) -> tuple[str, float]:
    """A metric and its least value from "accuracy=0.95"."""
    name, _, value = text.partition("=")
    try:
        least = float(value)
    except ValueError:
        least = float("nan")
    if not name.strip() or not 0 <= least <= 1:
        percent = f", such as {name.strip() or 'accuracy'}={least / 100:g}" if 1 < least <= 100 else ""
        raise UsageError(f"--floor {text!r} is not a metric and a fraction", f"Write accuracy=0.95{percent}")
    return name.strip(), least


def _parse(text: str | int, option: str, units: Mapping[str, int], wanted: str) -> int:
    match = NUMBER.fullmatch(str(text))
    if match is None or match[2].upper() not in units:
        raise UsageError(f"{option} {text!r} is not {wanted}")
    value = int(float(match[1].replace("_", "")) * units[match[2].upper()])
    if value == 0:
        raise UsageError(f"{option} {text!r} leaves room for nothing", f"Give {wanted}")
    return value
