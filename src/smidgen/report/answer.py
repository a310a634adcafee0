"""What a reader wants to know first, in words: the same for the page and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.report import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    if facts.metric == "accuracy":
        return f"{subject} is right {fmt.value(result)} of the time."
    return f"{subject} reaches {facts.metric.replace('_', ' ')} {fmt.value(result)}."


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
    found = [Figure(facts.metric.replace("_", " "), fmt.value(result), fmt.spread(result))] if result else []
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
    reached = fmt.value(result) if holds else fmt.percent(result.value, 0.0004)  # 98.97 % must not read as 99 %
    note = " (its whole interval too)" if result.low >= floor else " (its interval reaches below)"
    return Check("floor", reached, f"{100 * floor:.6g} %", result.value / floor, holds, note if holds else "")


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
    text = f"Between {fmt.interval(result.low, result.high).replace(' to ', ' and ')}, with 95 % confidence."
    if facts.metric != "accuracy":
        return text
    wrong = round((1 - result.value) * result.n)
    text += f" It got {fmt.count(wrong)} of {fmt.count(result.n)} wrong."
    rows = [sum(row) for row in facts.evidence.confusion]
    if any(rows):
        text += f" Always naming the commonest class would be right {fmt.percent(max(rows) / sum(rows))} of the time."
    return text


def _cost(facts: Facts, loss: Measure) -> str:
    spread = f"{fmt.points(loss.value)} points of {facts.metric} ({fmt.points(loss.low)} to {fmt.points(loss.high)})"
    if loss.low <= 0 <= loss.high:
        return f"Nothing that {fmt.count(loss.n)} {facts.noun} can show: {spread}, paired on the same {facts.noun}."
    return f"A real {'loss' if loss.value < 0 else 'gain'}: {spread}, paired on the same {facts.noun}."


def confused(facts: Facts, most: int = 15) -> list[Confused]:
    """The pairs of classes that the model mixes up, most often first."""
    pairs = [
        Confused(facts.classes[i], facts.classes[j], times, times / sum(row))
        for i, row in enumerate(facts.evidence.confusion)
        for j, times in enumerate(row)
        if i != j and times
    ]
    return sorted(pairs, key=lambda pair: (-pair.times, -pair.share))[:most]
