"""Divide examples into train, validation and test, once and for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.types import Array

TRAIN, VALIDATION, TEST = 0, 1, 2
PART_NAMES = ("train", "validation", "test")
SHARE = 0.15  # of all examples, for validation and for test, where the split is ours
SHARE_OF_TRAIN = 0.10  # for validation, where train and test are given
FEWEST = 3  # examples of a class: one for each part


@dataclass(frozen=True)
class Split:
    """`parts`: (n,) of TRAIN, VALIDATION and TEST; `rule` says in words how they came about."""

    parts: Array
    rule: str


def split(targets: Array, contents: Array, seed: int, given: Sequence[str] = (), groups: Sequence[str] = ()) -> Split:
    """Respect given parts and make those that are missing: stratified by class, without tearing groups apart.

    What has the same content, or is in the same group, goes to the same side; so a copy never crosses. The result
    depends on the examples and the seed, not on the order of the examples.

    Args:
        targets: class indices, (n,).
        contents: a hash of each example, (n,); equal where the examples are.
        seed: another one gives another split.
        given: the part of each example as the source states it, or empty.
        groups: the group of each example (a patient, a camera), or empty.

    Raises:
        DataError: given parts without a training part, or too few examples for three parts.
    """
    units = _units(contents, groups)
    how = "stratified" + (", groups kept whole" if groups else "")
    if not given:
        parts = _divide(targets, units, seed, {TEST: SHARE, VALIDATION: SHARE})
        rule = f"70 % train, 15 % validation, 15 % test; {how}, seed {seed}"
        return Split(parts, rule)
    parts = np.array([PART_NAMES.index(part) for part in given])
    there = [name for index, name in enumerate(PART_NAMES) if (parts == index).any()]
    if "train" not in there:
        raise DataError(f"The source gives {' and '.join(there)} but no train part", "Name one part train")
    train = np.flatnonzero(parts == TRAIN)
    rule = f"given {' and '.join(there)} parts"
    for part, share in ((VALIDATION, SHARE_OF_TRAIN), (TEST, SHARE)):
        if PART_NAMES[part] not in there:
            moved = _divide(targets[train], units[train], seed, {part: share})
            parts[train] = moved
            rule += f"; {PART_NAMES[part]}: {share:.0%} of train, {how}, seed {seed}".replace("%", " %")
    return Split(parts, rule)


def _units(contents: Array, groups: Sequence[str]) -> Array:
    """What must stay together, numbered independently of the order of examples: (n,)."""
    copies = np.unique(contents, return_inverse=True)[1].reshape(-1)
    if not groups:
        return copies
    # Union-find over contents; a group joins the contents of its members. The root is the smallest number.
    parent = list(range(int(copies.max()) + 1))

    def root(unit: int) -> int:
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    first: dict[str, int] = {}
    for unit, group in zip(copies.tolist(), groups, strict=True):
        one, other = root(first.setdefault(group, unit)), root(unit)
        parent[max(one, other)] = min(one, other)
    return np.array([root(unit) for unit in copies.tolist()])


def _divide(targets: Array, units: Array, seed: int, shares: dict[int, float]) -> Array:
    """Give each part in `shares` its share of every class, in whole units, and TRAIN the rest: (n,) of parts."""
    unit = np.unique(units, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(unit)
    major = _majority(unit, targets)
    order = np.lexsort((np.random.default_rng(seed).random(len(sizes)), major))
    starts = np.flatnonzero(np.diff(major[order], prepend=-1))
    parts = np.full(len(sizes), TRAIN)
    for members in np.split(order, starts[1:]):
        parts[members] = _deal(sizes[members], shares)
    for lonely in np.setdiff1d(targets, targets[parts[unit] == TRAIN]):  # never the majority of a unit in train
        holding = np.unique(unit[targets == lonely])
        parts[holding[np.argmin(sizes[holding])]] = TRAIN
    if any(not (parts == part).any() for part in shares):
        raise DataError(
            "There are too few separate examples or groups to make a train, a validation and a test part",
            "Add some, or give the parts yourself",
        )
    return parts[unit]


def _majority(unit: Array, targets: Array) -> Array:
    """The commonest class of each unit; of equally common ones the first."""
    pairs, counts = np.unique(np.stack([unit, targets]), axis=1, return_counts=True)
    best = np.lexsort((pairs[1], -counts, pairs[0]))
    return np.asarray(pairs[1, best][np.flatnonzero(np.diff(pairs[0, best], prepend=-1))])


def _deal(sizes: Array, shares: dict[int, float]) -> Array:
    """Parts for the shuffled units of one class: each part gets about its share, and one unit if TRAIN can spare it."""
    middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    parts = np.full(len(sizes), TRAIN)
    edge = 0.0
    for part, share in shares.items():
        parts[(edge <= middle) & (middle < edge + share)] = part
        edge += share
    for part in shares:
        spare = np.flatnonzero(parts == TRAIN)
        if not (parts == part).any() and len(spare) > 1:
            parts[spare[np.argmin(sizes[spare])]] = part
    return parts
