"""The order in which kernels that gather windows take their places, shared by sets of kernels."""

import numpy as np

from smidgen.compiler.ops import _packed
from smidgen.types import Array

WORD = 4  # codes that are widened at once


def up(size: int) -> int:
    """A number of bytes in whole words."""
    return -(-size // WORD) * WORD


def order(runs: int, length: int) -> Array:
    """Places of a window of `runs` runs of `length` neighbours in memory, in the order in which they are gathered.

    Whole words of each run first, then what is left of each, then -1 up to a multiple of 4: (4 * units,) int64.
    """
    places = np.arange(runs * length).reshape(runs, length)
    whole = length // WORD * WORD
    found = np.concatenate([places[:, :whole].ravel(), places[:, whole:].ravel()])
    return np.pad(found, (0, -len(found) % WORD), constant_values=-1)


def ordered(weights: Array, runs: int) -> Array:
    """Weights (out, places) in that order, 0 where there is no place: (out, 4 * units)."""
    padded = np.pad(weights, ((0, 0), (0, 1)))
    return np.asarray(padded[:, order(runs, weights.shape[1] // runs)])


def interleaved(weights: Array, channels: int) -> Array:
    """Weights (out, 4 * units) as 4 of each of `channels` channels, then the next 4: (words,) int32, little-endian.

    `out` is a multiple of `channels`.
    """
    blocks = weights.reshape(-1, channels, weights.shape[1] // WORD, WORD).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(blocks, np.int8).reshape(-1).view("<i4")


def is_packed(weights: Array | None) -> bool:
    """Whether the portable kernels store these weights in fewer bits, which saves flash and costs time.

    Weights of nothing but zeros are those of a network that is not trained yet.
    """
    return weights is not None and bool(weights.any()) and _packed.pack(weights) is not None
