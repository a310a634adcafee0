"""Folders of tables (ratings.csv with movies.csv beside it) and of texts (one class a file, one text a line)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.data import columns, table
from smidgen.data.folder import is_litter
from smidgen.data.listing import MOST_EXAMPLES, Columns, Listing, damaged
from smidgen.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

TABULAR = (".csv", ".tsv", ".tab", *columns.PARQUET)
MAIN = ("interactions", "ratings", "events", "clicks", "train", "data")
NOTES = ("readme", "source", "license", "licence")  # files that are not data
MOST = 100  # files


def suits(folder: Path) -> bool:
    """Whether a folder holds tables, or files of lines, and no folders. Raises DataError where it cannot be read."""
    try:
        entries = [entry for entry in folder.iterdir() if not is_litter(entry.name)]
    except OSError as error:
        raise damaged(str(folder), error) from None
    files = [entry for entry in entries if entry.is_file()]
    return 0 < len(files) == len(entries) <= MOST and bool(_tables(folder) or len(_texts(folder)) > 1)


def listing(folder: Path, source: str) -> Listing:
    """List the rows of the main table with the others beside it, or the lines of text files.

    Raises:
        DataError: a file cannot be read.
    """
    found = _tables(folder)
    if not found:
        return _lines(folder, source)
    main = next((path for name in MAIN for path in found if path.stem.lower() == name), None)
    main = main or max(found, key=lambda path: path.stat().st_size)
    rest = {path.stem.lower(): columns.read(path)[0] for path in found if path != main}
    chosen = table.listing(main, source)
    note = [f"{main.name} was read; beside it: {', '.join(sorted(rest))}"] if rest else []
    return Listing(
        source, "tables", chosen.names, chosen.labels, chosen.content, chosen.parts, chosen.groups,
        [*chosen.warnings, *note], rest,
    )  # fmt: skip


def _lines(folder: Path, source: str) -> Listing:
    """Each file is a class, named after it, and each line of it an example."""
    paths = _texts(folder)
    by_suffix = len({path.stem for path in paths}) == 1  # rt-polarity.neg and rt-polarity.pos
    texts, labels, lines, warnings = list[str](), list[str](), list[str](), list[str]()
    for path in paths:
        text, notes = columns.decoded(path.read_bytes(), path.name)
        warnings += notes
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                texts.append(line.strip())
                labels.append(path.suffix[1:] if by_suffix else path.stem)
                lines.append(f"{path.name}:{number}")
    if not texts or len(texts) > MOST_EXAMPLES:
        raise DataError(f"The files in {source} hold {len(texts)} lines", f"Give 1 to {MOST_EXAMPLES}")
    content = {"text": np.array(texts, object), "label": np.array(labels, object)}
    return Listing(source, "lines", lines, [], Columns(("text", "label"), content, lines), warnings=warnings)


def _tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in TABULAR and not _is_note(path))


def _texts(folder: Path) -> list[Path]:
    """Text files that may each be a class: all but notes about them."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not _is_note(path)]
    if all(path.suffix.lower() in (".txt", ".text") for path in files) or len({path.stem for path in files}) == 1:
        return files if all(b"\0" not in path.read_bytes()[:4096] for path in files) else []
    return []


def _is_note(path: Path) -> bool:
    return is_litter(path.name) or path.stem.lower() in NOTES
