"""What the modules beside this one measure, as results that `bars.py` records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from record import Bar, Result, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

RULES = {">=": "at least", "<=": "at most"}
APART = ("name", "rows", "bars", "notes", "summary")  # of what is measured; the rest is summary


def recorded(measure: Callable[[Path, list[int]], Row], seeds: int, folder: Path, command: str) -> Result:
    """One benchmark over so many seeds, from 0 on.

    Args:
        measure: returns `name`, `rows` (one a fit), `bars`, and what sums them up.
        seeds: how many.
        folder: where fits go.
        command: repeats it.
    """
    made = measure(folder, list(range(seeds)))
    summary = {**made.get("summary", {}), **{key: value for key, value in made.items() if key not in APART}}
    columns = list(dict.fromkeys(name for row in made["rows"] for name in row))
    rows = [{name: row.get(name) for name in columns} for row in made["rows"]]
    return Result(made["name"], command, rows, summary, list(map(_bar, made["bars"])), made.get("notes", ()))


def _bar(bar: Sequence[Any] | Row) -> Bar:
    if isinstance(bar, dict):
        return Bar(**bar)
    what, value, sign, limit = bar
    return Bar(what, value, limit, RULES[sign])
