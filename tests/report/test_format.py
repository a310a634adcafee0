from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.report import format as fmt
from smidgen.types import Measure

fractions = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "width", "shown"),
    [
        (0.9941, 0.003, "99.41 %"),
        (0.9941, 0.04, "99 %"),
        (0.9941, 0.0, "99.41 %"),
        (0.5, 1.0, "50 %"),
        (1.0, 0.04, "100 %"),
        (0.9999, 0.04, "99.99 %"),
        (0.00001, 0.04, "0.001 %"),
        (1.5, 0.04, "150 %"),
        (math.nan, 0.1, "n/a"),
    ],
)
def test_percent_has_the_digits_that_its_interval_allows(share: float, width: float, shown: str) -> None:
    assert fmt.percent(share, width) == shown


@given(fractions, fractions)
def test_a_percentage_is_near_and_never_claims_certainty(share: float, width: float) -> None:
    number = float(fmt.percent(share, width).removesuffix(" %"))
    assert abs(number - 100 * share) <= 0.5 * 10 ** -min(fmt.decimals(width), 4) + 1e-4
    assert (number == 100) == (share == 1)
    assert (number == 0) == (share == 0)


def test_interval_shares_its_digits() -> None:
    assert fmt.interval(0.9924, 0.9954) == "99.24 to 99.54 %"
    assert fmt.interval(0.0, 0.3) == "0 to 30 %"
    assert fmt.interval(math.nan, 1) == "n/a"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (1023, "1023 B"),
        (1024, "1.00 KB"),
        (42_218, "41.2 KB"),
        (2**20 - 1, "1.00 MB"),
        (1.5 * 2**20, "1.50 MB"),
        (5000 * 2**30, "5000 GB"),
        (math.inf, "n/a"),
    ],
)
def test_size(count: float, shown: str) -> None:
    assert fmt.size(count) == shown


@given(st.integers(1, 2**42))
def test_size_is_right_to_three_digits(count: int) -> None:
    number, unit = fmt.size(count).split()
    factor = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}[unit]
    assert float(number) * factor == pytest.approx(count, rel=5.1e-3)


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(0.085, "85.0 µs"), (0.9999, "1.00 ms"), (1.2, "1.20 ms"), (2500, "2.50 s")]
)
def test_duration(milliseconds: float, shown: str) -> None:
    assert fmt.duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0 s"), (4.2, "4.2 s"), (59.97, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (math.nan, "n/a")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert fmt.clock(seconds) == shown


def test_counts_points_and_plurals() -> None:
    assert fmt.count(31_402) == "31,402"
    assert fmt.count(23_100_000) == "23.1 million"
    assert fmt.count(math.nan) == "n/a"
    assert fmt.points(-0.0004) == "-0.04"
    assert fmt.points(-1e-9) == "+0.00"
    assert fmt.plural(1, "class", "classes") == "1 class"
    assert fmt.plural(2, "image") == "2 images"


@pytest.mark.parametrize(
    ("unit", "value", "spread"),
    [
        ("fraction", "50 %", "40 to 60 %"),
        ("bytes", "0 B", "0 B to 1 B"),
        ("ms", "500 µs", "400 µs to 600 µs"),
        ("dB", "0.5 dB", "0.4 to 0.6 dB"),
    ],
)
def test_a_measure_in_its_unit(unit: str, value: str, spread: str) -> None:
    measure = Measure("m", 0.5, 0.4, 0.6, 9, unit, "test", "model.onnx", "some", "again")
    assert (fmt.value(measure), fmt.spread(measure)) == (value, spread)


def test_an_exact_measure_has_no_spread() -> None:
    assert fmt.spread(Measure("m", 3, 3, 3, 1, "bytes", "", "model.onnx", "exact", "again")) == ""


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_written_and_does_not_drive_a_terminal(text: str) -> None:
    clean = fmt.clean(text)
    assert len(clean) == len(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", clean)
    clean.encode("utf-8")


@given(st.text(), st.integers(1, 50))
def test_short_text_is_short(text: str, most: int) -> None:
    assert len(fmt.short(text, most)) <= most
    assert fmt.short(text, len(text) or 1) == text


def test_units_stay_with_their_numbers() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert (
        fmt.unbroken("41.2 KB in 3 ms at 99 % of 10 boxes") == f"41.2{space}KB in 3{space}ms at 99{space}% of 10 boxes"
    )
