"""Find a task, family, signal, answer, step, target or device by the name of its file.

`find("families", "cnn")` is the module `smidgen/families/cnn.py`; adding a file adds the thing. A file whose name
starts with an underscore is shared code, not an entry. Third parties add entries through the entry-point group
`smidgen.<kind>`.
"""

import importlib
import importlib.metadata
import pkgutil
import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from smidgen.errors import UsageError

KINDS = ("tasks", "signals", "answers", "families", "samples", "compression", "targets", "devices")
ROOT = Path(__file__).parent


@cache
def names(kind: str) -> tuple[str, ...]:
    """The names of all entries of `kind`, in alphabetical order, spelt with hyphens."""
    if kind == "devices":
        own = {path.stem for path in (ROOT / kind).glob("*.toml")}
    else:
        own = {module.name for module in pkgutil.iter_modules([str(ROOT / kind)]) if module.name[0] != "_"}
    others = {point.name for point in importlib.metadata.entry_points(group=f"smidgen.{kind}")}
    return tuple(sorted(name.replace("_", "-") for name in own | others))


def find(kind: str, name: str) -> ModuleType:
    """The module that implements the entry `name` of `kind`.

    Raises:
        UsageError: no such entry; the message names the closest ones.
    """
    wanted = _known(kind, name)
    for point in importlib.metadata.entry_points(group=f"smidgen.{kind}"):
        if point.name.replace("_", "-") == wanted:
            module: ModuleType = point.load()
            return module
    return importlib.import_module(f"smidgen.{kind}.{wanted.replace('-', '_')}")


def device(name: str) -> dict[str, Any]:
    """The facts about a device, as its TOML file states them."""
    path = ROOT / "devices" / f"{_known('devices', name).replace('-', '_')}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _known(kind: str, name: str) -> str:
    wanted = name.replace("_", "-").lower()
    if wanted in names(kind):
        return wanted
    close = get_close_matches(wanted, names(kind), n=3, cutoff=0.4) or list(names(kind))
    singular = "step" if kind == "compression" else kind.removesuffix("s").replace("familie", "family")
    raise UsageError(
        f"There is no {singular} called {name!r}",
        f"Did you mean {' or '.join(close)}? `smidgen list {kind}` shows all",
    )
