"""Which column of a table is what: the target, what a model sees, what is left out, and who must stay together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import PARTS, Columns, some
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.types import Array, Labels, Reading

TARGETS = (
    "target", "label", "class", "y", "outcome", "diagnosis", "disease", "default", "fraud", "fault", "failure",
    "churn", "response", "species", "result", "quality", "progression", "price",
)  # fmt: skip
GROUPS = ("group", "patient", "patient id", "patient_id", "subject", "subject id", "subject_id", "customer id")
PART = ("part", "split")
COUNTERS = ("id", "index", "row", "no", "number", "unnamed: 0", "")
MOST_CLASSES = 20  # different whole numbers that may be names of classes
MOST_LEVELS = 32  # categories of one column that a model tells apart, the most frequent
LEAST = 3  # rows with a category that is worth its weight
IDENTITY = 1 - 1e-9  # correlation of a column with the target above which it is the target in another unit


@dataclass(frozen=True)
class Roles:
    """The columns of a table by what they are for. `categories` has the levels of each column of text."""

    targets: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    group: str = ""
    time: str = ""
    part: str = ""
    notes: list[str] = field(default_factory=list)


def targets_of(table: Columns, wanted: str) -> tuple[tuple[str, ...], str]:
    """The columns to be predicted, and how they were found, in words.

    Several are named with commas, or with a pattern such as "*_fault": one-hot classes, or values.

    Raises:
        DataError: there is no such column.
    """
    if not wanted:
        usual = table.find("", TARGETS)
        return (usual or table.names[-1],), "named so" if usual else "the last column"
    if wanted in table.names or not ("," in wanted or "*" in wanted):
        return (table.find(wanted),), "asked for"
    found: dict[str, None] = {}
    for part in (one.strip() for one in wanted.split(",") if one.strip()):
        matching = [name for name in table.names if fnmatchcase(name, part)] if "*" in part else [table.find(part)]
        if not matching:
            raise DataError(f"No column is called like {part!r}", f"It has: {some(table.names, 20)}")
        found |= dict.fromkeys(matching)
    return tuple(found), "asked for"


def are_classes(table: Columns, targets: Sequence[str]) -> bool:
    """Whether what is to be predicted are names, few whole numbers, or one-hot columns."""
    if len(targets) > 1:
        return _one_hot(table, targets) is not None
    if not table.is_number(targets[0]):
        return True
    known = _known(table.columns[targets[0]])
    few = len(np.unique(known)) <= min(MOST_CLASSES, max(2, len(known) // 10))
    return bool(few and (known == np.rint(known)).all())


def labels_of(table: Columns, targets: Sequence[str], answer: str) -> tuple[Labels, Array]:
    """Names of classes or values (n, k) float32, and which rows have them, (n,) bool.

    Raises:
        DataError: values that are no numbers.
    """
    if answer == "values":
        words = [name for name in targets if not table.is_number(name)]
        if words:
            raise DataError(f"The column {some(words)} holds text, not numbers", "Say another --target or --task")
        values = np.stack([table.columns[name] for name in targets], axis=1).astype(np.float32)
        return values, np.asarray(np.isfinite(values).all(axis=1))
    if len(targets) > 1:
        hot = _one_hot(table, targets)
        if hot is None:
            what = f"The columns {some(targets)} are not one-hot: in each row one of them is 1 and the others 0"
            raise DataError(what, "Name one column as --target")
        return [targets[index] for index in hot.tolist()], np.ones(len(table), bool)
    names = table.text(targets[0])
    return names, np.array([bool(name) for name in names])


def roles(table: Columns, how: Reading, source: str) -> Roles:
    """What each column is for, with sentences on what was found and what is left out.

    Raises:
        DataError: a column that the user named is missing, or nothing is left to learn from.
    """
    targets, why = targets_of(table, how.target)
    group, time, part = table.find(how.group, GROUPS), table.find(how.time), part_of(table)
    aside = {*targets, group, time, part, *(table.find(name) for name in how.ignore)}
    notes = [f"What is to be predicted is {some(targets)} ({why})"]
    if group and not how.group:
        notes.append(f"Rows with the same {group} stay in one part")
    numbers, categories, left = list[str](), list[tuple[str, tuple[str, ...]]](), dict[str, list[str]]()
    for name in (name for name in table.names if name not in aside):
        reason = _useless(table, name, targets)
        if reason:
            left.setdefault(reason, []).append(name)
        elif table.is_number(name):
            numbers.append(name)
        else:
            categories.append((name, _levels(table.columns[name])))
    notes += [f"Left out, because {reason}: {some(names, 10)}" for reason, names in left.items()]
    if not numbers and not categories:
        raise DataError(f"{source} has no column to learn from", "; ".join(notes))
    return Roles(targets, _flags_first(table, numbers), tuple(categories), group, time, part, notes)


def _flags_first(table: Columns, numbers: Sequence[str]) -> tuple[str, ...]:
    """Columns of two values in front of those of more, each in their order."""
    return tuple(sorted(numbers, key=lambda name: len(np.unique(_known(table.columns[name]))) > 2))


def _known(column: Array) -> Array:
    return np.asarray(column[np.isfinite(column)])


def part_of(table: Columns) -> str:
    """The column that gives the parts of a split, if there is one."""
    name = table.find("", PART)
    return name if name and not table.is_number(name) and set(map(str.lower, table.text(name))) <= set(PARTS) else ""


def _one_hot(table: Columns, targets: Sequence[str]) -> Array | None:
    """Which of the columns is 1 in each row, (n,), or None where that is not one."""
    if not all(table.is_number(name) for name in targets):
        return None
    values = np.stack([table.columns[name] for name in targets], axis=1)
    if not np.isin(values, (0, 1)).all() or not (values.sum(axis=1) == 1).all():
        return None
    return np.asarray(values.argmax(axis=1))


def _useless(table: Columns, name: str, targets: Sequence[str]) -> str:
    """Why a model should not see a column; "" where it should."""
    column = table.columns[name]
    if table.is_number(name):
        known = _known(column)
        if not len(known) or (known == known[0]).all():
            return "always the same"
        counts = len(known) == len(column) and bool((np.diff(known) == 1).all())
        if counts or (name.strip().lower() in COUNTERS and len(np.unique(known)) == len(column)):
            return "they only count rows"
    else:
        different = len(set(column.tolist()) - {""})
        if different < 2:
            return "always the same"
        if different > len(column) // 2 or not _levels(column):
            return "almost all texts in them are different"
    return "they say what is to be predicted" if any(_tells(table, name, target) for target in targets) else ""


def _tells(table: Columns, name: str, target: str) -> bool:
    """Whether a column is the target, perhaps under other names or in another unit."""
    if table.is_number(name) and table.is_number(target):
        x, y = table.columns[name], table.columns[target]
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() > 2 and np.ptp(x[both]) and np.ptp(y[both]):
            return bool(abs(np.corrcoef(x[both], y[both])[0, 1]) > IDENTITY)
        return False
    pairs = set(zip(table.text(name), table.text(target), strict=True))
    ones, others = {one for one, _ in pairs}, {other for _, other in pairs}
    return len(pairs) == len(ones) == len(others)


def _levels(column: Array) -> tuple[str, ...]:
    """The categories worth telling apart, in alphabetical order."""
    counts = Counter(cell for cell in column.tolist() if cell)
    frequent = [level for level, count in counts.most_common(MOST_LEVELS) if count >= LEAST]
    return tuple(sorted(frequent))
