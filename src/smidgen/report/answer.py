"""What a reader wants to know first, in words: the same for the page and the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smidgen.report import format as fmt
from smidgen.report.facts import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smidgen.report.facts import Facts
    from smidgen.types import Measure


@dataclass(frozen=True)
class Figure:
    """One big number."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Check:
    """One limit held against the model. `share`: used / allowed; for a floor, reached / wanted."""

    label: str
    used: str
    limit: str
    share: float
    holds: bool
    note: str = ""


@dataclass(frozen=True)
class Confused:
    """A class that is taken for another: `times`, and as a fraction of the examples of `given`."""

    given: str
    predicted: str
    times: int
    share: float


def claim(facts: Facts) -> str:
    """The answer in one sentence."""
    whole = facts.number("file_bytes")
    subject = f"This {fmt.size(whole)} model" if whole else "This model"
    result = facts.result
    if not result:
        return f"{subject} has not been measured on test data."
    kind = facts.answer.kind if facts.answer is not None else "classes" if facts.metric == "accuracy" else ""
    said = CLAIMS[kind](facts, result) if kind in CLAIMS else ""
    return f"{subject} {said or f'reaches {fmt.named(facts.metric)} {fmt.value(result)}'}."


def _right(facts: Facts, result: Measure) -> str:
    return f"is right {fmt.value(result)} of the time" if facts.metric == "accuracy" else ""


def _off(facts: Facts, result: Measure) -> str:
    """How far off values are, and how much better than a simple guess that is."""
    error = facts.evidence.find("mae", SHIPPED) or facts.evidence.find("rmse", SHIPPED)
    guess = "always naming the mean" if result.name == "r2" else "the naive forecast"
    better = f"{fmt.percent(result.value, 0.04)} less squared error than {guess}" if 0 < result.value < 1 else ""
    if error is None or not math.isfinite(error.value):
        return f"has {better}" if better else ""
    off = f"is off by {fmt.value(replace(error, value=float(f'{error.value:.3g}')))} on average"
    return f"{off}, with {better}" if better and result.name == "r2" else off


def _found(facts: Facts, result: Measure) -> str:
    """How many faults are found, and at what price."""
    found, false = (facts.evidence.find(f"{name}_rate", SHIPPED) for name in ("detection", "false_alarm"))
    if found is None or false is None or math.isnan(found.value):
        return f"is right about {fmt.value(result)} of {facts.noun}"
    return f"finds {fmt.value(found)} of what is not normal, with {fmt.value(false)} false alarms"


def _ranked(facts: Facts, result: Measure) -> str:
    """The quality of lists beside that of popularity."""
    blind = facts.evidence.find(f"{result.name}_popularity", SHIPPED)
    beside = f"; popularity alone reaches {fmt.value(blind)}" if blind else ""
    return f"ranks with an {fmt.named(result.name)} of {fmt.value(result)}{beside}"


CLAIMS: dict[str, Callable[[Facts, Measure], str]] = {
    "classes": _right,
    "values": _off,
    "score": _found,
    "ranking": _ranked,
}


def support(facts: Facts) -> str:
    """What the claim rests on, and whether the model fits: two or three sentences."""
    return " ".join(_support(facts))


def _support(facts: Facts) -> Iterator[str]:
    if len(facts.classes) > 1:
        yield f"It tells {fmt.plural(len(facts.classes), 'class', 'classes')} apart."
    result = facts.result
    if result:
        sure = f"; 95 % interval {fmt.spread(result)}" if fmt.spread(result) else ""
        yield f"Measured on {fmt.count(result.n)} test {facts.noun} it has never seen{sure}."
    every = [check for check in checks(facts) if check.label != "floor"]
    over = [f"{check.label} is {fmt.percent(check.share - 1, 0.04)} over" for check in every if not check.holds]
    memory = [check for check in every if check.label != "parameters"] or every
    spare = [f"{fmt.percent(1 - check.share, 0.04)} of {check.label}" for check in memory]
    device = fmt.short(facts.device) or "the budget"
    if over:
        yield f"It does not fit {device}: {' and '.join(over)}."
    elif spare:
        yield f"It fits {device} with {' and '.join(spare)} to spare."
    yield from (f"It misses the floor of {c.limit}." for c in checks(facts) if c.label == "floor" and not c.holds)


def figures(facts: Facts) -> list[Figure]:
    """The big numbers, as far as they are known."""
    result = facts.result
    found = [Figure(fmt.named(facts.metric), fmt.value(result), fmt.spread(result))] if result else []
    found += [Figure(fmt.named(m.name), fmt.value(m), fmt.spread(m)) for m in _further(facts)]
    macs = facts.number("macs")
    rows = (
        ("file", "file_bytes", fmt.size, "model.onnx, all of it"),
        ("parameters", "parameters", fmt.count, f"{fmt.count(macs)} multiply-adds" if macs else ""),
        ("memory", "ram_bytes", fmt.size, "while it runs"),
        ("time", "latency_ms", fmt.duration, "each, on one thread here"),
    )
    for label, name, shown, note in rows:
        number = facts.number(name)
        if number is not None:
            found.append(Figure(label, shown(number), note))
    return found


