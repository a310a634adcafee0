"""Tables: .csv, .tsv and other text in columns, and .parquet."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import DAMAGED, MOST_EXAMPLES, Columns, Listing, damaged
from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from smidgen.types import Array

TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat")
PARQUET = (".parquet", ".pq")
LARGEST = 2 * 2**30  # bytes of a table, which is held in memory
LONGEST = 2**20  # characters of a cell
MOST_COLUMNS = 10_000
EMPTY = {"", "na", "n/a", "nan", "null", "none", "?"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DELIMITERS = ("\t", ",", ";", "|", " ")
LOOKED_AT = 200  # rows that tell delimiter and header


def listing(path: Path, source: str) -> Listing:
    """A table, one example a row. What its columns mean is for the signal to say.

    Raises:
        DataError: it is no table, too large, or damaged.
        MissingLibrary: a .parquet, and pyarrow is not installed.
    """
    columns, warnings = read(path)
    layout = "parquet" if path.suffix.lower() in PARQUET else "csv"
    return Listing(source, layout, columns.lines, [], columns, warnings=warnings)


def read(path: Path) -> tuple[Columns, list[str]]:
    """The columns of a file, and what a reader of the report should know; raises as `listing` does."""
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} has more than {LARGEST // 2**30} GB", "Give a part of it")
        if path.suffix.lower() in PARQUET:
            return _parquet(path), []
        content = path.read_bytes()
    except DAMAGED as error:
        raise damaged(str(path), error) from None
    text, warnings = decoded(content, path.name)
    return parse(text, path.name), warnings


def decoded(content: bytes, name: str) -> tuple[str, list[str]]:
    """Bytes as text: UTF-8, or else Windows-1252, which is named in a warning. Raises DataError where neither is."""
    if b"\0" in content[:LONGEST]:
        raise DataError(f"{name} is not text", "Save it as UTF-8 text")
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), [f"{name} is not UTF-8; it was read as Windows-1252"]


def parse(text: str, name: str) -> Columns:
    """The columns of a text in rows; `name` is that of its file. Raises DataError."""
    lines = text.splitlines()
    rows = _rows(lines, _delimiter([line for line in lines[:LOOKED_AT] if line.strip()], name))
    numbered = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    if not numbered:
        raise DataError(f"{name} holds no rows", "Give a table with one example a row")
    width = len(numbered[0][1])
    wrong = next(((number, len(row)) for number, row in numbered if len(row) != width), None)
    if wrong:
        raise DataError(
            f"{name} line {wrong[0]} has {wrong[1]} cells, the first line {width}", "Give each line the same cells"
        )
    cells = list(zip(*(row for _, row in numbered), strict=True))
    headed = _is_header(cells)
    names = tuple(column[0].strip() if headed else f"c{index}" for index, column in enumerate(cells))
    twice = next((one for one, other in itertools.pairwise(sorted(names)) if one == other), None)
    if twice is not None or width > MOST_COLUMNS:
        problem = f"has two columns called {twice!r}" if twice is not None else f"has more than {MOST_COLUMNS} columns"
        raise DataError(f"{name} {problem}", "Rename one, or leave some out")
    where = [f"{name}:{number}" for number, _ in numbered[headed:]]
    if not where or len(where) > MOST_EXAMPLES:
        problem = "has a header but no rows" if not where else f"has more than {MOST_EXAMPLES} rows"
        raise DataError(f"{name} {problem}", "Give a table with one example a row")
    return Columns(names, {key: typed(column[headed:]) for key, column in zip(names, cells, strict=True)}, where)


def typed(cells: Sequence[str]) -> Array:
    """Cells as float64 where all are numbers or empty (nan), and one is a number; else as objects, strings: (n,)."""
    stripped = [cell.strip() for cell in cells]
    empty = [cell.lower() in EMPTY for cell in stripped]
    if not all(empty) and all(nothing or NUMBER.fullmatch(cell) for cell, nothing in zip(stripped, empty, strict=True)):
        values = ["nan" if nothing else cell for cell, nothing in zip(stripped, empty, strict=True)]
        return np.array(values, np.float64)
    return np.array(["" if nothing else cell for cell, nothing in zip(stripped, empty, strict=True)], object)


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if delimiter == " ":
        yield from ((number, line.split()) for number, line in enumerate(lines, 1))
        return
    csv.field_size_limit(LONGEST)
    if delimiter == "\t":  # text holds no tabs, so that it needs no quotation marks: there they are just characters
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"Line {reader.line_num} cannot be read: {error}", "Check its quotation marks") from None


def _delimiter(lines: Sequence[str], name: str) -> str:
    """The character between cells: of those that split all lines alike the one that makes most cells."""
    if not lines:
        raise DataError(f"{name} is empty", "Give a table with one example a row")
    shapes: dict[str, Counter[int]] = {}
    for delimiter in DELIMITERS:
        with suppress(DataError):  # a quotation mark that this delimiter leaves open
            shapes[delimiter] = Counter(len(row) for _, row in _rows(lines, delimiter))
    even = {mark: max(counts) for mark, counts in shapes.items() if len(counts) == 1 and max(counts) > 1}
    if even:
        return max(even, key=lambda mark: (mark != " ", even[mark]))
    mostly = {mark: counts.most_common(1)[0] for mark, counts in shapes.items() if mark != " "}
    uneven = [mark for mark, (count, times) in mostly.items() if count > 1 and 2 * times > len(lines)]
    return next(iter(uneven), ",")


def _is_header(cells: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: no numbers, nothing twice, nothing that occurs below."""
    first = [column[0].strip() for column in cells]
    if len(set(first)) < len(first) or any(not cell or len(cell) > 80 or NUMBER.fullmatch(cell) for cell in first):
        return False
    return not any(column[0] in column[1:LOOKED_AT] for column in cells)


def _parquet(path: Path) -> Columns:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingLibrary("pyarrow", "tables", f"Reading {path.name}") from None
    try:
        table = parquet.read_table(path)
    except Exception as error:  # noqa: BLE001  pyarrow raises whatever its parsers run into
        raise DataError(f"{path} cannot be read: {error}", "Check the file, or fetch it again") from None
    if not len(table) or len(table) > MOST_EXAMPLES:
        raise DataError(f"{path} has {len(table)} rows", f"Give 1 to {MOST_EXAMPLES}")
    columns: dict[str, Array] = {}
    for name in table.column_names:
        values = table[name].to_pylist()
        if all(value is None or isinstance(value, bool | int | float) for value in values):
            columns[name] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            columns[name] = np.array(["" if value is None else str(value) for value in values], object)
    return Columns(tuple(columns), columns, [f"{path.name}:{row}" for row in range(1, len(table) + 1)])
