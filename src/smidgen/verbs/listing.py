"""What there is to choose from."""

import ast
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from smidgen import registry
from smidgen.report.format import size
from smidgen.types import Json
from smidgen.verbs._table import table

Kind = Literal["tasks", "families", "devices", "targets", "samples", "signals", "answers"]


@dataclass(frozen=True)
class Entry:
    """One thing to choose, and a line about it."""

    name: str
    about: str


@dataclass(frozen=True)
class Listing:
    """The entries of one kind, in alphabetical order."""

    kind: str
    entries: tuple[Entry, ...]

    def text(self) -> str:
        """One entry a line."""
        return table(("", ""), ((entry.name, entry.about) for entry in self.entries))

    def to_json(self) -> Json:
        """Plain JSON."""
        return asdict(self)


def listing(kind: Kind = "tasks") -> Listing:
    """List what there is to choose from: tasks, families, devices, targets, samples, signals or answers.

    Examples:
        smidgen list devices
        smidgen list samples --json

    Args:
        kind: What to list.
    """
    return Listing(kind, tuple(_entries(kind)))


def _entries(kind: str) -> Iterator[Entry]:
    for name in registry.names(kind):
        yield Entry(name, _device(name) if kind == "devices" else _first_line(kind, name))


def _device(name: str) -> str:
    facts = registry.device(name)
    memory = facts.get("memory", {})
    shown = [
        f"{size(memory[key])} {label}"
        for key, label in (("flash_bytes", "flash"), ("ram_bytes", "RAM"))
        if key in memory
    ]
    return "; ".join(part for part in (facts.get("about", ""), ", ".join(shown)) if part)


def _first_line(kind: str, name: str) -> str:
    """The first line of a module's docstring. The module is not run: it may need libraries that are not installed."""
    points = importlib.metadata.entry_points(group=f"smidgen.{kind}")
    others = {point.name.replace("_", "-"): point.module for point in points}
    spec = importlib.util.find_spec(others.get(name, f"smidgen.{kind}.{name.replace('-', '_')}"))
    if spec is None or spec.origin is None:
        return ""
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
