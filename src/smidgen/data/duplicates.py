"""Find examples that occur twice: identical ones everywhere, nearly identical ones across the split. Linear time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import BLOCK_BYTES
from smidgen.data.store import blocks, moments

if TYPE_CHECKING:
    from smidgen.types import Array, Store

TABLES = 12  # pairs that differ as little as recompression does share a bucket in one of these in 98 of 100 cases
PROJECTIONS = 8  # to a table
WIDTH = 0.5  # of a bucket, in deviations of the data
CAPACITY = 8  # how many of a bucket are compared with an example, so that time stays linear
CLOSE = 0.2  # root mean square difference of nearly identical examples, in deviations of the flatter one


def copies(contents: Array) -> int:
    """How many examples are further copies of another one. `contents`: a hash of each, (n,)."""
    return len(contents) - len(np.unique(contents))


def conflicts(contents: Array, targets: Array) -> Array:
    """One index of each example that occurs with more than one class: (c,)."""
    pairs = np.unique(np.stack([contents, targets.astype(np.uint64)]), axis=1)[0]
    found, counts = np.unique(pairs, return_counts=True)
    values, first = np.unique(contents, return_index=True)
    return first[np.searchsorted(values, found[counts > 1])]


def crossing(contents: Array, trained: Array) -> Array:
    """Pairs (outside, inside) of identical examples of which only the second is trained on: (p, 2).

    Of several copies inside, the first is named. `trained`: bool, (n,).
    """
    inside, outside = np.flatnonzero(trained), np.flatnonzero(~trained)
    known, first = np.unique(contents[inside], return_index=True)
    at = np.searchsorted(known, contents[outside]).clip(max=len(known) - 1)
    hit = known[at] == contents[outside]
    return np.stack([outside[hit], inside[first[at[hit]]]], axis=1)


def near(sketches: Store, store: Store, contents: Array, trained: Array) -> Array:
    """Pairs (outside, inside) of nearly identical examples across the split: (p, 2), at most one for each outside.

    Candidates share a bucket of locality-sensitive hashing (Datar, Immorlica, Indyk, Mirrokni 2004, "Locality-sensitive
    hashing scheme based on p-stable distributions") of their sketches. The one with the closest sketch is compared.
    """
    keys = _keys(sketches)
    inside, outside = np.flatnonzero(trained), np.flatnonzero(~trained)
    closest, partner = np.full(len(outside), np.inf), np.zeros(len(outside), np.int64)
    for column in keys.T:
        met = _meet(column[outside], column[inside])
        pairs = np.stack([outside[met[:, 0]], inside[met[:, 1]]], axis=1)
        apart = np.where(contents[pairs[:, 0]] == contents[pairs[:, 1]], np.inf, _differences(sketches, pairs))
        order = np.lexsort((apart, met[:, 0]))
        best = order[np.unique(met[order, 0], return_index=True)[1]]
        closer = best[apart[best] < closest[met[best, 0]]]
        closest[met[closer, 0]], partner[met[closer, 0]] = apart[closer], pairs[closer, 1]
    likely = closest <= CLOSE
    pairs = np.stack([outside[likely], partner[likely]], axis=1)
    return pairs[_differences(store, pairs) <= CLOSE]


def _keys(sketches: Store) -> Array:
    """The bucket of each example in each table: (n, TABLES) uint64."""
    generator = np.random.default_rng(0)
    size = sketches.shape[0]
    directions = generator.normal(size=(size, TABLES * PROJECTIONS)).astype(np.float32)
    offsets = generator.random(TABLES * PROJECTIONS, np.float32)
    mixing = generator.integers(1, 2**63, (TABLES, PROJECTIONS), np.uint64) | np.uint64(1)
    width = WIDTH * moments(sketches)[1] * np.sqrt(size)
    found = []
    for block in blocks(sketches):
        cells = np.floor(block.astype(np.float32) @ directions / width + offsets).astype(np.int64).astype(np.uint64)
        found.append((cells.reshape(len(block), TABLES, PROJECTIONS) * mixing).sum(axis=2, dtype=np.uint64))
    return np.concatenate(found)


def _meet(outside: Array, inside: Array) -> Array:
    """Positions (outside, inside) with the same key, at most CAPACITY for each outside: (p, 2)."""
    order = np.argsort(inside, kind="stable")
    ordered = inside[order]
    start = np.searchsorted(ordered, outside, "left")
    count = np.minimum(np.searchsorted(ordered, outside, "right") - start, CAPACITY)
    one = np.repeat(np.arange(len(outside)), count)
    step = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([one, order[np.repeat(start, count) + step]], axis=1)


def _differences(store: Store, pairs: Array) -> Array:
    """Root mean square difference of each pair, in deviations of the flatter one: (p, 2) -> (p,)."""
    found = np.empty(len(pairs))
    at_once = max(1, BLOCK_BYTES // (16 * math.prod(store.shape)))  # two examples, as floats, and some room
    for start in range(0, len(pairs), at_once):
        portion = slice(start, start + at_once)
        one, other = (store[column].reshape(len(column), -1).astype(np.float32) for column in pairs[portion].T)
        flatter = np.minimum(one.std(axis=1), other.std(axis=1))
        found[portion] = np.sqrt(((one - other) ** 2).mean(axis=1)) / np.maximum(flatter, 1e-3)
    return found
