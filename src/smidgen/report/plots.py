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

LEFT, RIGHT, TOP, BOTTOM = 50, 12, 14, 42  # margins, for the labels
RUG = 10  # above the x axis is marked what was not trained
COLOURS = 6  # series from this one on share a grey
MOST_POINTS = 100  # of a line, and of all marks


@dataclass(frozen=True)
class Mark:
    """A point or a vertical line at `x`, `y`. `kind`: dot, hollow, chosen, cross, speck; `series` picks the colour."""

    x: float
    y: float
    label: str = ""
    kind: str = ""
    title: str = ""
    series: int = 0
    flip: bool = False  # the label goes to the left of the mark


@dataclass(frozen=True)
class Line:
    """A curve: `path` is what SVG calls points. `kind`: "" (drawn), dashed, guide (thin), band (filled), limit."""

    name: str
    path: str
    series: int
    kind: str = ""


@dataclass(frozen=True)
class Frame:
    """The size of a drawing and, within its margins, the sides of the plot itself."""

    width: int
    height: int
    left: int = LEFT
    top: int = TOP

    @property
    def right(self) -> int:
        """Where the x axis ends."""
        return self.width - RIGHT

    @property
    def bottom(self) -> int:
        """Where the x axis lies."""
        return self.height - BOTTOM


NARROW = Frame(352, 250)  # two of them side by side
WIDE = Frame(560, 320)


@dataclass(frozen=True)
class Plot:
    """One drawing. `summary` says in words what it shows, for those who cannot see it."""

    frame: Frame
    title: str
    summary: str
    x_name: str
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    limits: Sequence[Mark] = ()  # vertical lines
    legend: Sequence[tuple[str, int]] = ()  # name, series


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` as pixels from `start` to `end`; logarithmic where `base` is not 0."""

    low: float
    high: float
    start: float
    end: float
    base: int = 0

    def __call__(self, number: float) -> float:
        """The pixel of `number`; what lies outside stays outside, but not by far."""
        low, high, at = (math.log(max(v, 1e-12)) if self.base else v for v in (self.low, self.high, number))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, -9.0), 9.0) * (self.end - self.start), 1)

    def ticks(self, shown: Callable[[float], str] = "{:g}".format) -> list[tuple[float, str]]:
        """Up to eight round numbers in the range, as (pixel, label)."""
        numbers = _powers(self.low, self.high, self.base) if self.base else _steps(self.low, self.high)
        return [(self(number), shown(number)) for number in numbers]


def _steps(low: float, high: float) -> list[float]:
    if not high > low:
        return [low]
    rough = (high - low) / 8
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * unit for factor in (1, 2, 5) if factor * unit >= rough), 10 * unit)
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _powers(low: float, high: float, base: int) -> list[float]:
    """Powers of `base` in the range; with base 10 also their doubles and quintuples while there is room."""
    powers = [float(base) ** n for n in range(math.floor(math.log(low, base)), math.ceil(math.log(high, base)) + 1)]
    fine = [factor * power for power in powers for factor in ((1, 2, 5) if base == 10 else (1,))]
    ticks = [tick for tick in fine if low * 0.999 <= tick <= high * 1.001]
    if len(ticks) > 7 and base == 10:
        ticks = [tick for tick in powers if low * 0.999 <= tick <= high * 1.001]
    return ticks[:: math.ceil(len(ticks) / 7) or 1]


def curves(points: Sequence[CurvePoint], metric: str) -> list[Plot]:
    """Training loss, and the metric on validation, over epochs: a line for each stage."""
    factor, name = _measured(metric)
    loss = [(point.stage, point.epoch, point.loss) for point in points]
    score = [(point.stage, point.epoch, factor * point.metric) for point in points if point.metric is not None]
    stages = list(dict.fromkeys(point.stage for point in points))
    both = (_curve("Training loss", loss, stages), _curve(name, score, stages))
    return [plot for plot in both if plot]


def _measured(metric: str) -> tuple[int, str]:
    """What a metric on validation is multiplied by, and how its axis is called."""
    return (1, f"Validation {fmt.named(metric)}") if fmt.index(metric) else (100, f"Validation {fmt.named(metric)}, %")


def _curve(title: str, points: Iterable[tuple[str, float, float]], stages: Sequence[str]) -> Plot | None:
    finite = [(stage, x, y) for stage, x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(finite) < 2:
        return None
    xs, ys = [x for _, x, _ in finite], [y for _, _, y in finite]
    log = min(ys) > 0 and max(ys) > 20 * min(ys)
    low, high = (min(ys), max(ys)) if log else _bulk(ys)
    frame = NARROW
    across = Scale(min(0.0, *xs), max(xs), frame.left, frame.right)
    up = Scale(low, high, frame.bottom, frame.top, base=10 if log else 0)
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
    return Plot(frame, title, summary, "epoch", across.ticks(), up.ticks(), lines, legend=legend)


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
    factor, title = _measured(metric)
    scores = [factor * c.metric for c in shown if c.metric is not None and math.isfinite(c.metric)] or [0.0, 100.0]
    sizes = [candidate.cost.flash_bytes for candidate in shown]
    budget = [flash_bytes] if flash_bytes and flash_bytes < 100 * max(sizes) else []
    across = Scale(min(sizes) / 1.3, max(sizes + budget) * 1.3, WIDE.left, WIDE.right, base=2)
    up = Scale(min(scores), max(scores), WIDE.bottom - 2 * RUG, WIDE.top + 12)
    families = list(dict.fromkeys(candidate.family for candidate in shown))
    return Plot(
        WIDE,
        title,
        f"{len(shown)} candidates, size in flash against {fmt.named(metric)} on validation",
        "flash, log scale",
        across.ticks(lambda size: f"{size / 1024:g} KB" if size < 2**20 else f"{size / 2**20:g} MB"),
        up.ticks(),
        marks=[_mark(each, across, up, families, metric) for each in reversed(shown)],  # the chosen one on top
        limits=[Mark(across(limit), TOP, f"limit {fmt.size(limit)}", flip=True) for limit in budget],
        legend=[(family, min(index, COLOURS)) for index, family in enumerate(families[:COLOURS])],
    )


def _mark(candidate: Candidate, across: Scale, up: Scale, families: Sequence[str], name: str) -> Mark:
    cost, metric = candidate.cost, candidate.metric
    x, series = across(cost.flash_bytes), min(families.index(candidate.family), COLOURS)
    title = f"{fmt.short(candidate.family)}, {fmt.plural(cost.parameters, 'parameter')}, {fmt.size(cost.flash_bytes)}: "
    if metric is None or not math.isfinite(metric):
        title += candidate.reason or "not trained"
        return Mark(x, WIDE.bottom - RUG, kind="cross", title=title, series=series)
    kind = "chosen" if candidate.chosen else "dot" if candidate.fits else "hollow"
    label = "chosen" if candidate.chosen else ""
    at = up(_measured(name)[0] * metric)
    return Mark(x, at, label, kind, title + fmt.scored(metric, name), series, flip=x > WIDE.width * 0.8)
