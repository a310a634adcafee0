from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.report import plots
from smidgen.types import CurvePoint

from .conftest import candidates, curves


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_linear_ticks_are_few_ordered_and_inside(low: float, width: float) -> None:
    scale = plots.Scale(low, low + width, 0, 100)
    pixels = [pixel for pixel, _ in scale.ticks()]
    assert len(pixels) <= 9
    assert pixels == sorted(pixels)
    assert all(-1 <= pixel <= 101 for pixel in pixels)


@given(st.floats(1e-6, 1e6), st.floats(1.5, 1e9), st.sampled_from([2, 10]))
def test_log_ticks_are_few_ordered_and_inside(low: float, ratio: float, base: int) -> None:
    scale = plots.Scale(low, low * ratio, 0, 100, base)
    pixels = [pixel for pixel, _ in scale.ticks()]
    assert len(pixels) <= 7
    assert pixels == sorted(pixels)
    assert all(-1 <= pixel <= 101 for pixel in pixels)


def test_a_range_without_width_is_drawn_in_the_middle() -> None:
    assert plots.Scale(3, 3, 0, 100).ticks() == [(50, "3")]


def test_sizes_are_ticked_in_powers_of_two() -> None:
    plot = plots.candidates(candidates(), "accuracy", 1 << 20)
    assert plot is not None
    assert [label for _, label in plot.x_ticks] == ["4 KB", "16 KB", "64 KB", "256 KB", "1 MB"]
    assert [limit.label for limit in plot.limits] == ["limit 1.00 MB"]


def test_the_kind_of_mark_says_what_became_of_a_candidate() -> None:
    tried = [replace(each, fits=False) if each.size == 12_000 else each for each in candidates()]
    plot = plots.candidates(tried, "accuracy", None)
    assert plot is not None
    kinds = [mark.kind for mark in plot.marks]
    assert {kind: kinds.count(kind) for kind in kinds} == {"dot": 11, "hollow": 4, "cross": 4, "chosen": 1}
    assert plot.limits == []
    crosses = [mark.title for mark in plot.marks if mark.kind == "cross"]
    assert all("more than the limit" in title for title in crosses)


def test_larger_lies_right_and_better_lies_up() -> None:
    first, second = candidates()[:2]
    plot = plots.candidates([first, second], "accuracy", None)
    assert plot is not None
    better, worse = plot.marks  # drawn last to first
    assert better.x > worse.x
    assert better.y < worse.y


def test_one_candidate_needs_no_plot() -> None:
    assert plots.candidates(candidates()[:1], "accuracy", 1000) is None


def test_curves_give_each_stage_a_line() -> None:
    loss, metric = plots.curves(curves(), "accuracy")
    assert [line.name for line in loss.lines] == ["train", "distil", "int8-aware"]
    assert metric.title == "Validation accuracy, %"
    assert [name for name, _ in metric.legend] == ["train", "distil", "int8-aware"]
    assert len(loss.lines[0].path.split()) == 30


def test_many_stages_and_points_stay_readable() -> None:
    many = [CurvePoint(f"race {n}", e, e, 1 / (e + n + 1), None, 0.1) for n in range(20) for e in range(1000)]
    (loss,) = plots.curves(many, "accuracy")
    assert loss.legend[-1] == ("14 more", plots.COLOURS)
    assert max(len(line.path.split()) for line in loss.lines) <= plots.MOST_POINTS + 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_none_are_left_out(bad: float) -> None:
    points = [replace(point, loss=bad, metric=bad) if point.epoch == 3 else point for point in curves()]
    drawn = " ".join(line.path for plot in plots.curves(points, "accuracy") for line in plot.lines)
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert plots.curves([replace(point, loss=bad, metric=None) for point in points], "accuracy") == []
