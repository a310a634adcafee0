"""Values: how far off they are, where, and forecasts as curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import forecasts
from smidgen.report import format as fmt
from smidgen.report.charts import Axis, Series, chart
from smidgen.report.panels import Grid, Panel, measured

if TYPE_CHECKING:
    from smidgen.report.facts import Facts
    from smidgen.report.plots import Plot
    from smidgen.types import Array

TITLE = "How far off it is"
DRAWN = 2  # of several values
RANGES = 4  # of the true values


def panels(facts: Facts) -> list[Panel]:
    """Empty unless values of the test part are known."""
    if facts.outcome is None:
        return []
    truth = np.asarray(facts.outcome.target, np.float64)
    truth = truth.reshape(len(truth), -1)
    given = np.asarray(facts.outcome.output, np.float64).reshape(truth.shape)
    good = np.isfinite(truth).all(axis=1) & np.isfinite(given).all(axis=1)
    truth, given = truth[good], given[good]
    if not len(truth):
        return []
    names = _names(facts, truth.shape[1])
    first = Panel(text=[_words(given, truth, facts.unit)], grid=measured(facts))
    if forecast := forecasts.panels(facts, given, truth):
        return [first, *forecast]
    return [
        first,
        *(_drawn(given[:, k], truth[:, k], names[k], facts.unit) for k in range(min(DRAWN, len(names)))),
        _ranges(given[:, 0], truth[:, 0], names[0], facts),
        *_each(given, truth, names, facts.unit),
    ]


def _names(facts: Facts, count: int) -> list[str]:
    known = list(getattr(facts.answer, "names", ()))
    return known if len(known) == count else [f"value {k + 1}" for k in range(count)] if count > 1 else ["value"]


def amount(real: float, unit: str) -> str:
    """ "12.3 cycles"."""
    return f"{fmt.number(float(f'{real:.3g}'))} {unit}".rstrip()


def _words(given: Array, truth: Array, unit: str) -> str:
    half, most = np.quantile(np.abs(given - truth), (0.5, 0.9))
    bias = float((given - truth).mean())
    lean = "high" if bias > 0 else "low"
    text = f"Half of its answers are within {amount(half, unit)} of the truth, nine in ten within {amount(most, unit)}."
    return f"{text} On average they are {amount(abs(bias), unit)} too {lean}."


def _drawn(given: Array, truth: Array, name: str, unit: str) -> Panel:
    low, high = float(min(given.min(), truth.min())), float(max(given.max(), truth.max()))
    both = np.array([low, high])
    measure = f"{fmt.short(name, 24)}{f', {unit}' if unit else ''}"
    right = chart(
        "Predicted, against true",
        f"Predicted against true {measure}, a point for each example; on the diagonal, they are equal",
        Axis(f"true {measure}"),
        Axis(),
        [Series(both, both, "guide"), Series(truth, given, "specks")],
    )
    return Panel(name if name != "value" else "", plots=[right, _residuals(given, truth, measure)])


def _residuals(given: Array, truth: Array, measure: str) -> Plot | None:
    ends = np.array([float(given.min()), float(given.max())])
    return chart(
        "Predicted minus true",
        f"Residuals against predicted {measure}; above the line it says too much",
        Axis(f"predicted {measure}"),
        Axis(),
        [Series(ends, np.zeros(2), "guide"), Series(given, given - truth, "specks", colour=1)],
    )


def _ranges(given: Array, truth: Array, name: str, facts: Facts) -> Panel:
    """Errors by quarters of the true values."""
    edges = np.unique(np.quantile(truth, np.linspace(0, 1, RANGES + 1)))
    at = np.clip(np.searchsorted(edges, truth, "right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for place in np.unique(at):
        error = (given - truth)[at == place]
        own = truth[at == place]
        rows.append([
            f"{amount(float(own.min()), '')} to {amount(float(own.max()), '')}",
            amount(float(np.abs(error).mean()), facts.unit),
            f"{'+' if error.mean() > 0 else ''}{amount(float(error.mean()), facts.unit)}",
            fmt.count(len(error)),
        ])  # fmt: skip
    head = (f"true {fmt.short(name, 24)}", "off by, on average", "leans by", facts.noun)
    return Panel("Where it errs", grid=Grid(head, rows))


def _each(given: Array, truth: Array, names: list[str], unit: str) -> list[Panel]:
    """Of several values, the error of each."""
    if len(names) < 2:
        return []
    off = np.abs(given - truth).mean(axis=0)
    rows = [[fmt.short(name), amount(float(error), unit)] for name, error in zip(names[:40], off, strict=False)]
    return [Panel("Each value", grid=Grid(("", "off by, on average"), rows))]
