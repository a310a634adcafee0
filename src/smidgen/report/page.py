"""The page that comes with a model: one HTML file that needs no other, runs no script and fetches nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smidgen.report import alarms, answer, decisions, examples, plots, rankings, usage, values
from smidgen.report import format as fmt
from smidgen.report.facts import Facts
from smidgen.report.panels import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from smidgen.evidence import ClassScore
    from smidgen.report.examples import Shown
    from smidgen.report.facts import Mistake
    from smidgen.types import Candidate, Measure

__all__ = ["Facts", "render"]

MATRIX = 12  # up to so many classes, confusion is shown whole
ROWS = 12  # of a table before the rest is folded away
MOST_ROWS = 60
MOST_CLASSES = 100
LISTED = 10  # of a list of names
PICTURES = 24
HEARD = 4  # sounds
PICTURE_BYTES = 80_000  # in all, so that the page stays small
NUMBERS = (
    fmt.percent,
    fmt.interval,
    fmt.size,
    fmt.duration,
    fmt.clock,
    fmt.count,
    fmt.plural,
    fmt.value,
    fmt.spread,
    fmt.scored,
)
KINDS: dict[str, Any] = {
    "classes": decisions,
    "values": values,
    "score": alarms,
    "ranking": rankings,
}  # by kind of answer
SECTIONS = (
    ("sure", "How sure is this?"),
    ("outcome", "How it does"),
    ("errors", "What it mixes up"),
    ("mistakes", "Its mistakes, as it saw them"),
    ("learning", "How it learnt"),
    ("tried", "What was tried"),
    ("data", "The data"),
    ("inside", "Inside the file"),
    ("use", "How to use it"),
    ("origin", "Where this comes from"),
)


def render(facts: Facts) -> str:
    """The page for a model, from whatever is known of it.

    The same facts give the same page, byte for byte. Nothing in them is taken for markup.
    """
    context = _context(facts)
    sections = [(name, _title(name, title, facts)) for name, title in SECTIONS if context[name]]
    page = _environment().get_template("page.html").render(facts=facts, sections=sections, **context)
    return fmt.clean(page)


def _title(name: str, title: str, facts: Facts) -> str:
    """The title of a section; some depend on what the model answers."""
    kind = facts.answer.kind if facts.answer is not None else ""
    if name == "outcome":
        return str(KINDS[kind].TITLE)
    if name == "mistakes":
        return {"values": "Where it is furthest off", "ranking": "Some people, and their lists"}.get(kind, title)
    return title


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {number.__name__: _unbroken(number) for number in NUMBERS}
    environment.filters |= {"short": fmt.short, "unbroken": fmt.unbroken, "named": fmt.named}
    return environment


def _unbroken(shown: Any) -> Any:
    return lambda *values: fmt.unbroken(shown(*values))


def _context(facts: Facts) -> dict[str, Any]:
    """What the template needs. Under the name of a section: its content, empty where there is nothing to say."""
    return {
        "claim": answer.claim(facts),
        "support": answer.support(facts),
        "figures": answer.figures(facts),
        "checks": answer.checks(facts),
        "metric": fmt.named(facts.metric),
        "judged": fmt.named(facts.judged),
        "outcome": _outcome(facts),
        "sure": {"pairs": answer.certainty(facts), **_forms(facts)} if answer.certainty(facts) else None,
        "errors": _errors(facts),
        "mistakes": _mistakes(facts),
        "learning": _learning(facts),
        "tried": _tried(facts),
        "data": facts.data,
        "inside": _inside(facts),
        "use": {"commands": usage.commands(facts), "python": usage.python(facts)},
        "origin": {
            "measures": (*facts.evidence.measures, *facts.evidence.comparison),
            "options": dict(facts.options),
            "facts": _provenance(facts),
        },
        "listed": LISTED,
        "rows": ROWS,
        "most_rows": MOST_ROWS,
        "most_classes": MOST_CLASSES,
    }


def _provenance(facts: Facts) -> list[tuple[str, Any]]:
    evidence = facts.evidence
    return [
        ("family", f"{facts.family}, size {fmt.count(facts.size)}" if facts.size is not None else facts.family),
        ("created", evidence.created),
        ("seeds", ", ".join(map(str, evidence.seeds))),
        ("data", evidence.data_fingerprint),
        *{**evidence.host, **facts.versions}.items(),
    ]


def _forms(facts: Facts) -> dict[str, Any]:
    """The metric of every form that was measured, and the axis that holds all their intervals."""
    forms = [m for m in facts.evidence.measures if m.name == facts.metric and m.low < m.high]
    floor = facts.floor
    axis = _axis(forms)
    return {"forms": forms, "axis": axis, "floor": floor if floor and axis[0] < floor < axis[1] else None}


def _axis(ranges: Sequence[Measure | ClassScore]) -> tuple[float, float]:
    """Ends of an axis, as fractions, with some air around all intervals."""
    if not ranges:
        return 0.0, 1.0
    low, high = min(each.low for each in ranges), max(each.high for each in ranges)
    air = (high - low) * 0.15 or 0.01
    return (max(0.0, low - air) if low >= 0 else low - air), min(1.0, high + air)


def _errors(facts: Facts) -> dict[str, Any] | None:
    scores = facts.evidence.per_class
    pairs = answer.confused(facts)
    if not (scores or pairs):
        return None
    confusion = facts.evidence.confusion
    whole = 2 <= len(confusion) <= MATRIX
    hottest = max([0.02, *(pair.share for pair in pairs)])  # a class taken for another this often gets the full colour
    worst = sorted(scores, key=lambda score: (score.recall, -score.n))
    return {
        "pairs": pairs,
        "matrix": [[(times, times / max(sum(row), 1)) for times in row] for row in confusion] if whole else [],
        "hottest": hottest,
        "upright": max(map(len, facts.classes), default=0) > 3,  # names too long to stand side by side
        "scores": scores if len(scores) <= ROWS else worst[:ROWS],
        "rest": worst[ROWS:MOST_CLASSES] if len(scores) > ROWS else [],
        "total": len(scores),
        "axis": _axis([score for score in scores if score.n]),
    }


def _outcome(facts: Facts) -> list[Panel]:
    """What there is to say of this kind of answer."""
    kind = KINDS.get(facts.answer.kind) if facts.answer is not None else None
    return [part for part in kind.panels(facts) if part != Panel()] if kind else []


def _mistakes(facts: Facts) -> dict[str, Any] | None:
    """The first mistakes as a reader can take them in, as many as the page has room for."""
    kept = facts.mistakes[:PICTURES]
    found: list[tuple[Mistake, Shown]] = []
    room = PICTURE_BYTES
    for mistake in kept:
        shown = examples.shown(mistake.content, facts.signal)
        if shown and shown.kind == "sound" and len(found) >= HEARD:
            shown = replace(shown, uri="")  # to be seen, if not to be heard
        room -= shown.size if shown else 0
        if room < 0:
            break
        if shown:
            found.append((mistake, shown))
    if not found:
        return None
    kind = facts.answer.kind if facts.answer is not None else "classes"
    return {"shown": found, **_wording(kind, facts, len(found))}


def _wording(kind: str, facts: Facts, shown: int) -> dict[str, Any]:
    """What stands above the mistakes, and around what was right and what the model said."""
    first = f"The first {shown} of {fmt.count(len(facts.mistakes))} kept t" if shown < len(facts.mistakes) else "T"
    wrong = f"{first}est {facts.noun} that it gets wrong"
    said = {
        "classes": (f"{wrong}, with the probability that it gave to its own answer.", "", " taken for ", 22),
        "values": (
            f"{first}est {facts.noun} with the largest errors: what was true, and what it said.",
            "",
            "; it said ",
            60,
        ),
        "score": (f"{wrong}.", "", ": ", 40),
        "ranking": (
            "What they liked, what they chose next, and what it would have shown them.",
            "chose ",
            "; shown ",
            240,
        ),
    }
    words, before, between, most = said.get(kind, said["classes"])
    return {"words": words, "before": before, "between": between, "most": most}


def _learning(facts: Facts) -> dict[str, Any] | None:
    if not facts.curves:
        return None
    stages = []
    for stage in dict.fromkeys(point.stage for point in facts.curves):
        own = [point for point in facts.curves if point.stage == stage]
        best = max((point.metric for point in own if point.metric is not None), default=None)
        stages.append({"name": stage, "last": own[-1], "best": best})
    return {"plots": plots.curves(facts.curves, facts.judged), "stages": stages[:MOST_ROWS]}


def _tried(facts: Facts) -> dict[str, Any] | None:
    if not facts.candidates:
        return None

    def rank(candidate: Candidate) -> tuple[bool, bool, float]:
        metric = candidate.metric
        return not candidate.chosen, not candidate.fits, -metric if metric is not None else 1.0

    ranked = sorted(facts.candidates, key=rank)
    fit, out = [c for c in ranked if c.fits], [c for c in ranked if not c.fits]
    shown = fit[: ROWS - 4] + out[:4]
    return {
        "plot": plots.candidates(facts.candidates, facts.judged, facts.budget.flash_bytes),
        "shown": shown,
        "rest": (fit[ROWS - 4 :] + out[4:])[:MOST_ROWS],
        "total": len(ranked),
        "fit": len(fit),
        "chosen": facts.chosen,
    }


def _inside(facts: Facts) -> dict[str, Any] | None:
    """How the bytes of the file are spent, the remainder included, and what each layer lost."""
    if not (facts.parts or facts.layers):
        return None
    parts = [(name, size) for name, size in facts.parts[:MOST_ROWS] if size > 0]
    rest = (facts.number("file_bytes") or 0) - sum(size for _, size in parts)
    if parts and rest > 0:
        parts.append(("the rest: graph, names, metadata", int(rest)))
    return {"parts": parts, "largest": max((size for _, size in parts), default=1), "layers": facts.layers}