def _further(facts: Facts) -> Iterator[Measure]:
    """A further measure of the answer that is worth a big number."""
    for name in ("rmse", "auc", "false_alarm_rate", "recall@10"):
        measure = facts.evidence.find(name, SHIPPED)
        if measure is not None and math.isfinite(measure.value) and name != facts.metric:
            yield measure
            return


def checks(facts: Facts) -> list[Check]:
    """Every limit that was set, held against the model."""
    budget, result = facts.budget, facts.result
    flash = facts.number("flash_bytes") or facts.number("file_bytes")
    rows = (
        ("flash", flash, budget.flash_bytes, fmt.size),
        ("RAM", facts.number("ram_bytes"), budget.ram_bytes, fmt.size),
        ("parameters", facts.number("parameters"), budget.parameters, fmt.count),
    )
    found = [
        Check(label, shown(used), shown(limit), used / limit, used <= limit)
        for label, used, limit, shown in rows
        if used is not None and limit
    ]
    if facts.floor and result:
        found.append(_floor(result, facts.floor))
    return found


def _floor(result: Measure, floor: float) -> Check:
    holds = result.value >= floor
    reached = fmt.value(result)
    if not holds:  # 98.97 % must not read as 99 %
        reached = f"{result.value:.6g}" if fmt.index(result.name) else fmt.percent(result.value, 0.0004)
    note = " (its whole interval too)" if result.low >= floor else " (its interval reaches below)"
    least = f"{floor:.6g}" if fmt.index(result.name) else f"{100 * floor:.6g} %"
    return Check("floor", reached, least, result.value / floor, holds, note if holds else "")


def certainty(facts: Facts) -> list[tuple[str, str]]:
    """How far the claim can be trusted: (question, answer) pairs."""
    find = facts.evidence.find
    result, loss = facts.result, find(f"{facts.metric}_difference")
    same, gap = find("agreement"), find("calibration_error")
    found = []
    if result and result.low < result.high:
        found.append(("How well will it do on new data of this kind?", _expected(facts, result)))
    if loss and loss.low <= loss.high:
        found.append(("What did making it small cost?", _cost(facts, loss)))
    if same:
        sure = f" ({fmt.spread(same)})" if fmt.spread(same) else ""
        text = f"The shipped model and the float model it came from decide alike in {fmt.value(same)} of cases{sure}."
        found.append(("Is it still the model that was trained?", text))
    if gap:
        text = f"On average its probabilities miss the rate at which it is right by {fmt.percent(gap.value)}."
        found.append(("Does it know when it is unsure?", text))
    return found


def _expected(facts: Facts, result: Measure) -> str:
    text = f"Between {fmt.spread(result).replace(' to ', ' and ')}, with 95 % confidence."
    if facts.metric != "accuracy":
        return text
    wrong = round((1 - result.value) * result.n)
    text += f" It got {fmt.count(wrong)} of {fmt.count(result.n)} wrong."
    rows = [sum(row) for row in facts.evidence.confusion]
    if any(rows):
        text += f" Always naming the commonest class would be right {fmt.percent(max(rows) / sum(rows))} of the time."
    return text


def _cost(facts: Facts, loss: Measure) -> str:
    low, high = loss.low, loss.high
    paired = f", paired on the same {facts.noun}" if low < high else ""
    spread = f"{difference(loss)} of {fmt.named(facts.metric)}" + (f" ({ends(loss)})" if low < high else "")
    if low <= 0 <= high:
        return f"Nothing that {fmt.count(loss.n)} {facts.noun} can show: {spread}{paired}."
    return f"A real {'loss' if loss.value < 0 else 'gain'}: {spread}{paired}."


def difference(loss: Measure) -> str:
    """A difference of the metric: "-0.02 points", or "-0.002" of one that is no share."""
    if fmt.index(loss.name) or loss.unit != "fraction":
        return f"{round(loss.value, 3) + 0.0:+.3f}"
    return f"{fmt.points(loss.value)} points"


def ends(loss: Measure) -> str:
    """The interval of a difference: "-0.09 to 0.01"."""
    return " to ".join(difference(replace(loss, value=end)).removesuffix(" points") for end in (loss.low, loss.high))


def confused(facts: Facts, most: int = 15) -> list[Confused]:
    """The pairs of classes that the model mixes up, most often first."""
    pairs = [
        Confused(facts.classes[i], facts.classes[j], times, times / sum(row))
        for i, row in enumerate(facts.evidence.confusion)
        for j, times in enumerate(row)
        if i != j and times
    ]
    return sorted(pairs, key=lambda pair: (-pair.times, -pair.share))[:most]
