"""Numbers as plots: curves, points with intervals and bands over two linear axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report.plots import NARROW, Frame, Line, Mark, Plot, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smidgen.types import Array

MOST = 400  # points of one series: a page has to stay small


@dataclass(frozen=True)
class Series:
    """Numbers to be drawn, x and y of equal length. `kind`: line, dashed, guide, specks, dots, whiskers, band.

    `low` and `high` are the ends of whiskers or the edges of a band, as long as x. A series without a name is in no
    legend; one with the `colour` of another shares it.
    """

    x: Array
    y: Array
    kind: str = "line"
    name: str = ""
    colour: int = 0
    low: Array | None = None
    high: Array | None = None
    titles: Sequence[str] = ()


@dataclass(frozen=True)
class Axis:
    """One axis, logarithmic where `base` is not 0. Without ends it holds all that is drawn, with some air."""

    name: str = ""
    low: float | None = None
    high: float | None = None
    shown: Callable[[float], str] = fmt.number
    base: int = 0


@dataclass(frozen=True)
class Limit:
    """A line across the plot at a value of the y axis."""

    at: float
    label: str


def chart(
    title: str,
    summary: str,
    x: Axis,
    y: Axis,
    every: Sequence[Series],
    *,
    limits: Sequence[Limit] = (),
    frame: Frame = NARROW,
) -> Plot | None:
    """A plot of what is finite in the series; None where nothing is."""
    series = [_finite(each) for each in every]
    if not any(len(each.x) for each in series):
        return None
    levels = [limit.at for limit in limits]
    heights = [values for each in series for values in _heights(each)]
    across = Scale(*_ends(x, [each.x for each in series], 0.0), frame.left, frame.right, x.base)
    up = Scale(*_ends(y, [*heights, np.array(levels)], 0.05), frame.bottom, frame.top, y.base)
    lines = [line for each in series for line in _lines(each, across, up)]
    lines += [_level(limit, across, up) for limit in limits]
    named = {each.name: each.colour for each in series if each.name}
    return Plot(
        frame,
        title,
        summary,
        x.name,
        across.ticks(x.shown),
        up.ticks(y.shown),
        lines,
        [*(m for each in series for m in _marks(each, across, up)), *(_label(each, across, up) for each in limits)],
        legend=list(named.items()),
    )


def _finite(series: Series) -> Series:
    """At most `MOST` of the points that can be drawn, spread evenly."""
    parts = [np.asarray(each, np.float64) for each in (series.x, series.y, series.low, series.high) if each is not None]
    good = np.flatnonzero(np.all([np.isfinite(each) for each in parts], axis=0))
    if len(good) > MOST:
        good = good[np.linspace(0, len(good) - 1, MOST).round().astype(np.int64)]
    x, y, *edges = (each[good] for each in parts)
    low, high = edges or (None, None)
    titles = [series.titles[place] for place in good.tolist()] if len(series.titles) else []
    return Series(x, y, series.kind, series.name, series.colour, low, high, titles)


def _heights(series: Series) -> Iterator[Array]:
    yield from (each for each in (series.y, series.low, series.high) if each is not None)


def _ends(axis: Axis, values: Sequence[Array], air: float) -> tuple[float, float]:
    every = np.concatenate(values)
    low, high = float(every.min()), float(every.max())
    if axis.base:
        low = max(low, high * 1e-4, 1e-12)
        return (low / 1.2 if axis.low is None else axis.low), (max(high, low) * 1.2 if axis.high is None else axis.high)
    pad = (high - low) * air or (0.0 if high > low else abs(high) * 0.1 or 1.0)
    return (low - pad if axis.low is None else axis.low), (high + pad if axis.high is None else axis.high)


def _path(x: Array, y: Array, across: Scale, up: Scale) -> str:
    return " ".join(f"{across(a):g},{up(b):g}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _lines(series: Series, across: Scale, up: Scale) -> Iterator[Line]:
    kind = {"line": "", "dashed": "dashed", "guide": "guide"}.get(series.kind)
    if kind is not None and len(series.x) > 1:
        yield Line(series.name, _path(series.x, series.y, across, up), series.colour, kind)
    if series.low is None or series.high is None:
        return
    if series.kind == "band":
        x, y = np.concatenate([series.x, series.x[::-1]]), np.concatenate([series.low, series.high[::-1]])
        yield Line(series.name, _path(x, y, across, up), series.colour, "band")
        return
    for at, low, high in zip(series.x.tolist(), series.low.tolist(), series.high.tolist(), strict=True):
        yield Line("", f"{across(at):g},{up(low):g} {across(at):g},{up(high):g}", series.colour, "guide")


def _marks(series: Series, across: Scale, up: Scale) -> Iterator[Mark]:
    kind = {"specks": "speck", "dots": "dot", "whiskers": "dot"}.get(series.kind)
    if kind is None:
        return
    for place, (x, y) in enumerate(zip(series.x.tolist(), series.y.tolist(), strict=True)):
        title = series.titles[place] if series.titles else ""
        yield Mark(across(x), up(y), kind=kind, title=title, series=series.colour)


def _level(limit: Limit, across: Scale, up: Scale) -> Line:
    return Line(limit.label, f"{across.start},{up(limit.at)} {across.end},{up(limit.at)}", 0, "limit")


def _label(limit: Limit, across: Scale, up: Scale) -> Mark:
    return Mark(across.end + 12, up(limit.at) - 8, limit.label, "words", flip=True)
