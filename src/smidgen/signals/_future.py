"""What is to be forecast, and how far off the forecasts are that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.signals._runs import Run
    from smidgen.signals._windows import Cut
    from smidgen.types import Array


def futures(runs: Sequence[Run], cut: Cut, ahead: Sequence[int], horizon: int) -> Array:
    """What follows each window: (n, horizon * channels) float32, step by step."""
    each = [
        runs[run].values[end + 1 : end + 1 + horizon, list(ahead)].reshape(-1)
        for run, end in zip(cut.runs, cut.ends, strict=True)
    ]
    return np.array(each, np.float32)


def baselines(runs: Sequence[Run], cut: Cut, ahead: Sequence[int], horizon: int, window: int) -> list[str]:
    """What the report should say of forecasts without a model, on the test part.

    The season is the lag that errs least on the training part, of those that a window knows.
    """
    if "test" not in cut.parts:
        return []
    parts = np.array(cut.parts, object)
    wanted = futures(runs, cut, ahead, horizon)

    def error(lag: int, part: str) -> float:
        guess = repeated(runs, cut, ahead, horizon, lag)
        return float(np.sqrt(np.mean((guess - wanted)[parts == part] ** 2)))

    notes = [f"Repeating the last value errs by {error(1, 'test'):.4g} on the test part (root mean square)"]
    lags = range(2, window + 1)
    if lags:
        season = min(lags, key=lambda lag: error(lag, "train"))
        notes.append(f"Repeating the last {season} values errs by {error(season, 'test'):.4g}")
    return notes


def repeated(runs: Sequence[Run], cut: Cut, ahead: Sequence[int], horizon: int, lag: int) -> Array:
    """The forecast that the last `lag` steps come again and again: (n, horizon * channels)."""
    steps = np.arange(horizon) % lag - lag + 1
    each = [
        runs[run].values[np.maximum(end + steps, 0)][:, list(ahead)].reshape(-1)
        for run, end in zip(cut.runs, cut.ends, strict=True)
    ]
    return np.array(each, np.float32)
