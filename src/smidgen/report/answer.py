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
    bounds = [check for check in checks(facts) if check.label != "Floor"]
    over = [check for check in bounds if not check.holds]
    device = facts.limits.device or "the budget"
    if over:
        excess = " and ".join(f"{check.label} is {fmt.percent(check.share - 1, 0.02)} over" for check in over)
        yield f"It does not fit {device}: {excess}."
    elif bounds:
        spare = " and ".join(f"{fmt.percent(1 - check.share, 0.02)} of {check.label}" for check in bounds)
        yield f"It fits {device} with {spare} to spare."


def figures(facts: Facts) -> list[Figure]:
    """The big numbers, as far as they are known."""
    result = facts.result
    found = [Figure(facts.metric.replace("_", " "), fmt.value(result), fmt.spread(result))] if result else []
    macs = facts.number("macs")
    rows = (
        ("file", "file_bytes", fmt.size, "model.onnx, all of it"),
        ("parameters", "parameters", fmt.count, f"{fmt.count(macs)} multiply-adds" if macs else ""),
        ("memory", "ram_bytes", fmt.size, "while it runs"),
        ("time", "latency_ms", fmt.duration, "for one, on this host, 1 thread"),
    )
    for label, name, shown, note in rows:
        number = facts.number(name)
        if number is not None:
            found.append(Figure(label, shown(number), note))
    return found


def checks(facts: Facts) -> list[Check]:
    """Every limit that was set, held against the model."""
    limits, result = facts.limits, facts.result
    flash = facts.number("flash_bytes") or facts.number("file_bytes")
    rows = (
        ("flash", flash, limits.flash_bytes, fmt.size),
        ("RAM", facts.number("ram_bytes"), limits.ram_bytes, fmt.size),
        ("parameters", facts.number("parameters"), limits.parameters, fmt.count),
    )
    found = [
        Check(label, shown(used), shown(limit), used / limit, used <= limit)
        for label, used, limit, shown in rows
        if used is not None and limit
    ]
    if limits.floor and result:
        note = "so is its whole interval" if result.low >= limits.floor else "but its interval reaches below"
        holds = result.value >= limits.floor
        share = result.value / limits.floor
        found.append(
            Check("Floor", fmt.value(result), fmt.percent(limits.floor, 0.02), share, holds, note if holds else "")
        )
    return found


def certainty(facts: Facts) -> list[tuple[str, str]]:
    """How far the claim can be trusted: (question, answer) pairs."""
    find = facts.evidence.find
    result, loss = facts.result, find(f"{facts.metric}_difference")
    same, gap = find("agreement"), find("calibration_error")
    found = []
    if result and result.low != result.high:
        found.append(("How well will it do on new data of this kind?", _expected(facts, result)))
    if loss:
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
