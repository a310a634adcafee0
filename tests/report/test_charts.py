from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smidgen.report.charts import MOST, Axis, Limit, Series, chart

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=50)


@given(numbers, st.sampled_from(["line", "dashed", "guide", "specks", "dots"]), st.sampled_from([0, 10]))
def test_any_numbers_make_a_plot_without_holes(values: list[float], kind: str, base: int) -> None:
    y = np.array(values, np.float64)
    y = np.clip(np.where(np.isfinite(y), y, np.nan), -1e12, 1e12)
    plot = chart(
        "t", "s", Axis(), Axis(base=base), [Series(np.arange(len(y)), np.abs(y), kind)], limits=[Limit(1, "one")]
    )
    assert (plot is None) == (not np.isfinite(y).any())
    if plot:
        assert not re.search("nan|inf", " ".join(line.path for line in plot.lines))
        assert all(np.isfinite((mark.x, mark.y)).all() for mark in plot.marks)


def test_many_points_become_few() -> None:
    plot = chart("t", "s", Axis(), Axis(), [Series(np.arange(9999), np.arange(9999), "specks")])
    assert plot is not None
    assert len(plot.marks) == MOST
    assert plot.marks[-1].x == plot.frame.right


def test_whiskers_and_bands_have_edges() -> None:
    x = np.array([1.0, 2, 3])
    plot = chart(
        "t",
        "s",
        Axis(low=0, high=4),
        Axis(low=0, high=1),
        [
            Series(x, x / 4, "whiskers", "a", 0, x / 5, x / 3.5, ["one", "two", "three"]),
            Series(x, x / 4, "band", "b", 1, x * 0, x / 4),
        ],
    )
    assert plot is not None
    assert [mark.title for mark in plot.marks] == ["one", "two", "three"]
    assert [line.kind for line in plot.lines] == ["guide", "guide", "guide", "band"]
    assert len(plot.lines[-1].path.split()) == 6
    assert plot.legend == [("a", 0), ("b", 1)]
