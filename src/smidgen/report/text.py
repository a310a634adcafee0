"""The page's answer in a few lines, for a terminal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from smidgen.report import answer
from smidgen.report import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.report.facts import Facts


def summary(facts: Facts) -> str:
    """At most 16 lines: the answer, the numbers behind it, and where to go on. Plain text, without markup."""
    lines = [answer.claim(facts), answer.support(facts), ""]
    lines += [f"  {fmt.short(label, 14):<14} {text}" for label, text in _rows(facts)]
    return "\n".join(fmt.clean(line) for line in lines)


def _rows(facts: Facts) -> Iterator[tuple[str, str]]:
    for figure in answer.figures(facts):
        yield figure.label, f"{figure.value}  ({figure.note})" if figure.note else figure.value
    for check in answer.checks(facts):
        verdict = "holds" if check.holds else "FAILS"
        sign = "least" if check.label == "floor" else "most"
        yield check.label, f"{verdict}: {check.used}, at {sign} {check.limit}{check.note}"
    loss, same = facts.evidence.find(f"{facts.metric}_difference"), facts.evidence.find("agreement")
    if loss and same:
        spread = f" ({answer.ends(loss)})" if loss.low < loss.high else ""
        yield "against float", f"{answer.difference(loss)}{spread}, same answer {fmt.value(same)}"
    for pair in answer.confused(facts, most=1):
        yield "mixes up", f"{fmt.short(pair.given, 24)} with {fmt.short(pair.predicted, 24)}, {pair.times} times"
    if facts.candidates:
        fit = sum(candidate.fits for candidate in facts.candidates)
        yield "tried", f"{fmt.plural(len(facts.candidates), 'candidate')}, {fit} of them within the budget"
    if facts.bundle:
        yield "verify", f"smidgen verify {shlex.quote(facts.bundle)}"
