"""Runs: what a source holds of signals in time, one for each engine, session or recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

import numpy as np

from smidgen.data.listing import PARTS, Columns, Recordings, some
from smidgen.errors import DataError

if TYPE_CHECKING:
    from smidgen.data.listing import Listing
    from smidgen.types import Array, Reading

GROUPS = ("group", "unit", "engine", "machine", "unit number", "unit_number", "session", "run", "recording", "subject")
TIMES = (
    "time",
    "cycle",
    "timestamp",
    "date",
    "datetime",
    "cycles",
    "step",
    "t",
    "month",
    "year",
    "week",
    "day",
    "hour",
)
TARGETS = ("label", "class", "target", "fault", "state", "activity", "y")
LEFT = ("rul", "remaining", "remaining life", "time to failure", "ttf")  # columns of what is left of a run
PART = ("part", "split")
IDS = ("id", "index")  # columns that only count rows
START = 0.1  # of the length of a run, within which a clock that counts from its start begins


@dataclass(frozen=True)
class Layout:
    """Which column is what; "" where there is none. `channels` are what a model sees."""

    channels: tuple[str, ...]
    group: str = ""
    time: str = ""
    target: str = ""
    part: str = ""


@dataclass(frozen=True)
class Run:
    """One signal in time. `targets` and `parts` have an entry a step, or none.

    A step without a target, or without a part where there are parts, is no example, but may be seen in one.
    """

    name: str
    values: Array  # (time, channels) float32
    where: Sequence[str]  # where each step came from
    targets: Array | None = None  # (time,) objects: names, "" where there is none; or float64, nan where there is none
    parts: Array | None = None  # (time,) objects

    def __len__(self) -> int:
        return len(self.values)


@dataclass
class Runs:
    """All runs of a source, and what the report should say about their reading."""

    runs: list[Run]
    layout: Layout
    notes: list[str] = field(default_factory=list)


def runs_of(found: Listing, how: Reading, layout: Layout | None = None) -> Runs:
    """The runs in a table or in recordings.

    Args:
        found: what to read.
        how: names columns, and says what is to be predicted.
        layout: that of a model, whose channels must be there; None finds what there is.

    Raises:
        DataError: a column is missing, holds text where numbers are needed, or there are no channels.
    """
    if isinstance(found.content, Recordings):
        return _recordings(found, found.content, layout)
    if isinstance(found.content, Columns):
        table = found.content
        layout = _planned(table, how) if layout is None else _present(table, how, layout)
        return _divided(table, layout, how)
    raise DataError(f"{found.source} holds no signals in time", "Give a table with one step a row, or an .npz")


def counted(table: Columns) -> tuple[str, str]:
    """The columns that count units and the steps of each, where the first two do, as in C-MAPSS; else "", ""."""
    if len(table.names) < 3 or not all(table.is_number(name) for name in table.names[:2]):
        return "", ""
    unit, step = (table.columns[name] for name in table.names[:2])
    if not (np.isfinite(unit).all() and np.isfinite(step).all()):
        return "", ""
    starts = np.flatnonzero(np.diff(unit, prepend=unit[:1] - 1))
    expected = np.arange(len(unit)) - np.repeat(starts, np.diff([*starts, len(unit)])) + step[0]
    several = 1 < len(starts) <= len(unit) // 3 and len(np.unique(unit)) == len(starts)
    return (table.names[0], table.names[1]) if several and (step == expected).all() else ("", "")


def structure(table: Columns, how: Reading) -> tuple[str, str]:
    """The columns of the group and of the time, "" where there is none. Raises DataError."""
    unit, step = counted(table)
    return table.find(how.group, GROUPS) or unit, table.find(how.time, TIMES) or step


def target_of(table: Columns, how: Reading) -> str:
    """The column that the task predicts, "" where it needs none. Raises DataError."""
    usual = {"remaining": LEFT, "future": (), "label": (*TARGETS, *LEFT)}.get(how.task.target, TARGETS)
    return table.find(how.target, usual)


def _planned(table: Columns, how: Reading) -> Layout:
    group, time = structure(table, how)
    target, part = target_of(table, how), table.find("", PART)
    ignored = {table.find(name) for name in how.ignore}
    taken = {group, part, *ignored, *(name for name in table.names if name.lower() in IDS)}
    if how.task.target != "future":
        taken.add(target)
    if time and not (how.task.target == "remaining" and _from_start(table, group, time)):
        taken.add(time)
    seen = [name for name in table.names if name not in taken and table.is_number(name)]
    channels = tuple(name for name in seen if _varies(table.columns[name]))
    if not channels:
        raise DataError(f"{table.lines[0]} has no column of numbers that vary", "Give at least one sensor")
    return Layout(channels, group, time, target, part)


def _varies(column: Array) -> bool:
    known = column[np.isfinite(column)]
    return len(known) > 0 and bool((known != known[0]).any())


def _from_start(table: Columns, group: str, time: str) -> bool:
    """Whether a clock starts with each run, so that it says how old what runs is."""
    if not group or not table.is_number(time):
        return False
    names, clock = np.array(table.text(group)), table.columns[time]
    each = [clock[names == name] for name in np.unique(names)]
    if not np.isfinite(clock).all():
        return False
    starts, lengths = [part.min() for part in each], [np.ptp(part) for part in each]
    return len(each) > 1 and float(np.ptp(starts)) <= START * float(np.median(lengths))


def _present(table: Columns, how: Reading, layout: Layout) -> Layout:
    """The layout of a model in another table, which may lack what only learning needs."""
    missing = [name for name in layout.channels if name not in table.names]
    if missing:
        raise DataError(f"{table.lines[0]} lacks the column {some(missing)}", "Give the columns that were learnt from")
    wrong = [name for name in layout.channels if not table.is_number(name)]
    if wrong:
        raise DataError(f"The column {some(wrong)} should hold numbers", f"Look at {table.lines[0]} and below")
    kept = {name: name if name in table.names else "" for name in (layout.group, layout.time)}
    return replace(
        layout,
        group=kept[layout.group],
        time=kept[layout.time],
        target=target_of(table, how) or (layout.target if layout.target in table.names else ""),
        part=table.find("", PART),
    )


def _divided(table: Columns, layout: Layout, how: Reading) -> Runs:
    """The rows of a table as runs, each in the order of time."""
    result = Runs([], layout)
    values = np.stack([table.columns[name] for name in layout.channels], axis=1)
    holes = ~np.isfinite(values)
    if holes.any():
        result.notes.append(f"{holes.sum()} missing values were filled with the last one before")
    targets = _targets(table, layout, how)
    parts = np.array([part_of(cell) for cell in table.text(layout.part)], object) if layout.part else None
    order = _in_time(table, layout, result.notes)
    names = np.array(table.text(layout.group), object) if layout.group else np.full(len(table), "", object)
    for name in dict.fromkeys(names.tolist()):
        rows = order[names[order] == name]
        result.runs.append(
            Run(
                f"{layout.group} {name}" if layout.group else "the series",
                _filled(values[rows]),
                [table.lines[row] for row in rows.tolist()],
                None if targets is None else targets[rows],
                None if parts is None else parts[rows],
            )
        )
    result.notes += _left_out(table, layout, how)
    return result


def _targets(table: Columns, layout: Layout, how: Reading) -> Array | None:
    """(n,) float64 where values are learnt, else (n,) names; none where the task makes its own."""
    if not layout.target or how.task.target == "future":
        return None
    if how.task.answer != "values":
        return np.array(table.text(layout.target), object)
    if not table.is_number(layout.target):
        raise DataError(f"The column {layout.target} should hold numbers", "Say another --target")
    return table.columns[layout.target]


def part_of(cell: str) -> str:
    """The part of the split that a cell names, or "". Raises DataError."""
    if cell and cell.lower() not in PARTS:
        raise DataError(f"There is no part called {cell!r}", f"Use one of: {', '.join(PARTS)}; or leave it empty")
    return PARTS[cell.lower()] if cell else ""


def _in_time(table: Columns, layout: Layout, notes: list[str]) -> Array:
    """The order of all rows in time, (n,); that of the file where no column tells."""
    if not layout.time:
        return np.arange(len(table))
    clock = table.columns[layout.time]
    if not table.is_number(layout.time):
        try:
            clock = clock.astype("datetime64[ms]").astype(np.float64)
        except ValueError:
            notes.append(f"{layout.time} is neither a number nor a date such as 2026-11-24; rows stay in their order")
            return np.arange(len(table))
    return np.argsort(clock, kind="stable")


def _filled(values: Array) -> Array:
    """Missing values as the last one before, those at the start as the first one after, else 0; float32."""
    known = np.isfinite(values)
    if known.all():
        return np.asarray(values, np.float32)
    steps = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(known, steps, -1), axis=0)
    last = np.where(last < 0, known.argmax(axis=0), last)
    filled = np.nan_to_num(np.take_along_axis(values, last, axis=0), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(filled, np.float32)


def _left_out(table: Columns, layout: Layout, how: Reading) -> list[str]:
    """What the report says about columns that a model does not see, or does."""
    known = {*layout.channels, layout.group, layout.time, layout.target, layout.part, *how.ignore}
    rest = [name for name in table.names if name not in known]
    notes = [f"Left out, because they are no numbers, or always the same: {some(rest, 20)}"] if rest else []
    if layout.target:
        notes.append(f"{layout.target} was taken as what is to be predicted")
    if layout.time in layout.channels:
        notes.append(
            f"{layout.time} counts from the start of each run and is an input; --ignore {layout.time} drops it"
        )
    return notes


def _recordings(found: Listing, recordings: Recordings, layout: Layout | None) -> Runs:
    layout = layout or Layout(recordings.channels)
    if len(recordings.channels) != len(layout.channels):
        raise DataError(
            f"{found.source} has {len(recordings.channels)} channels, not {len(layout.channels)}", "Give the same ones"
        )
    runs = []
    for index, values in enumerate(recordings.arrays):
        name, count = found.names[index], len(values)
        label, part = (
            np.full(count, column[index], object) if column else None for column in (found.labels, found.parts)
        )
        runs.append(Run(name, np.asarray(values, np.float32), _Steps(name, count), label, part))
    return Runs(runs, layout)


class _Steps(Sequence[str]):
    """The names of the steps of a recording, made when they are asked for."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.length = name, count

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, step: int) -> str: ...

    @overload
    def __getitem__(self, step: slice) -> list[str]: ...

    def __getitem__(self, step: int | slice) -> str | list[str]:
        if isinstance(step, slice):
            return [self[one] for one in range(*step.indices(self.length))]
        return f"{self.name}[{step}]"
