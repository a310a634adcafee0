"""Forecasts: some of them drawn beside what came, and how the error grows with the distance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report.charts import Axis, Series, chart
from smidgen.report.panels import Grid, Panel

if TYPE_CHECKING:
    from smidgen.report.facts import Facts, Window
    from smidgen.report.plots import Plot
    from smidgen.types import Array

STEPS = 12  # rows of the table


def panels(facts: Facts, given: Array, truth: Array) -> list[Panel]:
    """Empty unless what is to come is forecast.

    Args:
        facts: the signal says which channels are forecast, and how far.
        given: (n, horizon * channels), step by step.
        truth: the same.
    """
    state = facts.signal.to_json() if facts.signal is not None and facts.signal.kind == "series" else {}
    horizon, ahead = int(state.get("horizon") or 0), list(state.get("ahead") or [])
    if not horizon or not ahead or given.shape[1] != horizon * len(ahead):
        return []
    error = np.abs(given - truth).mean(axis=0).reshape(horizon, len(ahead))
    drawn = [_drawn(window, facts, ahead, place) for place, window in enumerate(facts.windows)]
    text = "What the model knew, what it forecast, and what came. Repeating the last value is the naive forecast."
    name = fmt.short(str(state["channels"][ahead[0]])) if state.get("channels") else ""
    return [
        Panel(f"Forecasts of {name}" if name else "", [text] if drawn else [], drawn),
        _growing(error, facts.unit),
    ]


def _drawn(window: Window, facts: Facts, ahead: list[int], place: int) -> Plot | None:
    """The first of the channels that are forecast."""
    outcome = facts.outcome
    if outcome is None:
        return None
    width = len(ahead)
    given, truth = (
        np.asarray(each[window.place], np.float64).reshape(-1, width)[:, 0] for each in (outcome.output, outcome.target)
    )
    known = np.asarray(window.content, np.float64)[-4 * len(given) - 8 :, ahead[0]]
    last = known[-1:]
    future = np.arange(len(given) + 1)
    names = outcome.names
    plot = chart(
        fmt.short(names[window.place], 48) if len(names) else f"Forecast {place + 1}",
        f"A forecast of {len(given)} steps, off by {np.abs(given - truth).mean():.3g} on average",
        Axis("steps from the last value known"),
        Axis(),
        [
            Series(np.arange(1 - len(known), 1), known, "guide", "known", 6),
            Series(future, np.repeat(last, len(future)), "dashed", "naive", 6),
            Series(future, np.concatenate([last, truth]), "line", "what came", 1),
            Series(future, np.concatenate([last, given]), "line", "forecast", 0),
        ],
    )
    return plot and (plot if place == 0 else replace(plot, legend=()))


def _growing(error: Array, unit: str) -> Panel:
    """The error at each step ahead, over all channels that are forecast."""
    steps = np.unique(np.linspace(0, len(error) - 1, min(STEPS, len(error))).round().astype(np.int64))
    rows = [[str(step + 1), f"{fmt.number(float(f'{error[step].mean():.3g}'))} {unit}".rstrip()] for step in steps]
    return Panel("How the error grows", grid=Grid(("steps ahead", "off by, on average"), rows))
