"""From a source to a `Dataset`: list, decode, check, split, inspect."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from smidgen import registry
from smidgen.data import inspection, reading
from smidgen.data.download import cache_folder
from smidgen.data.listing import Listing, some
from smidgen.data.sources import listing
from smidgen.data.split import FEWEST, TEST, TRAIN, VALIDATION, Split, split
from smidgen.data.store import Memory, blocks
from smidgen.errors import CorruptFiles, DataError, UsageError
from smidgen.types import Array, DataReport, Dataset, Progress, Task, silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WHOLE = re.compile(r"-?[0-9]{1,18}")


def load(
    source: str | Path,
    *,
    task: Task | str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    resolution: int | None = None,
    memory_bytes: int | None = None,
    work: Path | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Read, check and split the examples of a source.

    Time is linear in their number. Decoded examples that would take more than `memory_bytes` go to a file, of which
    only what is asked for is in memory.

    Args:
        source: a folder with one sub-folder per class (also in a .zip), idx files, .npz, .csv, or a sample's name.
        task: what the data is for; None takes the one task that smidgen has for such data.
        seed: of the split.
        skip_bad: leave damaged files out, and say so in the report, instead of raising.
        resolution: the shorter side of what a family sees, in pixels.
        memory_bytes: None is half of the memory that is free.
        work: the folder for decoded examples that do not fit; None is smidgen's cache.
        progress: told how far the reading is.

    Raises:
        DataError: the source cannot be read, or cannot be learnt from.
        CorruptFiles: some of its files are damaged.
        StorageError: the work folder cannot be written.
    """
    task = task_for(task)
    found = listing(str(source))
    classes = _classes(found)
    memory = Memory(memory_bytes, work or cache_folder() / "work")
    decoded = reading.read(found, registry.find("signals", task.signal).SIGNAL, memory, progress, resolution=resolution)
    if decoded.bad and not skip_bad:
        raise CorruptFiles(decoded.bad)
    names, labels, given, groups = (
        [column[index] for index in decoded.kept.tolist()] if column else []
        for column in (found.names, found.labels, found.parts, found.groups)
    )
    targets = _targets(labels, classes, found.source)
    hashes = reading.digests(decoded.store)
    made = split(targets, hashes[:, 0], seed, given, groups)
    _train_has_all(targets, made, classes, found.source)
    examples = inspection.Examples(decoded.store, names, targets, made.parts, hashes, groups)
    facts = _facts(found, decoded, classes, made.rule)
    train, validation, test = (examples.part(part) for part in (TRAIN, VALIDATION, TEST))
    return Dataset(
        source=found.source,
        signal=decoded.signal.learn(blocks(train.inputs)),
        answer=registry.find("answers", task.answer).ANSWER(classes),
        train=train,
        validation=validation,
        test=test,
        fingerprint=_fingerprint(hashes, labels),
        report=inspection.inspect(examples, decoded.signal.sketch, memory, facts),
    )


def _facts(found: Listing, decoded: reading.Decoded, classes: tuple[str, ...], rule: str) -> DataReport:
    """The report as far as reading alone can fill it."""
    return DataReport(
        source=found.source,
        layout=found.layout,
        classes=classes,
        counts={},
        sizes=decoded.sizes,
        split=rule,
        exact_duplicates=0,
        crossing_duplicates=[],
        near_duplicates=[],
        suspect_labels=[],
        skipped=decoded.bad[: inspection.SHOWN],
        warnings=[*found.warnings, *decoded.warnings],
        totals={"skipped": len(decoded.bad)},
    )


def task_for(task: Task | str | None) -> Task:
    """The task of that name; None is the only one there is.

    Raises:
        UsageError: there is no such task, or more than one to choose from.
    """
    if isinstance(task, Task):
        return task
    if task is None:
        every = registry.names("tasks")
        if len(every) > 1:
            raise UsageError("It is not clear what the data is for", f"Say --task {' or '.join(every)}")
        task = every[0]
    found: Task = registry.find("tasks", task).TASK
    return found


def _classes(found: Listing) -> tuple[str, ...]:
    """The names of the classes, numbers in numerical order, others in alphabetical order.

    Raises:
        DataError: fewer than two, names that are hard to tell apart, or not printable.
    """
    counts = Counter(found.labels)
    classes = sorted(counts, key=lambda name: (0, int(name), name) if WHOLE.fullmatch(name) else (1, 0, name))
    if len(classes) < 2:
        hint = "Telling classes apart takes at least two; make one sub-folder (or label) for each"
        raise DataError(f"{found.source} has only one class, {classes[0]!r}", hint)
    alike: dict[str, str] = {}
    for name in classes:
        if not name.isprintable() or name != name.strip():
            raise DataError(
                f"{found.source} has a class called {name!r}", "Use printable characters without spaces around"
            )
        other = alike.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            raise DataError(
                f"{found.source} has classes {other!r} and {name!r}, which look the same", "Merge or rename"
            )
    return tuple(classes)


def _targets(labels: Sequence[str], classes: Sequence[str], source: str) -> Array:
    """Class indices, (n,) int64. Raises DataError where a class has too few examples."""
    numbers = {name: index for index, name in enumerate(classes)}
    targets = np.array([numbers[label] for label in labels], np.int64)
    few = [
        f"{name} ({count})"
        for name, count in zip(classes, np.bincount(targets, minlength=len(classes)).tolist(), strict=True)
        if count < FEWEST
    ]
    if few:
        hint = f"Each class needs at least {FEWEST}: one each for train, validation and test"
        raise DataError(f"{source} has too few examples of {some(few)}", hint)
    return targets


def _train_has_all(targets: Array, made: Split, classes: Sequence[str], source: str) -> None:
    missing = [classes[index] for index in np.setdiff1d(targets, targets[made.parts == TRAIN]).tolist()]
    if missing:
        raise DataError(f"{source} has no training examples of {some(missing)}", "Add some, or leave the class out")


def _fingerprint(hashes: Array, labels: Sequence[str]) -> str:
    """SHA-256 over all examples and their labels, whatever their order and names."""
    lines = sorted(one.tobytes() + label.encode() for one, label in zip(hashes, labels, strict=True))
    return hashlib.sha256(b"".join(len(line).to_bytes(4) + line for line in lines)).hexdigest()
