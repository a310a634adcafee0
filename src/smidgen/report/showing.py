"""Which test examples the page shows: mistakes, the worst, and windows of forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.report import format as fmt
from smidgen.report.facts import Mistake, Outcome, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.types import Answer, Array, Signal, Store

MOST = 24  # mistakes
WINDOWS = 4
TOP = 5  # of a ranking
PEOPLE = 8


def mistakes(answer: Answer, outcome: Outcome, inputs: Store) -> list[Mistake]:
    """The test examples that a reader should see, with their raw inputs: at most `MOST`.

    Of classes the most confident mistakes, of values those furthest off, of scores false alarms and faults missed, of
    rankings some people, whether right or wrong.

    Args:
        answer: of the shipped model.
        outcome: what it gave for the test part.
        inputs: of the test part, (n, *signal.input.shape).
    """
    kinds = {"classes": _classes, "values": _values, "score": _scores, "ranking": _rankings}
    choose = kinds.get(answer.kind)
    if choose is None or not len(outcome.target):
        return []
    places, words = choose(answer, outcome)
    if not len(places):
        return []
    contents = inputs[np.asarray(places, np.int64)]
    names = outcome.names
    return [
        Mistake(names[place] if len(names) else "", content, *said)
        for place, content, said in zip(places, contents, words, strict=True)
    ]


Chosen = tuple["Sequence[int]", "list[tuple[str, str, float]]"]  # places, and (given, predicted, probability) of each


def _classes(answer: Answer, outcome: Outcome) -> Chosen:
    names = list(getattr(answer, "names", ()))
    decided, target = np.asarray(answer.decide(outcome.output)), np.asarray(outcome.target)
    wrong = np.flatnonzero(decided != target)
    sure = outcome.output[wrong, decided[wrong]]
    places = wrong[np.argsort(-sure, kind="stable")][:MOST].tolist()
    return places, [(names[target[p]], names[decided[p]], float(outcome.output[p, decided[p]])) for p in places]


def _values(answer: Answer, outcome: Outcome) -> Chosen:
    count = len(outcome.target)
    truth = np.asarray(outcome.target, np.float64).reshape(count, -1)
    given = np.asarray(outcome.output, np.float64).reshape(count, -1)
    spread = np.maximum(truth.std(axis=0), 1e-12)
    off = np.nan_to_num((np.abs(given - truth) / spread).mean(axis=1))
    places = np.argsort(-off, kind="stable")[:MOST].tolist()
    unit = str(getattr(answer, "unit", "") or "")
    return places, [(_amounts(truth[p], unit), _amounts(given[p], unit), float("nan")) for p in places]


def _amounts(row: Array, unit: str) -> str:
    shown = ", ".join(fmt.number(float(f"{value:.4g}")) for value in row[:3].tolist())
    return f"{shown}{', ...' if len(row) > 3 else ''} {unit}".rstrip()


def _scores(answer: Answer, outcome: Outcome) -> Chosen:
    names = list(getattr(answer, "names", ()))
    target = np.asarray(outcome.target).reshape(-1)
    score = np.asarray(outcome.output, np.float64).reshape(len(target), -1)[:, 0]
    alarms, missed = np.flatnonzero((target == 0) & (score >= 1)), np.flatnonzero((target != 0) & (score < 1))
    half = MOST // 2
    alarms, missed = alarms[np.argsort(-score[alarms])][:half], missed[np.argsort(score[missed])][:half]
    places = [*alarms.tolist(), *missed.tolist()]

    def said(place: int) -> tuple[str, str, float]:
        kind = int(target[place])
        name = names[kind] if kind < len(names) else "a fault" if kind else "normal"
        return name, f"{'alarm' if score[place] >= 1 else 'no alarm'}, score {score[place]:.2f}", float("nan")

    return places, [said(place) for place in places]


def _rankings(answer: Answer, outcome: Outcome) -> Chosen:
    names = list(getattr(answer, "items", ()) or getattr(answer, "names", ()))
    count = len(outcome.target)
    places = sorted({*np.linspace(0, count - 1, min(PEOPLE, count)).round().astype(int).tolist()})
    target = np.asarray(outcome.target).reshape(count, -1)

    def listed(items: Array) -> str:
        every = [names[k] if k < len(names) else f"item {k + 1}" for k in items.tolist()]
        return ", ".join(fmt.short(name) for name in every[:TOP]) + (", ..." if len(every) > TOP else "")

    def said(place: int) -> tuple[str, str, float]:
        best = np.argsort(-outcome.output[place], kind="stable")[:TOP]
        return listed(target[place][target[place] >= 0]), listed(best), float("nan")

    return places, [said(place) for place in places]


def windows(signal: Signal, answer: Answer, outcome: Outcome, inputs: Store) -> list[Window]:
    """Some test examples, spread over the whole test part, whose forecasts can be drawn; empty where none are made."""
    count = len(outcome.target)
    several = np.ndim(outcome.target) > 1 and np.shape(outcome.target)[1] > 1
    if answer.kind != "values" or signal.kind != "series" or not several:
        return []
    places = np.linspace(0, count - 1, min(WINDOWS, count) + 2).round().astype(np.int64)[1:-1]
    return [Window(place, content) for place, content in zip(places.tolist(), inputs[places], strict=True)]
