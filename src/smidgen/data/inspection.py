"""What a person should know about a set of examples before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data import duplicates
from smidgen.data.listing import some
from smidgen.data.split import PART_NAMES, TRAIN
from smidgen.data.store import Memory, Subset, blocks
from smidgen.data.suspects import suspects
from smidgen.types import Array, DataReport, Part, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.data.reading import Readable

SHOWN = 50  # entries of a list that a report holds; `totals` has the full counts
FEW = 20  # examples of a class, below which it is worth a warning
LOPSIDED = 10  # times as many examples in the largest class as in the smallest


@dataclass(frozen=True)
class Examples:
    """All examples of a source: one entry of each column for each."""

    store: Store
    names: Sequence[str]
    targets: Array
    parts: Array
    hashes: Array  # (n, 2) uint64
    groups: Sequence[str] = ()
    classes: Sequence[str] = ()  # what targets count, where they are classes

    @property
    def contents(self) -> Array:
        """A number for each example, equal where the examples are: (n,)."""
        return np.asarray(self.hashes[:, 0])

    def part(self, part: int) -> Part:
        """The examples of one part, in their order here."""
        where = np.flatnonzero(self.parts == part)
        names, groups = ([each[i] for i in where.tolist()] if each else [] for each in (self.names, self.groups))
        return Part(Subset(self.store, where), self.targets[where], names, groups)


def inspect(
    examples: Examples, signal: Readable, memory: Memory, facts: DataReport, *, whole: bool = True
) -> DataReport:
    """Complete `facts` with what only the examples themselves can tell.

    Args:
        examples: all of them.
        signal: knows what is alike.
        memory: where the sketches go.
        facts: what is known already.
        whole: groups should be in one part each.
    """
    names, contents, trained = examples.names, examples.contents, examples.parts == TRAIN
    crossing = duplicates.crossing(contents, trained)
    sketches = _sketches(examples.store, signal.sketch, memory)
    near = duplicates.near(sketches, examples.store, contents, trained) if signal.comparable else crossing[:0]
    suspected, notes = _labels(examples, sketches)
    return replace(
        facts,
        classes=tuple(examples.classes),
        counts=_counts(examples),
        exact_duplicates=duplicates.copies(contents),
        crossing_duplicates=[(names[one], names[other]) for one, other in crossing[:SHOWN].tolist()],
        near_duplicates=[(names[one], names[other]) for one, other in near[:SHOWN].tolist()],
        suspect_labels=suspected[:SHOWN],
        warnings=[*facts.warnings, *notes, *(_torn_groups(examples) if whole else ())],
        totals={
            **facts.totals,
            "crossing_duplicates": len(crossing),
            "near_duplicates": len(near),
            "suspect_labels": len(suspected),
        },
    )


def _labels(examples: Examples, sketches: Store) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Labels that look wrong as (name, given class, likelier class), and what else is to be said of classes."""
    if not examples.classes:
        return [], []
    suspected, likelier, note = suspects(sketches, examples.targets, examples.contents)
    named = [
        (examples.names[index], examples.classes[examples.targets[index]], examples.classes[other])
        for index, other in zip(suspected.tolist(), likelier.tolist(), strict=True)
    ]
    return named, [*_balance(examples.targets, examples.classes), *_conflicts(examples), *([note] if note else [])]


def _sketches(store: Store, sketch: Callable[[Array], Array], memory: Memory) -> Store:
    first = sketch(store[np.arange(1)])
    writer = memory.writer(len(store), first.shape[1:])
    for block in blocks(store):
        writer.append(sketch(block))
    return writer.store()


def _counts(examples: Examples) -> dict[str, dict[str, int]]:
    """Part -> class (or "examples") -> examples."""
    classes = examples.classes or ("examples",)
    which = examples.targets if examples.classes else np.zeros(len(examples.parts), np.int64)
    found = {}
    for index, part in enumerate(PART_NAMES):
        counts = np.bincount(which[examples.parts == index], minlength=len(classes)).tolist()
        found[part] = dict(zip(classes, counts, strict=True))
    return found


def _balance(targets: Array, classes: Sequence[str]) -> list[str]:
    counts = np.bincount(targets, minlength=len(classes))
    few = [f"{classes[index]} ({counts[index]})" for index in np.flatnonzero(counts < FEW).tolist()]
    found = [f"Classes with fewer than {FEW} examples: {some(few)}"] if few else []
    if counts.max() > LOPSIDED * counts.min():
        most, least = int(counts.argmax()), int(counts.argmin())
        found.append(
            f"The classes are out of balance: {counts[most]} examples of {classes[most]}, "
            f"{counts[least]} of {classes[least]}"
        )
    return found


def _conflicts(examples: Examples) -> list[str]:
    found = [examples.names[index] for index in duplicates.conflicts(examples.contents, examples.targets).tolist()]
    return [f"Identical examples with more than one label: {some(found)}"] if found else []


def _torn_groups(examples: Examples) -> list[str]:
    """Groups that given parts tear apart; ours never do."""
    if not examples.groups:
        return []
    pairs = set(zip(examples.groups, examples.parts.tolist(), strict=True))
    torn = sorted(group for group, count in Counter(group for group, _ in pairs).items() if count > 1)
    return [f"Groups that are in more than one of the given parts: {some(torn)}"] if torn else []
