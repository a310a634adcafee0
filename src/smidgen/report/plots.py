"""Where things go in the page's plots, in pixels; `plot.html` draws them.

Drawn by template and not by a plotting library so that a plot takes the page's fonts and its light or dark colours,
says what a point is when pointed at, and comes out the same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.report import format as fmt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from smidgen.types import Candidate, CurvePoint

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 44  # margins, for the labels
RUG = HEIGHT - BOTTOM - 9  # where what was not trained is marked, inside the frame
COLOURS = 6  # series from this one on share a grey
MOST_POINTS = 200  # of a line, and of all marks


@dataclass(frozen=True)
class Mark:
    """A tick, point or straight line at `x`, `y`. `kind`: dot, hollow, chosen, cross; `series` picks the colour."""

    x: float
    y: float
    label: str = ""
    kind: str = ""
    title: str = ""
    series: int = 0
    flip: bool = False  # the label goes to the left of the mark


@dataclass(frozen=True)
class Line:
    """A curve: `path` is what SVG calls points."""

    name: str
    path: str
    series: int


@dataclass(frozen=True)
class Plot:
    """One drawing. `summary` says in words what it shows, for those who cannot see it."""

    title: str
    summary: str
    x_name: str
    x_ticks: Sequence[Mark]
    y_ticks: Sequence[Mark]
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    limits: Sequence[Mark] = ()  # vertical lines
    legend: Sequence[tuple[str, int]] = ()  # name, series


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` as pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, number: float) -> float:
        """The pixel of `number`; what lies outside stays outside, but not by far."""
        low, high, at = (math.log(max(v, 1e-12)) if self.log else v for v in (self.low, self.high, number))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, -9.0), 9.0) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Three to seven round numbers in the range."""
        return _decades(self.low, self.high) if self.log else _steps(self.low, self.high)


def _steps(low: float, high: float) -> list[float]:
    if not high > low:
        return [low]
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * unit for factor in (1, 2, 5) if factor * unit >= rough), 10 * unit)
    return [float(f"{n * step:.10g}") for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**power for power in powers for factor in factors]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) <= 7:
            return ticks
    return ticks[:: math.ceil(len(ticks) / 6)]


def _x(low: float, high: float, log: bool = False) -> Scale:
    return Scale(low, high, LEFT, WIDTH - RIGHT, log)


def _y(low: float, high: float, log: bool = False) -> Scale:
    return Scale(low, high, HEIGHT - BOTTOM, TOP, log)


def _ticks(scale: Scale, shown: Callable[[float], str]) -> tuple[list[Mark], list[Mark]]:
    """The ticks of a scale, as those of an x axis and as those of a y axis."""
    at = [(scale(tick), shown(tick)) for tick in scale.ticks()]
    return [Mark(pixel, HEIGHT - BOTTOM, label) for pixel, label in at], [Mark(LEFT, p, label) for p, label in at]


def curves(points: Sequence[CurvePoint], metric: str) -> list[Plot]:
    """Training loss, and the metric on validation, over epochs: a line for each stage."""
    loss = [(point.stage, point.epoch, point.loss) for point in points]
    score = [(point.stage, point.epoch, 100 * point.metric) for point in points if point.metric is not None]
    stages = list(dict.fromkeys(point.stage for point in points))
    both = (_curve("Training loss", loss, stages), _curve(f"Validation {metric}, %", score, stages))
    return [plot for plot in both if plot]


