from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.report import answer
from smidgen.report.text import summary

if TYPE_CHECKING:
    from smidgen.report.facts import Facts


def test_the_summary_is_short_and_starts_with_the_answer(full: Facts) -> None:
    lines = summary(full).splitlines()
    assert lines[:2] == [answer.claim(full), answer.support(full)]
    assert 10 <= len(lines) <= 16
    assert lines[-1].split(maxsplit=1) == ["verify", "smidgen verify 'my digits'"]


def test_the_columns_line_up(full: Facts) -> None:
    rows = summary(full).splitlines()[3:]
    assert {row[:2] for row in rows} == {"  "}
    assert {row[16] for row in rows} == {" "}
    assert all(row[17] != " " for row in rows)


def test_it_copes_with_next_to_nothing(minimal: Facts) -> None:
    assert summary(minimal).split("\n")[0] == answer.claim(minimal)


def test_hostile_names_do_not_drive_the_terminal(hostile: Facts) -> None:
    text = summary(hostile)
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert len(text.splitlines()) <= 16
    text.encode()
