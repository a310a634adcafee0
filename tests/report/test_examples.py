from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from smidgen.report import examples
from smidgen.signals.table import TableSignal

from .kinds import signal

if TYPE_CHECKING:
    from smidgen.types import Array

TABLE = TableSignal(("age", "mass [kg]"), (("kind", ("a", "b")),))


@given(arrays(np.uint8, array_shapes(max_dims=1, max_side=400)))
def test_any_bytes_are_words(raw: Array) -> None:
    shown = examples.shown(raw, signal("text"))
    assert shown is not None
    assert len(shown.text) <= examples.WORDS


@given(arrays(np.int16, array_shapes(max_dims=1, max_side=3000)), st.sampled_from([8000, 11025, 16000, 44100]))
def test_any_sound_can_be_seen_and_heard(raw: Array, rate: int) -> None:
    shown = examples.shown(raw, signal("audio", rate=rate))
    assert shown is not None
    assert shown.size < 4 * examples.HEARD_BYTES
    assert "nan" not in shown.paths[0]
    with wave.open(io.BytesIO(base64.b64decode(shown.uri.partition(",")[2]))) as file:
        assert file.getframerate() <= examples.HEARD_RATE
        assert file.getnframes() <= examples.HEARD_BYTES


@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=300), elements=st.floats(allow_nan=True, width=32))
)
def test_any_window_has_curves_within_their_box(raw: Array) -> None:
    shown = examples.shown(raw, signal("series"))
    assert shown is not None
    assert len(shown.paths) <= examples.CHANNELS
    for path in shown.paths:
        for pair in path.split():
            x, y = map(float, pair.split(","))
            assert -0.1 <= x <= examples.WIDTH + 0.1
            assert -0.1 <= y <= examples.HEIGHT + 0.1


def test_a_peak_is_not_lost() -> None:
    values = np.zeros(10_000)
    values[6543] = 1
    heights = [float(pair.split(",")[1]) for pair in examples.spark(values).split()]
    assert min(heights) == 0
    assert len(heights) <= 2 * examples.WIDTH


def test_a_row_has_names_and_categories() -> None:
    shown = examples.shown(np.array([np.nan, 70.25, 1], np.float32), TABLE)
    assert shown is not None
    assert list(shown.pairs) == [("age", "missing"), ("mass [kg]", "70.25"), ("kind", "b")]
    unknown = examples.shown(np.array([3, 4, -1], np.float32), TABLE)
    assert unknown is not None
    assert unknown.pairs[2] == ("kind", "unknown")


def test_a_history_shows_its_latest() -> None:
    shown = examples.shown(np.array([0, 0, *range(1, 13)], np.int32), signal("interactions", items=["x", "y"]))
    assert shown is not None
    assert list(shown.items) == [f"item {k}" for k in range(5, 13)]
    assert shown.more == 4


@pytest.mark.parametrize("kind", ["image", "odd"])
def test_what_cannot_be_shown_is_not(kind: str) -> None:
    assert examples.shown(np.zeros(5, np.float32), signal(kind)) is None
