"""What the page says of every kind of input and answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from smidgen.answers.classes import Classes
from smidgen.report import answer, showing
from smidgen.report import page as page_of
from smidgen.report.facts import Outcome
from smidgen.report.page import render
from smidgen.report.text import summary

from .conftest import HOSTILE
from .kinds import KINDS, anomaly, digits, disease, forecast, hostile, messages, tastes, wear
from .test_page import Outline

if TYPE_CHECKING:
    from typing import Any

    from smidgen.report.facts import Facts


@pytest.mark.parametrize("name", KINDS)
def test_the_page_is_well_formed_small_and_the_same_each_time(name: str) -> None:
    html = render(KINDS[name]())
    outline = Outline(html)
    assert len(html.encode()) < 400_000
    assert html == render(KINDS[name]())
    assert not re.search(r"\bnan\b", outline.text)
    assert not any(tag == "script" or any(key.startswith("on") for key in attrs) for tag, attrs in outline.tags)


@pytest.mark.parametrize("name", KINDS)
def test_names_from_outside_stay_text_and_short(name: str) -> None:
    html = render(hostile(KINDS[name](), HOSTILE))
    Outline(html)
    assert len(html.encode()) < 400_000
    assert "<script" not in html
    assert "\x1b" not in html


@pytest.mark.parametrize("name", KINDS)
def test_the_terminal_gets_a_short_answer(name: str) -> None:
    assert len(summary(KINDS[name]()).splitlines()) <= 16


@pytest.mark.parametrize(
    ("made", "claim"),
    [
        (disease, "is right 91 % of the time."),
        (wear, "is off by 8.31 cycles on average, with 91 % less squared error than always naming the mean."),
        (anomaly, "finds 91.0 % of what is not normal, with 1.1 % false alarms."),
        (tastes, "ranks with an nDCG@10 of 0.12; popularity alone reaches 0.061."),
    ],
)
def test_the_answer_is_a_sentence_for_its_field(made: Any, claim: str) -> None:
    assert answer.claim(made()) == f"This 3.82 KB model {claim}"


def text(facts: Facts) -> str:
    return Outline(render(facts)).text


def test_two_classes_are_told_in_people_and_at_every_threshold() -> None:
    facts = disease()
    page = text(facts)
    outcome = facts.outcome
    assert outcome is not None
    chance, ill = outcome.output[:, 1], outcome.target == 1
    found = int((chance[ill] >= 0.31).sum())
    assert f"sensitivity {100 * found / ill.sum():.0f} %" in page
    assert f"{found} of {ill.sum()} of those that are malignant, found" in page
    assert "Take what has a probability of 0.31 or more for malignant" in page
    assert "Of 100 rows that are malignant it then finds 97 (93 to 98.8)" in page
    assert "Came true, against the probability given" in page
    assert "pressure [mmHg] 22.84" in page
    assert "<0>" in page


def test_the_class_that_is_sought_may_be_the_first() -> None:
    facts = disease()
    assert facts.outcome is not None
    other = Outcome(facts.outcome.output[:, ::-1], 1 - facts.outcome.target, facts.outcome.names)
    turned = replace(facts, answer=cast("Any", Classes(("malignant", "benign"), 0, 0.31)), outcome=other)
    sensitivity = "130 of 134 of those that are malignant, found"
    assert sensitivity in text(facts)
    assert sensitivity in text(turned)


def test_one_class_alone_in_the_test_part_makes_no_curves() -> None:
    facts = disease()
    assert facts.outcome is not None
    alone = replace(facts, outcome=replace(facts.outcome, target=np.zeros_like(facts.outcome.target)))
    assert "What acting on it would mean" not in text(alone)
    assert "What acting on it would mean" not in text(digits())  # three classes


def test_values_are_plotted_and_the_worst_are_shown() -> None:
    facts = wear()
    page = text(facts)
    assert "Half of its answers are within" in page
    assert "RMSE 10.83 cycles 10.2 to 11.4 cycles" in page
    assert "Predicted minus true" in page
    assert facts.outcome is not None
    off = np.abs(facts.outcome.output - facts.outcome.target)[:, 0]
    assert facts.mistakes[0].name == facts.outcome.names[int(off.argmax())]
    assert f"it said {facts.mistakes[0].predicted}" in page


def test_forecasts_are_drawn_beside_what_came() -> None:
    page = text(forecast())
    assert page.count("steps from the last value known") == showing.WINDOWS
    assert "naive" in page
    assert "How the error grows steps ahead off by, on average 1 0." in page


def test_alarms_are_counted_by_run() -> None:
    facts = anomaly()
    page = text(facts)
    assert facts.outcome is not None
    score, target = facts.outcome.output[:, 0], facts.outcome.target
    false = int(((score >= 1) & (target == 0)).sum())
    assert f"Of 1,280 normal rows {false} raise a false alarm" in page
    late = int(np.flatnonzero(score[160:960] >= 1)[0])
    assert f"feed 0 of 160 98.0 % {late}" in page
    assert "normal 5 of 960" in page
    assert "Of 2 runs with a fault it notices 2, after 15 rows (median), 18 at the latest." in page


def test_every_ranking_stands_beside_popularity() -> None:
    page = text(tastes())
    assert "nDCG@10 0.12 0.10 to 0.14 0.061 120" in page
    assert "recall@10 21 % 19 to 23 % 11 % 120" in page
    facts = tastes()
    assert facts.outcome is not None
    order = np.argsort(-facts.outcome.output, axis=1, kind="stable")[:, :10]
    hits = (order == facts.outcome.target[:, :1]).any(axis=1).mean()
    assert f"For {100 * hits:.1f} % of 120 people" in page


def test_messages_are_words_and_sounds_can_be_heard() -> None:
    page = text(messages())
    assert "<b>WIN</b> £152 now, 100 % free \N{PILE OF POO}" in page
    outline = Outline(render(digits()))
    heard, shown = outline.count("audio"), outline.count("svg", "spark")
    assert heard == page_of.HEARD < shown < len(digits().mistakes)
    assert f"The first {shown} of 24" in outline.text


def test_answers_that_are_unknown_show_nothing() -> None:
    facts = disease()
    assert facts.outcome is not None
    odd = cast("Any", replace(facts, answer=cast("Any", type("Odd", (), {"kind": "odd"})())))
    assert "How does" not in text(odd)
    assert showing.mistakes(odd.answer, facts.outcome, cast("Any", np.zeros((400, 5)))) == []
