"""From a source to a `Dataset`: list, take for a task, read, split, learn what is to be learnt, inspect."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen import registry
from smidgen.data import inspection, reading
from smidgen.data.download import cache_folder
from smidgen.data.sources import listing
from smidgen.data.split import TEST, TRAIN, VALIDATION, Split, split
from smidgen.data.store import Memory, blocks
from smidgen.errors import CorruptFiles, DataError, UsageError
from smidgen.types import Array, DataReport, Dataset, Labels, Progress, Reading, Task, silent

if TYPE_CHECKING:
    from pathlib import Path

    from smidgen.data.listing import Listing
    from smidgen.types import Answer

CLOSE = 0.05  # scores of two tasks between which the user must choose


def load(
    source: str | Path,
    *,
    task: Task | str | None = None,
    skip_bad: bool = False,
    memory_bytes: int | None = None,
    work: Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Dataset:
    """Read, check and split the examples of a source.

    Time is linear in their number. Decoded examples that would take more than `memory_bytes` go to a file, of which
    only what is asked for is in memory.

    Args:
        source: a folder with one sub-folder per class (also in a .zip), tables, idx files, .npz, or a sample's name.
        task: what the data is for; None takes the one that suits it best.
        skip_bad: leave damaged files out, and say so in the report, instead of raising.
        memory_bytes: None is half of the memory that is free.
        work: the folder for decoded examples that do not fit; None is smidgen's cache.
        progress: told how far the reading is.
        options: fields of `types.Reading`: seed, target, group, resolution, window ...

    Raises:
        DataError: the source cannot be read, or cannot be learnt from.
        CorruptFiles: some of its files are damaged.
        StorageError: the work folder cannot be written.
        UsageError: it is not clear what the data is for.
    """
    found = listing(str(source))
    how, why = taken_for(found, task, **options)
    memory = Memory(memory_bytes, work or cache_folder() / "work")
    kind: type[reading.Readable] = registry.find("signals", how.task.signal).SIGNAL
    collected = kind.collect(found, how, memory, progress)
    if collected.bad and not skip_bad:
        raise CorruptFiles(collected.bad)
    answer: Answer
    answer, targets = registry.find("answers", how.task.answer).ANSWER.prepare(collected.labels, how, found.source)
    hashes = reading.digests(collected.store)
    made = _split(collected, answer, targets, hashes[:, 0], how)
    examples = inspection.Examples(
        collected.store, collected.names, targets, made.parts, hashes, collected.groups, answer.classes
    )
    train, validation, test = (examples.part(part) for part in (TRAIN, VALIDATION, TEST))
    facts = _facts(found, collected, how, why, made.rule)
    return Dataset(
        source=found.source,
        signal=collected.signal.learn(blocks(train.inputs)),
        answer=answer.learn(train.targets),
        train=train,
        validation=validation,
        test=test,
        fingerprint=_fingerprint(hashes, collected.labels),
        report=inspection.inspect(examples, collected.signal, memory, facts, whole=how.task.target != "normal"),
        how=how,
    )


def taken_for(found: Listing, task: Task | str | None, **options: Any) -> tuple[Reading, str]:
    """What the source is taken for, and a sentence that says so and why.

    Raises:
        UsageError: there is no such task, or more than one to choose from.
        DataError: there is none that suits.
    """
    if isinstance(task, Task):
        return Reading(task, **options), f"{found.source} is used for {task.name}, as asked."
    if task is not None:
        how = Reading(registry.find("tasks", task).TASK, **options)
        return how, f"{found.source} is used for {how.task.name}, as asked."
    matches: list[tuple[float, Reading, str]] = []
    refused: list[DataError] = []
    for name in registry.names("tasks"):
        how = Reading(registry.find("tasks", name).TASK, **options)
        try:
            match = registry.find("signals", how.task.signal).SIGNAL.recognise(found, how)
        except DataError as error:  # a column that this task does not know, or has no use for
            refused.append(error)
        else:
            matches += [(match.score, how, match.why)] if match else []
    if refused and not matches:
        raise refused[0]
    if not matches:
        raise DataError(f"{found.source} suits no task", f"Say which: --task {', '.join(registry.names('tasks'))}")
    matches.sort(key=lambda one: -one[0])
    best, how, why = matches[0]
    rivals = [other.task.name for score, other, _ in matches if best - score < CLOSE]
    if len(rivals) > 1:
        raise UsageError(f"{found.source} suits {' and '.join(rivals)}: {why}", f"Say --task {' or '.join(rivals)}")
    others = f"another one: --task {matches[1][1].task.name if len(matches) > 1 else 'NAME'}"
    return how, f"{found.source} was taken for {how.task.name}, because {why} ({others})."


def _split(collected: reading.Collected, answer: Answer, targets: Array, contents: Array, how: Reading) -> Split:
    made = split(answer.strata(targets), contents, how.seed, collected.parts, collected.groups)
    rule = collected.rule or made.rule
    if how.task.target != "normal":
        return replace(made, rule=rule)
    moved = np.where(targets != 0, TEST, made.parts)  # what is not normal is never learnt from
    if not {TRAIN, VALIDATION} <= set(moved.tolist()):
        raise DataError("There are no normal examples to learn from, or to choose the threshold by", "Add some")
    return Split(moved, f"{rule}; all that is not normal is in the test part")


def _facts(found: Listing, collected: reading.Collected, how: Reading, why: str, rule: str) -> DataReport:
    """The report as far as reading alone can fill it."""
    return DataReport(
        source=found.source,
        layout=found.layout,
        task=how.task.name,
        why=why,
        classes=(),
        counts={},
        sizes=collected.sizes,
        split=rule,
        exact_duplicates=0,
        crossing_duplicates=[],
        near_duplicates=[],
        suspect_labels=[],
        skipped=collected.bad[: inspection.SHOWN],
        warnings=[*found.warnings, *collected.warnings],
        totals={"skipped": len(collected.bad)},
    )


def _fingerprint(hashes: Array, labels: Labels) -> str:
    """SHA-256 over all examples and their labels, whatever their order and names."""
    known = [label.encode() if isinstance(label, str) else np.asarray(label).tobytes() for label in labels]
    lines = sorted(one.tobytes() + label for one, label in zip(hashes, known, strict=True))
    return hashlib.sha256(b"".join(len(line).to_bytes(4) + line for line in lines)).hexdigest()
