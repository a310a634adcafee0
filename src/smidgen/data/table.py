"""A table: of files, with the columns path and label and perhaps group and part, or of the examples themselves."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING

from smidgen.data import columns
from smidgen.data.folder import FolderFiles
from smidgen.data.listing import DAMAGED, MOST_EXAMPLES, PARTS, Listing, damaged, only_given
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COLUMNS = {"path": "path", "label": "label", "group": "group", "part": "part", "split": "part"}
HEADER = "Its first line should be: path,label (and if you like: group, part)"


def listing(path: Path, source: str) -> Listing:
    """List the files that a table names, or its rows. Raises DataError."""
    return _files(path, source) if _names_files(path) else columns.listing(path, source)


def _names_files(path: Path) -> bool:
    """Whether the first line of a .csv has a column called path."""
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return "path" in [name.strip().lower() for name in next(csv.reader(file), [])]
    except (*DAMAGED, csv.Error):
        return False


def _files(path: Path, source: str) -> Listing:
    """List the files that a CSV names, relative to its folder.

    Raises:
        DataError: a column is missing, a cell is empty, a path leads out of the folder, or it is not UTF-8 text.
    """
    try:
        rows = sorted(_rows(path), key=lambda row: row["path"])
    except (*DAMAGED, csv.Error, UnicodeDecodeError) as error:
        raise damaged(str(path), error) from None
    if not rows:
        raise DataError(f"{path} names no files", HEADER)
    twice = next((one["path"] for one, other in itertools.pairwise(rows) if one["path"] == other["path"]), "")
    if twice:
        raise DataError(f"{path} names {twice} more than once", "Give each file one line")
    names = [row["path"] for row in rows]
    return Listing(
        source,
        "csv",
        names,
        [row["label"] for row in rows],
        FolderFiles(path.parent, names),
        only_given([row["part"] for row in rows]) if "part" in rows[0] else (),
        [row["group"] for row in rows] if "group" in rows[0] else (),
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        known_as = {name: COLUMNS.get(name.strip().lower()) for name in reader.fieldnames or ()}
        for needed in ("path", "label"):
            if needed not in known_as.values():
                raise DataError(f"{path} has no column {needed!r}", HEADER)
        folder = path.parent.resolve()
        for row in reader:
            if reader.line_num > MOST_EXAMPLES:
                raise DataError(f"{path} has more than {MOST_EXAMPLES} lines")
            known = {known_as[name]: (cell or "").strip() for name, cell in row.items() if known_as.get(name)}
            yield _checked({str(name): cell for name, cell in known.items()}, folder, f"{path} line {reader.line_num}")


def _checked(row: Mapping[str, str], folder: Path, where: str) -> dict[str, str]:
    """One row with its part spelt our way. Raises DataError."""
    empty = next((name for name, cell in row.items() if not cell), None)
    if empty:
        raise DataError(f"{where}: {empty} is empty", "Fill it in")
    if "\0" in row["path"] or not (folder / row["path"]).resolve().is_relative_to(folder):
        raise DataError(f"{where}: {row['path']!r} leads out of {folder}", "Use paths relative to the CSV's folder")
    if "part" not in row:
        return dict(row)
    part = PARTS.get(row["part"].lower())
    if part is None:
        raise DataError(f"{where}: there is no part called {row['part']!r}", "Use train, validation or test")
    return {**row, "part": part}
