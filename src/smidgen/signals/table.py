"""Tables: one row is one example, numbers as they are (nan: missing) and categories as codes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from smidgen.data.listing import PARTS, Columns, Listing, some
from smidgen.data.reading import Collected, Match
from smidgen.errors import BundleError, DataError
from smidgen.signals import _table_columns
from smidgen.types import Array, Json, Progress, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.data.store import Memory
    from smidgen.signals._table_columns import Roles
    from smidgen.types import Changes

STEPS = 8  # of the encoding of a number
ENOUGH = 1000  # training rows; with fewer, one step does better
SPREAD = 3.0  # deviations from the mean at which a number that has one step is clipped
LOOKED_AT = 200_000  # rows that tell how numbers are spread
MOST_COLUMNS = 10_000
SHARES = ((0.7, "train"), (0.15, "validation"), (0.15, "test"))  # of the rows in order of time
UNKNOWN = -1.0  # the code of a category that is missing, or that was not learnt


@dataclass(frozen=True)
class TableSignal:
    """Columns of `numbers`, of which the first `flags` have two values, then of `categories` with their levels.

    What is learnt: `fills`, the median of each number; `edges`, of its steps; `holed`, which numbers had gaps.
    """

    numbers: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    flags: int = 0
    targets: tuple[str, ...] = ()
    fills: tuple[float, ...] = ()
    edges: tuple[tuple[float, ...], ...] = ()
    holed: tuple[int, ...] = ()

    kind = "table"
    noun = "rows"
    comparable = False  # rows may well be alike

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a model sees, in the order of its input."""
        return self.numbers + tuple(name for name, _ in self.categories)

    @property
    def input(self) -> TensorSpec:
        """One row: numbers in their own units, then codes of categories."""
        return TensorSpec("row", "float32", (len(self.columns),))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(features,): the steps of every number, every category, and whether numbers are missing."""
        steps = sum(max(1, len(edges) - 1) for edges in self._edges())
        return (steps + sum(len(levels) for _, levels in self.categories) + len(self.holed),)

    def frontend(self) -> nn.Module:
        """float32 (batch, columns) -> features from 0 to 1, (batch, features)."""
        from smidgen.signals._table_frontend import TableFrontend

        edges = self._edges()
        fills = np.array((*(self.fills or (0.0,) * len(self.numbers)), *[UNKNOWN] * len(self.categories)), np.float32)
        flags = np.array(edges[: self.flags], np.float32).reshape(self.flags, 2)
        steps = np.array(edges[self.flags :], np.float32).reshape(len(self.numbers) - self.flags, -1)
        return TableFrontend(fills, flags, steps, [len(levels) for _, levels in self.categories], self.holed)

    def _edges(self) -> Sequence[Sequence[float]]:
        return self.edges or [(0.0, 1.0)] * len(self.numbers)

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:
        """Tables whose target suits the task."""
        table = found.content
        if not isinstance(table, Columns) or how.task.target not in ("label", "normal") or len(table.names) < 2:
            return None
        targets, why = _table_columns.targets_of(table, how.target)
        if how.task.answer == "values" and not all(table.is_number(name) for name in targets):
            return None
        try:
            _table_columns.roles(table, how, found.source)
        except DataError:
            return None
        classes, named = _table_columns.are_classes(table, targets), why != "the last column"
        kind = "names of classes" if classes else "numbers"
        suits = (how.task.answer == "classes") == classes and how.task.target == "label"
        return Match((0.7 if named else 0.4) if suits else 0.2, f"its column {some(targets)} holds {kind}")

    @classmethod
    def collect(
        cls,
        found: Listing,
        how: Reading,
        memory: Memory,
        progress: Progress,  # noqa: ARG003  a table is in memory already
        sensor: Self | None = None,
    ) -> Collected:
        """Read all rows that have a target; raises DataError."""
        table = found.content
        if not isinstance(table, Columns):
            raise DataError(f"{found.source} is no table", "Say another --task, or give a .csv or .parquet")
        roles = _table_columns.roles(table, how, found.source) if sensor is None else _of_sensor(table, how, sensor)
        labels, there = _table_columns.labels_of(table, roles.targets, how.task.answer)
        notes, chosen = list(roles.notes), np.flatnonzero(there)
        if not len(chosen):
            raise DataError(f"No row of {found.source} has a value in {some(roles.targets)}", "Say another --target")
        if len(chosen) < len(table):
            notes.append(f"{len(table) - len(chosen)} rows were left out, because they lack {some(roles.targets)}")
        table = table.rows(chosen)
        kept = labels[chosen] if isinstance(labels, np.ndarray) else [labels[index] for index in chosen.tolist()]
        signal = sensor or _planned(cls, table, roles)
        rows = signal.read(table)
        notes += _gaps(signal, rows) if sensor is None else []
        parts, rule = _parts(table, roles)
        writer = memory.writer(len(rows), rows.shape[1:], "float32")
        writer.append(rows)
        return Collected(
            signal=signal if sensor else signal.learn([rows]),  # from all parts, for the sketches of the report only
            store=writer.store(),
            labels=kept,
            names=table.lines,
            parts=parts,
            groups=table.text(roles.group) if roles.group else (),
            rule=rule,
            sizes={f"{rows.shape[1]} columns": len(rows)},
            warnings=notes if sensor is None else (),
        )

    def read(self, table: Columns) -> Array:
        """The rows of a table as the graph takes them, (n, columns) float32.

        Raises:
            DataError: a column is missing, or a number is none.
        """
        missing = [name for name in self.columns if name not in table.columns]
        if missing:
            hint = f"A model needs all columns that it learnt from: {some(self.columns, 20)}"
            raise DataError(f"{table.lines[0]} lacks the column {some(missing)}", hint)
        rows = np.empty((len(table), len(self.columns)), np.float64)
        for index, name in enumerate(self.numbers):
            rows[:, index] = table.columns[name] if table.is_number(name) else _numbers(table, name)
        for index, (name, levels) in enumerate(self.categories, len(self.numbers)):
            codes = {level: code for code, level in enumerate(levels)}
            rows[:, index] = [codes.get(cell, UNKNOWN) for cell in table.text(name)]
        rows[np.abs(rows) > np.finfo(np.float32).max] = np.nan
        return rows.astype(np.float32)

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """Each row of a table; raises DataError."""
        from smidgen.data.sources import listing

        table = listing(given).content
        if not isinstance(table, Columns):
            raise DataError(f"{given} is no table", "Give a .csv or .parquet with one example a row")
        yield from zip(table.lines, self.read(table), strict=True)

    def learn(self, blocks: Iterable[Array]) -> Self:
        """Medians, steps and gaps of training rows, blocks (b, columns)."""
        rows, stride, seen = list[Array](), 1, 0
        for block in blocks:
            rows.append(block[-seen % stride :: stride])
            seen += len(block)
            if sum(map(len, rows)) > LOOKED_AT:
                rows, stride = [np.concatenate(rows)[::2]], 2 * stride
        values = np.concatenate(rows)[:, : len(self.numbers)].astype(np.float64)
        steps = STEPS if seen >= ENOUGH else 1
        known = [column[np.isfinite(column)] for column in values.T]
        return replace(
            self,
            fills=tuple(_rounded(np.median(column) if len(column) else 0.0) for column in known),
            edges=tuple(
                _ends(column) if index < self.flags else _steps(column, steps) for index, column in enumerate(known)
            ),
            holed=tuple(np.flatnonzero(np.isnan(values).any(axis=0)).tolist()),
        )

    def sketch(self, block: Array) -> Array:
        """How far each number is through its range, and the codes of categories, (b, columns)."""
        count = len(self.numbers)
        edges = np.array([(each[0], each[-1]) for each in self._edges()]).reshape(-1, 2)
        known = np.where(np.isnan(block), (*(self.fills or (0.0,) * count), *[UNKNOWN] * len(self.categories)), block)
        through = (known[:, :count] - edges[:, 0]) / (edges[:, 1] - edges[:, 0])
        return np.concatenate([np.rint(255 * through.clip(0, 1)), known[:, count:] + 1], axis=1).astype(np.uint8)

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:  # noqa: ARG002
        """None: a row that is changed a little may be of another class."""
        return ()

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:  # noqa: ARG002
        """Rows stay as they are."""
        return raw

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {field.name: _listed(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        numbers, categories, targets = _names(state, "numbers"), _categories(state), _names(state, "targets")
        flags, holed = state.get("flags"), state.get("holed")
        if not 1 <= len(numbers) + len(categories) <= MOST_COLUMNS:
            raise BundleError("signal.numbers and signal.categories should name at least one column")
        if type(flags) is not int or not 0 <= flags <= len(numbers):
            raise BundleError("signal.flags should say how many numbers have two values")
        if not isinstance(holed, list) or not all(type(one) is int and 0 <= one < len(numbers) for one in holed):
            raise BundleError("signal.holed should be a list of columns, by their numbers")
        fills, edges = _floats(state.get("fills"), len(numbers), "fills"), state.get("edges")
        if not isinstance(edges, list) or len(edges) != len(numbers):
            raise BundleError("signal.edges should have a list for each number")
        rising = tuple(_floats(each, None, "edges") for each in edges)
        lengths = {len(each) for each in rising[flags:]}
        if any(len(each) != 2 for each in rising[:flags]) or len(lengths) > 1 or not all(map(_rise, rising)):
            raise BundleError("signal.edges should rise, two for each flag and as many for each other number")
        return cls(numbers, categories, flags, targets, fills, rising, tuple(holed))


def _planned(kind: type[TableSignal], table: Columns, roles: Roles) -> TableSignal:
    columns = [table.columns[name] for name in roles.numbers]
    flags = sum(len(np.unique(column[np.isfinite(column)])) <= 2 for column in columns)
    return kind(roles.numbers, roles.categories, flags, roles.targets)


def _of_sensor(table: Columns, how: Reading, sensor: TableSignal) -> Roles:
    """What a model that is measured needs to know about another table."""
    targets = sensor.targets
    if how.target or not all(name in table.names for name in targets):
        targets = _table_columns.targets_of(table, how.target or ",".join(targets))[0]
    return _table_columns.Roles(targets, part=_table_columns.part_of(table))


def _parts(table: Columns, roles: Roles) -> tuple[Sequence[str], str]:
    """The part of each row where the table or the order of time decides, and the rule in words."""
    if roles.part:
        parts = [PARTS[cell.lower()] for cell in table.text(roles.part)]
        return (parts, "") if len(set(parts)) > 1 else ((), "")
    if not roles.time:
        return (), ""
    column = table.columns[roles.time]
    order = np.argsort(column if table.is_number(roles.time) else np.array(table.text(roles.time)), kind="stable")
    parts = [""] * len(table)
    edges = [round(len(table) * sum(share for share, _ in SHARES[: index + 1])) for index in range(len(SHARES))]
    for place, row in enumerate(order.tolist()):
        parts[row] = next(name for edge, (_, name) in zip(edges, SHARES, strict=True) if place < edge)
    shares = ", ".join(f"{share:.0%} {name}".replace("%", " %") for share, name in SHARES)
    return parts, f"by {roles.time}, the oldest first: {shares}"


def _gaps(signal: TableSignal, rows: Array) -> list[str]:
    """What the report says about missing values and rare categories."""
    empty = np.isnan(rows).mean(axis=0)
    holed = [f"{signal.columns[index]} ({empty[index]:.0%})" for index in np.flatnonzero(empty).tolist()]
    strange = [
        f"{name} ({share:.0%})"
        for index, (name, _) in enumerate(signal.categories, len(signal.numbers))
        if (share := (rows[:, index] == UNKNOWN).mean())
    ]
    notes = [f"Missing values, which the model fills with the median: {some(holed, 10)}"] if holed else []
    more = [f"Missing or rare categories, which the model takes for none: {some(strange)}"] if strange else []
    return [*notes, *more]


def _numbers(table: Columns, name: str) -> list[float]:
    """A column that has text among its numbers; raises DataError, which names the first."""
    found = []
    for line, cell in zip(table.lines, table.text(name), strict=True):
        try:
            found.append(float(cell) if cell else math.nan)
        except ValueError:
            raise DataError(f"{line}: {name} should be a number, not {cell!r}", "Leave it empty if unknown") from None
    return found


def _ends(column: Array) -> tuple[float, ...]:
    """The smaller and the larger value of a flag."""
    low, high = (float(column.min()), float(column.max())) if len(column) else (0.0, 1.0)
    return _apart([low, high if high > low else low + max(1.0, abs(low))])


def _steps(column: Array, count: int) -> tuple[float, ...]:
    """The edges of `count` steps that hold about as many values each; of one, so many deviations around the mean."""
    if count == 1:
        mean, deviation = (column.mean(), column.std()) if len(column) else (0.0, 1.0)
        reach = SPREAD * deviation or 1.0
        return _apart([mean - reach, mean + reach])
    values = np.unique(column)
    edges = np.unique(np.quantile(column, np.linspace(0, 1, count + 1))) if len(column) else values
    if len(edges) <= count:  # many values are equal: the gaps between edges are filled with others that occur
        others = np.setdiff1d(values, edges)
        more = others[np.linspace(0, len(others) - 1, min(len(others), count + 1 - len(edges))).astype(int)]
        edges = np.union1d(edges, more)
    last = edges[-1] if len(edges) else 0.0
    beyond = last + max(1.0, abs(last)) * np.arange(1, count + 2 - len(edges))  # steps that no value reaches
    return _apart([*edges.tolist(), *beyond.tolist()])


def _apart(edges: Sequence[float]) -> tuple[float, ...]:
    """Edges as float32 that still rise."""
    found = [_rounded(edges[0])]
    for edge in edges[1:]:
        found.append(max(_rounded(edge), float(np.nextafter(np.float32(found[-1]), np.float32(np.inf)))))
    return tuple(found)


def _rounded(value: float) -> float:
    return float(np.float32(value))


def _listed(value: Json) -> Json:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _rise(edges: Sequence[float]) -> bool:
    return len(edges) > 1 and all(one < other for one, other in pairwise(edges))


def _names(state: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = state.get(name)
    if not isinstance(value, list) or not all(type(one) is str for one in value) or len(set(value)) < len(value):
        raise BundleError(f"signal.{name} should be a list of different names")
    return tuple(value)


def _categories(state: Mapping[str, Json]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    value = state.get("categories")
    if not isinstance(value, list) or not all(isinstance(one, list) and len(one) == 2 for one in value):
        raise BundleError("signal.categories should be a list of columns with their levels")
    names = _names({"categories": [name for name, _ in value]}, "categories")
    levels = [_names({"categories": each}, "categories") for _, each in value]
    if not all(1 <= len(each) <= _table_columns.MOST_LEVELS for each in levels):
        raise BundleError(f"signal.categories should have 1 to {_table_columns.MOST_LEVELS} levels each")
    return tuple(zip(names, levels, strict=True))


def _floats(value: Json, count: int | None, name: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(type(one) is float and math.isfinite(one) for one in value):
        raise BundleError(f"signal.{name} should be finite numbers")
    if count is not None and len(value) != count:
        raise BundleError(f"signal.{name} should be {count} numbers")
    return tuple(value)


SIGNAL = TableSignal
