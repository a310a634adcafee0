from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smidgen.evidence import Evidence
from smidgen.report import format as fmt
from smidgen.report import page
from smidgen.report.facts import Facts, Mistake
from smidgen.report.page import render

from .conftest import HOSTILE, evidence, picture

if TYPE_CHECKING:
    from collections.abc import Mapping

VOID = {"meta", "img", "br", "hr", "input", "link"}
BLOCKS = {"p", "dl", "ul", "ol", "table", "div", "section", "figure", "pre", "h1", "h2", "h3", "details"}


class Outline(HTMLParser):
    """Elements and text of a page; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not (tag in BLOCKS and "p" in self.open), f"<{tag}> inside <p>"
        assert len(attrs) == len(dict(attrs)), f"an attribute of <{tag}> twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str, css: str = "") -> int:
        return sum(name == tag and (not css or css in (attrs.get("class") or "").split()) for name, attrs in self.tags)


@pytest.fixture(params=["full", "minimal", "hostile"])
def facts(request: pytest.FixtureRequest) -> Facts:
    found: Facts = request.getfixturevalue(request.param)
    return found


def test_the_page_is_well_formed_small_and_the_same_each_time(facts: Facts) -> None:
    html = render(facts)
    Outline(html)
    assert len(html.encode()) < 300_000
    assert html == render(facts)


def test_the_page_fetches_nothing_and_runs_nothing(facts: Facts) -> None:
    html = render(facts)
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    for tag, attrs in Outline(html).tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        assert not any(name.startswith("on") for name in attrs)
        assert (attrs.get("src") or "data:image/").startswith("data:image/")
        assert (attrs.get("href") or "#").startswith("#")


def test_it_can_be_read_without_seeing_it(facts: Facts) -> None:
    outline = Outline(render(facts))
    tags = Counter(tag for tag, _ in outline.tags)
    assert tags["h1"] == tags["main"] == 1
    assert ("html", {"lang": "en"}) in outline.tags
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in outline.tags:
        if tag == "img":
            assert attrs["alt"]
        if tag == "svg" and "viewbox" in attrs and "x" not in attrs:
            assert attrs["role"] == "img"
            assert attrs["aria-label"]
        if tag == "section":
            assert attrs["aria-labelledby"] in ids
        if tag == "a":
            assert (attrs["href"] or "").removeprefix("#") in ids
        if tag == "th" and attrs:
            assert attrs.get("scope") in {"row", "col"}


def test_sections_come_in_order_and_only_when_there_is_something_to_say(full: Facts, minimal: Facts) -> None:
    def sections(facts: Facts) -> list[str | None]:
        return [attrs["id"] for tag, attrs in Outline(render(facts)).tags if tag == "section"]

    assert sections(full) == [name for name, _ in page.SECTIONS if name != "outcome"]  # its answer is not known
    assert sections(minimal) == ["use", "origin"]


def test_the_answer_comes_first(full: Facts) -> None:
    text = Outline(render(full)).text
    answer = text.index("right 99.41 % of the time.", text.index("image-classification"))
    assert answer < text.index("95 % interval 99.24 to 99.54 %") < text.index("How sure is this?")


def test_names_from_outside_stay_text(hostile: Facts) -> None:
    html = render(hostile)
    assert "<script" not in html
    assert "{{ 7*7 }}" in render(replace(hostile, command="{{ 7*7 }}"))
    assert "\x1b" not in html
    assert "\u202e" not in html
    html.encode("utf-8")


def test_a_whole_page_can_be_made_of_every_hostile_place(hostile: Facts) -> None:
    text = Outline(render(hostile)).text
    assert text.count("<script>alert('x')</script>") > 100


@pytest.mark.parametrize(("classes", "cells"), [(2, 4), (12, 144), (13, 0), (200, 0)])
def test_confusion_is_shown_whole_or_as_its_worst_pairs(full: Facts, classes: int, cells: int) -> None:
    names = tuple(f"class {index}" for index in range(classes))
    outline = Outline(render(replace(full, evidence=evidence(names, 2600, 90))))
    assert sum(outline.count("td", css) for css in ("right", "wrong", "none")) == cells
    assert outline.count("table", "pairs") == (0 if cells else 1)
    assert ("The weakest of" in outline.text) is (classes > page.ROWS)


def test_a_model_without_mistakes_says_so(full: Facts) -> None:
    perfect = replace(full.evidence, confusion=((5, 0), (0, 5)), per_class=full.evidence.per_class[:2])
    assert "every answer was right" in Outline(render(replace(full, evidence=perfect))).text


def test_mistakes_are_shown_as_far_as_there_is_room(full: Facts) -> None:
    outline = Outline(render(full))
    assert outline.count("img", "pixels") == len(full.mistakes)
    assert "Test images that it gets wrong" in outline.text
    large = [Mistake(f"{n}.jpg", picture(n, 200, 200, 3), "cat", "dog", 0.6) for n in range(60)]
    outline = Outline(render(replace(full, mistakes=large)))
    shown = outline.count("img")
    assert 3 < shown < page.PICTURES
    assert f"The first {shown} of 60" in outline.text
    assert "cat taken for dog 60 % sure" in outline.text


def test_what_does_not_fit_stands_beside_what_does(full: Facts) -> None:
    outline = Outline(render(full))
    assert "20 candidates considered; 16 within the budget." in outline.text
    assert outline.count("tr", "chosen") == 1
    assert outline.count("tr", "out") == 4
    assert "needs 94,000 bytes of flash, more than the limit of 64,000" in outline.text
    lone = Outline(render(replace(full, candidates=[c for c in full.candidates if c.chosen])))
    assert "1 candidate considered" in lone.text
    assert lone.count("circle") == 0


def test_the_bytes_add_up_to_the_file(full: Facts) -> None:
    assert "the rest: graph, names, metadata 5.23 KB" in Outline(render(full)).text


def test_cut_lists_say_how_long_they_are(full: Facts) -> None:
    assert "Nearly identical in train and elsewhere (31)" in Outline(render(full)).text


def test_every_measure_is_listed_with_its_command(full: Facts) -> None:
    rows = Outline(render(full)).text
    for measure in (*full.evidence.measures, *full.evidence.comparison):
        name = measure.name.removesuffix(f"_{measure.unit}").replace("_", " ")
        row = " ".join(part for part in (name, fmt.value(measure), fmt.spread(measure), f"{measure.n:,}") if part)
        assert row in rows
        assert measure.command in rows


def test_numbers_that_are_none_do_no_harm(full: Facts) -> None:
    nan = float("nan")
    broken = tuple(replace(m, value=nan, low=nan, high=nan) for m in full.evidence.measures)
    curves = [replace(point, loss=nan, metric=nan) for point in full.curves]
    candidates = [replace(each, metric=nan) for each in full.candidates]
    facts = replace(full, evidence=replace(full.evidence, measures=broken), curves=curves, candidates=candidates)
    assert "n/a" in Outline(render(facts)).text


def test_evidence_alone_makes_a_page() -> None:
    facts = Facts(HOSTILE, "image-classification", evidence(("a", "b"), 40, 7))
    assert "What it mixes up" in Outline(render(facts)).text
    assert isinstance(facts.evidence, Evidence)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(scheme: str) -> None:
    css = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    light, _, dark = css.partition("prefers-color-scheme: dark")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light if scheme == "light" else dark.partition("* {")[0]))
    for ground in ("paper", "soft"):
        for ink in ("ink", "quiet", "accent", "bad", "good"):
            pair = sorted((luminance(colours[ground]), luminance(colours[ink])))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (ground, ink)


def test_a_class_that_is_not_in_the_test_part_has_no_recall(full: Facts) -> None:
    scores = list(full.evidence.per_class)
    scores[3] = replace(scores[3], n=0, recall=0.0, low=0.0, high=1.0)
    page = render(replace(full, evidence=replace(full.evidence, per_class=tuple(scores))))
    assert "none in the test part" in Outline(page).text
