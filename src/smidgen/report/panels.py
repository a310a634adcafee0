"""What a section of the page is made of: words, plots and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.report import format as fmt
from smidgen.report.facts import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.report.facts import Facts
    from smidgen.report.plots import Plot
    from smidgen.types import Measure

BASELINES = ("popularity", "naive", "baseline")  # a measure NAME_popularity is what popularity alone reaches in NAME


@dataclass(frozen=True)
class Grid:
    """A table. The first column of each row is its name, `words` are columns of text, the others are numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: Sequence[int] = ()
    marked: int = -1  # the row that stands out


@dataclass(frozen=True)
class Panel:
    """A part of a section, in this order; empty parts are left out."""

    title: str = ""
    text: Sequence[str] = ()
    plots: Sequence[Plot | None] = ()
    grid: Grid | None = None
    note: str = ""


def measured(facts: Facts) -> Grid | None:
    """What was measured on the test part with the shipped file, each beside its baseline where there is one."""
    own = [m for m in facts.evidence.measures if m.form == SHIPPED and m.split == "test"]
    by_name = {measure.name: measure for measure in own}
    rivals = {name: rival for name in by_name if (rival := _rival(name, by_name))}
    used = {rival.name for rival in rivals.values()}
    rows = [_row(m, rivals.get(m.name), bool(rivals)) for m in own if m.name not in used]
    if not rows:
        return None
    whom = next((base for base in BASELINES if any(name.endswith(base) for name in used)), "")
    header = ["", "this model", "95 % interval", *([f"{whom} alone"] if rivals else []), "n"]
    return Grid(header, rows, f"Measured on the test part, on {SHIPPED}")


def _rival(name: str, by_name: dict[str, Measure]) -> Measure | None:
    return next((by_name[f"{name}_{base}"] for base in BASELINES if f"{name}_{base}" in by_name), None)


def _row(measure: Measure, rival: Measure | None, beside: bool) -> list[str]:
    other = [fmt.value(rival) if rival else ""] if beside else []
    return [fmt.named(measure.name), fmt.value(measure), fmt.spread(measure), *other, fmt.count(measure.n)]
