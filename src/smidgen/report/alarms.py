"""Scores of what is normal and what is not: when the alarm goes off, how early, and how often for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report import scores
from smidgen.report.charts import Axis, Limit, Series, chart
from smidgen.report.panels import Grid, Panel, measured
from smidgen.report.plots import NARROW, WIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.report.facts import Facts
    from smidgen.report.plots import Frame, Plot
    from smidgen.types import Array

TITLE = "When it raises the alarm"
ALARM = 1.0  # a score of this or more: the graph divides by its threshold
RUNS = 4  # drawn
LISTED = 30
POINTS = 300
OTHERS = (0.5, 0.75, 1.0, 1.5, 2.0, 4.0)  # thresholds to compare with


def panels(facts: Facts) -> list[Panel]:
    """Empty unless scores of the test part are known."""
    if facts.outcome is None or not len(facts.outcome.target):
        return []
    score = np.nan_to_num(np.asarray(facts.outcome.output, np.float64).reshape(len(facts.outcome.target), -1)[:, 0])
    fault = np.asarray(facts.outcome.target).reshape(-1) != 0
    runs = list(_runs(facts, len(score)))
    frame = NARROW if len(runs) > 1 else WIDE
    return [
        Panel(text=_words(score, fault, facts.noun), grid=measured(facts)),
        Panel("Scores in order of time", plots=[_drawn(name, score[at], fault[at], frame) for name, at in runs[:RUNS]]),
        _each(runs, score, fault, facts.noun),
        _moved(score, fault, facts.noun),
    ]


def _runs(facts: Facts, count: int) -> Iterator[tuple[str, Array]]:
    """What belongs together, and where it stands: in the order in which it comes."""
    groups = list(facts.outcome.groups) if facts.outcome else []
    if len(groups) != count:
        yield "", np.arange(count)
        return
    whole = np.asarray(groups, object)
    for name in dict.fromkeys(groups):
        yield str(name), np.flatnonzero(whole == name)


def _words(score: Array, fault: Array, noun: str) -> list[str]:
    yes = score >= ALARM
    normal = scores.Rate(int((yes & ~fault).sum()), int((~fault).sum()))
    found = scores.Rate(int((yes & fault).sum()), int(fault.sum()))
    words = []
    if normal.n:
        share = fmt.percent(normal.share, normal.high - normal.low)
        words.append(f"Of {normal.n:,} normal {noun} {normal.hits:,} raise a false alarm: {share} ({_sure(normal)}).")
    if found.n:
        share = fmt.percent(found.share, found.high - found.low)
        words.append(f"Of {found.n:,} faulty ones it finds {found.hits:,}: {share} ({_sure(found)}).")
    return words


def _sure(rate: scores.Rate) -> str:
    return f"95 % interval {fmt.interval(rate.low, rate.high)}"


def _drawn(name: str, score: Array, fault: Array, frame: Frame) -> Plot | None:
    """The highest score of each stretch, so that no alarm is lost."""
    width = max(1, -(-len(score) // POINTS))
    starts = np.arange(0, len(score), width)
    tops, faulty = np.maximum.reduceat(score, starts), np.maximum.reduceat(fault.astype(np.int64), starts) > 0
    least = max(float(tops.max()) * 1e-4, float(tops[tops > 0].min()) if (tops > 0).any() else 0.1, 1e-6)
    tops = np.maximum(tops, least)
    floor, roof = np.full(len(starts), least / 1.2), np.full(len(starts), max(float(tops.max()), ALARM) * 1.2)
    where = np.where(faulty, starts, np.nan)
    series = [Series(where, tops, "band", "what was a fault", 1, floor, roof)] if faulty.any() else []
    return chart(
        f"Score{f', {name}' if name else ''}",
        f"The score of {len(score)} examples in order; the alarm goes off from {ALARM:g} on",
        Axis("example", shown=fmt.count),
        Axis(base=10),
        [*series, Series(starts, tops, name="score")],
        limits=[Limit(ALARM, "alarm")],
        frame=frame,
    )


def _each(runs: list[tuple[str, Array]], score: Array, fault: Array, noun: str) -> Panel:
    """Every run: false alarms before its fault, and how long it took to notice it."""
    rows = []
    delays = [_delay(score[at] >= ALARM, fault[at]) for _, at in runs]
    for (name, at), delay in list(zip(runs, delays, strict=True))[:LISTED]:
        yes, own = score[at] >= ALARM, fault[at]
        late = "" if delay is None else "never" if delay < 0 else fmt.count(delay)
        found = fmt.percent(float(yes[own].mean()), 0.02) if own.any() else ""
        false = f"{int((yes & ~own).sum()):,} of {int((~own).sum()):,}" if not own.all() else ""
        rows.append([fmt.short(name or "all"), false, found, late])
    grid = Grid(("", "false alarms", f"faulty {noun} found", f"{noun} until the first alarm"), rows)
    note = f"And {len(runs) - LISTED:,} more." if len(runs) > LISTED else ""
    return Panel("Each run", _noticed([delay for delay in delays if delay is not None], noun), grid=grid, note=note)


def _delay(yes: Array, fault: Array) -> int | None:
    """Examples from the start of a run's fault to its first alarm; -1: none came. None: there was no fault."""
    if not fault.any():
        return None
    alarms = np.flatnonzero(yes & fault)
    return int(alarms[0] - fault.argmax()) if len(alarms) else -1


def _noticed(delays: list[int], noun: str) -> list[str]:
    """How soon faults are noticed, in a sentence."""
    seen = [delay for delay in delays if delay >= 0]
    if not delays:
        return []
    whole = f"Of {fmt.plural(len(delays), 'run')} with a fault it notices {len(seen):,}"
    return [
        f"{whole}, after {np.median(seen):g} {noun} (median), {max(seen):,} at the latest." if seen else f"{whole}."
    ]


def _moved(score: Array, fault: Array, noun: str) -> Panel:
    """What other thresholds would do."""
    rows = []
    for factor in OTHERS:
        made = scores.decisions(score, fault, factor * ALARM)
        per_thousand = f"{1000 * (1 - made.spared.share):.3g}" if made.spared.n else ""
        rows.append([f"{factor:g}", per_thousand, fmt.percent(made.found.share, 0.02) if made.found.n else ""])
    head = ("threshold, as a multiple of this one", f"false alarms in 1,000 normal {noun}", "faults found")
    note = "The threshold comes from the false alarms allowed, on normal data that are neither for training nor these."
    return Panel("If the threshold were another", grid=Grid(head, rows, marked=OTHERS.index(1.0)), note=note)
