"""Two classes: what the threshold does, in words, numbers and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report import scores
from smidgen.report.charts import Axis, Series, chart
from smidgen.report.panels import Grid, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.report.facts import Facts
    from smidgen.report.plots import Plot
    from smidgen.report.scores import Decisions, Rate
    from smidgen.types import Answer, Array

TITLE = "What acting on it would mean"
OTHERS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)  # thresholds to compare with
SHARE = Axis("", 0.0, 1.0, "{:g}".format)


def panels(facts: Facts) -> list[Panel]:
    """Empty unless there are two classes, both of them in the test part."""
    answer, outcome = facts.answer, facts.outcome
    names = list(getattr(answer, "names", ()))
    if answer is None or outcome is None or len(names) != 2 or np.shape(outcome.output)[1:] != (2,):
        return []
    sought = positive(answer, names)
    score = np.asarray(outcome.output, np.float64)[:, sought]
    is_it = np.asarray(outcome.target) == sought
    if not (0 < int(is_it.sum()) < len(is_it)) or not np.isfinite(score).all():
        return []
    at = threshold(answer)
    made = scores.decisions(score, is_it, at)
    yes, no = fmt.short(names[sought]), fmt.short(names[1 - sought])
    return [
        Panel(text=_words(made, yes, no, facts.noun), grid=_grid(made, scores.auc(score, is_it), yes, no)),
        Panel("How well it ranks, and whether its probabilities come true", plots=_curves(score, is_it, made, yes)),
        _moved(score, is_it, made, facts.noun),
    ]


def positive(answer: Answer, names: Sequence[str]) -> int:
    """Which of two classes is the one to be found: as the answer says, else the second."""
    said = getattr(answer, "positive", None)
    if isinstance(said, str) and said in names:
        return names.index(said)
    return said if said in {0, 1} else 1


def threshold(answer: Answer) -> float:
    """The least probability of the sought class that counts as a yes."""
    said = getattr(answer, "threshold", None)
    return float(said) if isinstance(said, float | int) and 0 < said < 1 else 0.5


def _words(made: Decisions, yes: str, no: str, noun: str) -> list[str]:
    common = fmt.percent(made.found.n / (made.found.n + made.spared.n), 0.04)
    return [
        f"Take what has a probability of {made.threshold:.3g} or more for {yes}, a threshold chosen on validation. "
        f"Of 100 {noun} that are {yes} it then finds {_hundred(made.found)}; of 100 that are {no} it takes "
        f"{_hundred(made.spared, missing=True)} for {yes}.",
        f"When it says {yes}, it is right {_hundred(made.right_yes)} times in 100; when it says {no}, "
        f"{_hundred(made.right_no)} times in 100, where {yes} is as common as here: {common}.",
    ]


def _hundred(rate: Rate, missing: bool = False) -> str:
    """ "97 (93 to 99)" of a hundred."""
    if not rate.n:
        return "no"
    share, low, high = rate.share, rate.low, rate.high
    if missing:
        share, low, high = 1 - share, 1 - high, 1 - low
    return f"{_count(share)} ({_count(low)} to {_count(high)})"


def _count(share: float) -> str:
    """How many of a hundred: whole, but where it is nearly none or all."""
    return f"{100 * share:.0f}" if 0.095 <= share <= 0.985 or share in {0.0, 1.0} else f"{100 * share:.1f}"


def _grid(made: Decisions, area: tuple[float, float, float], yes: str, no: str) -> Grid:
    rows = [
        _row("sensitivity", made.found, f"of those that are {yes}, found"),
        _row("specificity", made.spared, f"of those that are {no}, left alone"),
        _row("positive predictive value", made.right_yes, f"of those called {yes}, right"),
        _row("negative predictive value", made.right_no, f"of those called {no}, right"),
    ]
    sure = f"{area[1]:.3f} to {area[2]:.3f}" if area[1] < area[2] else "none in the wrong order"
    meaning = f"how often a {yes} one ranks above a {no} one (DeLong)"
    rows.append(["AUC", f"{area[0]:.4g}", sure, f"{made.found.n:,} and {made.spared.n:,}", meaning])
    return Grid(
        ("", "value", "95 % interval", "n", "what it is"), rows, "On the test part, at this threshold", words=(4,)
    )


def _row(name: str, rate: Rate, meaning: str) -> list[str]:
    return [
        name,
        fmt.percent(rate.share, rate.high - rate.low),
        fmt.interval(rate.low, rate.high),
        f"{rate.hits:,} of {rate.n:,}",
        meaning,
    ]


def _curves(score: Array, is_it: Array, made: Decisions, yes: str) -> list[Plot | None]:
    false, true = scores.roc(score, is_it)
    area, low, high = scores.auc(score, is_it)
    sure = f", 95 % interval {low:.3f} to {high:.3f}" if low < high else ""
    here = np.array([1 - made.spared.share]), np.array([made.found.share])
    ends = np.array([0.0, 1.0])
    ranked = chart(
        "Found, against false alarms (ROC)",
        f"ROC curve; the area under it is {area:.4f}{sure}",
        Axis("false alarms, of all others", 0.0, 1.0, "{:g}".format),
        SHARE,
        [
            Series(ends, ends, "guide"),
            Series(false, true, name=f"AUC {area:.3f}{sure}"),
            Series(*here, "dots", "the chosen threshold", 1, titles=["The chosen threshold"]),
        ],
    )
    return [ranked, _calibration(score, is_it, yes)]


def _calibration(score: Array, is_it: Array, yes: str) -> Plot | None:
    found = scores.bins(score, is_it)
    mean, share = np.array([each.mean for each in found]), np.array([each.rate.share for each in found])
    low, high = np.array([each.rate.low for each in found]), np.array([each.rate.high for each in found])
    titles = [f"{each.mean:.2f} said, {each.rate.hits:,} of {each.rate.n:,} came true" for each in found]
    ends = np.array([0.0, 1.0])
    return chart(
        "Came true, against the probability given",
        f"Calibration curve in {len(found)} bins with 95 % intervals; on the diagonal, probabilities come true",
        Axis(f"probability of {fmt.short(yes, 24)}", 0.0, 1.0, "{:g}".format),
        SHARE,
        [
            Series(ends, ends, "guide"),
            Series(mean, share, "guide"),
            Series(mean, share, "whiskers", "a bin, with its 95 % interval", 0, low, high, titles),
        ],
    )


def _moved(score: Array, is_it: Array, made: Decisions, noun: str) -> Panel:
    """What other thresholds would do."""
    every = sorted({*OTHERS, round(made.threshold, 4)})
    rows, chosen = [], every.index(round(made.threshold, 4))
    for at in every:
        other = made if at == every[chosen] else scores.decisions(score, is_it, at)
        shares = (other.found.share, 1 - other.spared.share, other.right_yes.share)
        missed = other.found.n - other.found.hits
        rows.append([f"{at:.3g}", *(fmt.percent(share, 0.02) for share in shares), fmt.count(missed)])
    head = ("threshold", "found", "false alarms", "right when it says so", "missed")
    note = "The threshold was chosen on validation. These are test data: to choose another, use data of your own."
    grid = Grid(head, rows, f"Of {len(score):,} test {noun}", marked=chosen)
    return Panel("If the threshold were another", grid=grid, note=note)
