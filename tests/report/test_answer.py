from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smidgen.budget import Budget
from smidgen.report import answer

if TYPE_CHECKING:
    from smidgen.report.facts import Facts


def test_the_answer_comes_in_one_sentence(full: Facts, minimal: Facts) -> None:
    assert answer.claim(full) == "This 41.2 KB model is right 99.41 % of the time."
    assert answer.claim(minimal) == "This model has not been measured on test data."


def test_another_metric_is_called_by_its_name(full: Facts) -> None:
    measures = tuple(replace(m, name="top_5") if m.name == "accuracy" else m for m in full.evidence.measures)
    other = replace(full, metric="top_5", evidence=replace(full.evidence, measures=measures))
    assert answer.claim(other) == "This 41.2 KB model reaches top 5 99.41 %."


def test_what_fits_says_what_is_left(full: Facts) -> None:
    assert "10,000 test images it has never seen; 95 % interval 99.24 to 99.54 %." in answer.support(full)
    assert "It fits cortex-m4 with 97 % of flash and 86 % of RAM to spare." in answer.support(full)
    assert answer.support(replace(full, device="", budget=Budget(parameters=62_804))).endswith(
        "It fits the budget with 50 % of parameters to spare."
    )


def test_what_does_not_fit_says_by_how_much(full: Facts) -> None:
    small = replace(full, budget=Budget(ram_bytes=9_216))
    assert "It does not fit cortex-m4: RAM is 100 % over." in answer.support(small)
    (check,) = answer.checks(small)
    assert (check.label, check.used, check.limit, check.holds) == ("RAM", "18.0 KB", "9.00 KB", False)


@pytest.mark.parametrize(
    ("floor", "holds", "note"),
    [(0.99, True, " (its whole interval too)"), (0.994, True, " (its interval reaches below)"), (0.9945, False, "")],
)
def test_a_floor_is_held_against_value_and_interval(full: Facts, floor: float, holds: bool, note: str) -> None:
    facts = replace(full, budget=Budget(floor={"accuracy": floor}))
    (check,) = answer.checks(facts)
    assert check.holds is holds
    assert check.note.startswith(note)
    assert bool(check.note) is holds
    assert ("It misses the floor" in answer.support(facts)) is not holds


def test_a_missed_floor_never_reads_as_reached(full: Facts) -> None:
    floor = full.evidence.measures[0].value + 0.0001
    (check,) = answer.checks(replace(full, budget=Budget(floor={"accuracy": floor})))
    assert check.used != check.limit


def test_numbers_that_were_not_measured_are_those_of_the_chosen_candidate(full: Facts) -> None:
    bare = replace(full, evidence=replace(full.evidence, measures=()))
    assert full.chosen is not None
    assert bare.number("macs") == full.chosen.cost.macs
    assert full.number("macs") == 1_204_880
    assert replace(bare, candidates=()).number("macs") is None
    assert [figure.label for figure in answer.figures(bare)] == ["parameters", "memory"]


def test_certainty_tells_a_real_loss_from_noise(full: Facts) -> None:
    texts = " ".join(text for _, text in answer.certainty(full))
    assert "Nothing that 10,000 images can show" in texts
    assert "It got 59 of 10,000 wrong" in texts
    loss = replace(full.evidence.comparison[0], value=-0.02, low=-0.03, high=-0.01)
    evidence = replace(full.evidence, comparison=(loss,))
    texts = " ".join(text for _, text in answer.certainty(replace(full, evidence=evidence)))
    assert "A real loss: -2.00 points of accuracy (-3.00 to -1.00)" in texts


def test_confused_pairs_come_most_often_first(full: Facts) -> None:
    evidence = replace(full.evidence, confusion=((8, 2, 0), (5, 5, 0), (0, 1, 9)))
    pairs = answer.confused(replace(full, evidence=evidence))
    assert [(p.given, p.predicted, p.times, p.share) for p in pairs] == [
        ("1", "0", 5, 0.5),
        ("0", "1", 2, 0.2),
        ("2", "1", 1, 0.1),
    ]
