"""Weights of few bits, as kernels unpack them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.compiler.kernels._bits import Bits
from smidgen.types import Array


def unpacked(found: Bits, words: Array, count: int) -> Array:
    """As the C does it: the same bits of all bytes of a word at once, then the next."""
    mask = ((1 << found.bits) - 1) * 0x01010101
    fours = [(word.astype(np.int64) >> shift) & mask for word in words.T for shift in range(0, 8, found.bits)]
    places = np.stack(fours, 1).astype("<i4").view(np.uint8).reshape(len(words), -1)
    return np.asarray((places.astype(np.int64) * found.step + found.first)[:, :count], np.int8)


@given(st.sampled_from([1, 2, 4]), st.integers(1, 17), st.data(), st.integers(1, 9), st.integers(15, 60))
def test_what_is_packed_is_unpacked(bits: int, step: int, data: st.DataObject, blocks: int, size: int) -> None:
    least = max(-(1 << bits) + 1, -(128 // step))
    first = step * data.draw(st.integers(least, 0))
    values = np.array([code for code in first + step * np.arange(1 << bits) if code < 128])
    weights = np.resize(values, (blocks * 8, size * 4)).astype(np.int8)
    found = Bits.of(weights)
    assert found is not None
    words = found.words(weights)
    assert words.nbytes == len(weights) * 4 * -(-size * found.bits // 8)
    np.testing.assert_array_equal(unpacked(found, words, size * 4), weights)


@pytest.mark.parametrize("values", [(-3, 1), (-3, 0, 1), tuple(range(-60, 60, 7)), (0,)])
def test_other_steps_weights_without_0_and_too_many_are_not_packed(values: tuple[int, ...]) -> None:
    assert Bits.of(np.resize(np.array(values, np.int8), (16, 60))) is None