def _curve(title: str, points: Iterable[tuple[str, float, float]], stages: Sequence[str]) -> Plot | None:
    finite = [(stage, x, y) for stage, x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(finite) < 2:
        return None
    xs, ys = [x for _, x, _ in finite], [y for _, _, y in finite]
    log = min(ys) > 0 and max(ys) > 20 * min(ys)
    low, high = (min(ys), max(ys)) if log else _bulk(ys)
    across, up = _x(min(0.0, *xs), max(xs)), _y(low, high, log)
    lines = []
    for stage in stages:
        own = _thinned([(x, y) for name, x, y in finite if name == stage])
        path = " ".join(f"{across(x)},{up(y)}" for x, y in own)
        if own:
            lines.append(Line(stage, path, min(stages.index(stage), COLOURS)))
    ends = {name: y for name, _, y in finite}
    summary = f"{title} by epoch. At the end: " + ", ".join(f"{name} {y:.4g}" for name, y in ends.items())
    legend = [(line.name, line.series) for line in lines if line.series < COLOURS]
    if len(lines) > COLOURS:
        legend.append((f"{len(lines) - COLOURS} more", COLOURS))
    x_ticks, y_ticks = _ticks(across, "{:g}".format)[0], _ticks(up, "{:g}".format)[1]
    return Plot(title, summary, "epoch", x_ticks, y_ticks, lines, legend=legend)


def _bulk(values: Sequence[float]) -> tuple[float, float]:
    """A range that shows how a rising curve settles: far below its middle it is cut off."""
    ordered = sorted(values)
    top, middle = ordered[-1], ordered[len(ordered) // 2]
    low = max(ordered[0], middle - 3 * (top - middle)) if top > middle else ordered[0]
    pad = (top - low) * 0.06 or abs(top) * 0.01 or 1.0
    return low - pad, top + pad


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    stride = math.ceil(len(points) / MOST_POINTS) or 1
    return points[::stride] + (points[-1:] if stride > 1 else [])


def candidates(tried: Sequence[Candidate], metric: str, flash_bytes: int | None) -> Plot | None:
    """Size against the metric on validation; what was not trained is marked along the bottom."""
    shown = [candidate for candidate in tried if candidate.cost.flash_bytes > 0]
    shown = [c for c in shown if c.chosen] + [c for c in shown if not c.chosen][: MOST_POINTS - 1]
    if len(shown) < 2:
        return None
    families = list(dict.fromkeys(candidate.family for candidate in shown))
    sizes = [candidate.cost.flash_bytes / 1024 for candidate in shown]
    ends = [*sizes, flash_bytes / 1024] if flash_bytes and flash_bytes / 1024 < 100 * max(sizes) else sizes
    scores = [100 * c.metric for c in shown if c.metric is not None and math.isfinite(c.metric)] or [0.0, 100.0]
    across = _x(min(ends) / 1.3, max(ends) * 1.3, log=True)
    up = Scale(min(scores), max(scores), RUG - 18, TOP + 12)
    marks = [_mark(candidate, across, up, families) for candidate in reversed(shown)]  # the chosen one lies on top
    limits = [Mark(across(ends[-1]), TOP, f"flash {fmt.size(ends[-1] * 1024)}")] if ends is not sizes else []
    limits = [Mark(m.x, m.y, m.label, flip=m.x > WIDTH / 2) for m in limits]
    legend = [(family, min(index, COLOURS)) for index, family in enumerate(families[:COLOURS])]
    summary = f"{len(shown)} candidates, size in flash against {metric} on validation"
    x_ticks = _ticks(across, lambda kb: fmt.size(kb * 1024).replace(".00", "").replace(".0", ""))[0]
    title, y_ticks = f"Validation {metric}, %", _ticks(up, "{:g}".format)[1]
    return Plot(title, summary, "flash (log scale)", x_ticks, y_ticks, (), marks, limits, legend)


def _mark(candidate: Candidate, across: Scale, up: Scale, families: Sequence[str]) -> Mark:
    x, series = across(candidate.cost.flash_bytes / 1024), min(families.index(candidate.family), COLOURS)
    title = f"{candidate.family}, {fmt.count(candidate.cost.parameters)} parameters"
    title += f", {fmt.size(candidate.cost.flash_bytes)}"
    if candidate.metric is None or not math.isfinite(candidate.metric):
        return Mark(x, RUG, kind="cross", title=f"{title}: {candidate.reason or 'not trained'}", series=series)
    title += f": {fmt.percent(candidate.metric)}"
    kind = "chosen" if candidate.chosen else "dot" if candidate.fits else "hollow"
    label = "chosen" if candidate.chosen else ""
    return Mark(x, up(100 * candidate.metric), label, kind, title, series, flip=x > WIDTH * 0.75)
