"""The page that comes with a model: one HTML file that needs no other, runs no script and fetches nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smidgen.report import answer, pictures, plots, usage
from smidgen.report import format as fmt
from smidgen.report.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from smidgen.evidence import ClassScore
    from smidgen.types import Candidate, Measure

__all__ = ["Facts", "render"]

MATRIX = 12  # up to so many classes, confusion is shown whole
ROWS = 12  # of a table before the rest is folded away
MOST_ROWS = 60
MOST_CLASSES = 100
LISTED = 10  # of a list of names
PICTURES = 24
PICTURE_BYTES = 80_000  # in all, so that the page stays small
NUMBERS = (fmt.percent, fmt.interval, fmt.size, fmt.duration, fmt.clock, fmt.count, fmt.plural, fmt.value, fmt.spread)
SECTIONS = (
    ("sure", "How sure is this?"),
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
    sections = [(name, title) for name, title in SECTIONS if context[name]]
    page = _environment().get_template("page.html").render(facts=facts, sections=sections, **context)
    return fmt.clean(page)


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
    environment.filters |= {"short": fmt.short, "unbroken": fmt.unbroken}
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
    return max(0.0, low - air), min(1.0, high + air)


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
        "axis": _axis(scores),
    }


def _mistakes(facts: Facts) -> list[tuple[Any, str]]:
    """The first mistakes with their pictures, as many as the page has room for."""
    shown: list[tuple[Any, str]] = []
    room = PICTURE_BYTES
    for mistake in facts.mistakes[:PICTURES]:
        uri = pictures.data_uri(mistake.image)
        room -= len(uri)
        if room < 0:
            break
        shown.append((mistake, uri))
    return shown


def _learning(facts: Facts) -> dict[str, Any] | None:
    if not facts.curves:
        return None
    stages = []
    for stage in dict.fromkeys(point.stage for point in facts.curves):
        own = [point for point in facts.curves if point.stage == stage]
        best = max((point.metric for point in own if point.metric is not None), default=None)
        stages.append({"name": stage, "last": own[-1], "best": best})
    return {"plots": plots.curves(facts.curves, facts.metric), "stages": stages[:MOST_ROWS]}


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
        "plot": plots.candidates(facts.candidates, facts.metric, facts.budget.flash_bytes),
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
