"""Texts as bytes, and which columns of a table hold what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.columns import decoded
from smidgen.data.listing import PARTS, Columns, only_given
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.types import Array, Reading

TARGETS = ("label", "class", "category", "target", "sentiment", "topic", "spam", "language", "y")
PART = ("part", "split")
TYPICAL = 200  # rows that tell what a column holds
WORDS = 1.5  # a column of texts has more, in the mean, than one of categories
DIFFERENT = 0.5  # of texts: few occur twice
LONGEST_FILE = 2**24  # bytes; what a message has is far less


def encode(text: str, length: int) -> bytes:
    """UTF-8, of at most `length` bytes that end with a whole character, without spaces around."""
    whole = text.strip().replace("\0", " ").encode("utf-8", "replace")
    return whole if len(whole) <= length else whole[:length].decode("utf-8", "ignore").encode()


def encoded(texts: Sequence[str], length: int) -> Array:
    """Texts as the model takes them: uint8 (n, length), filled up with zeros."""
    made = np.zeros((len(texts), length), np.uint8)
    for row, text in zip(made, texts, strict=True):
        data = encode(text, length)
        row[: len(data)] = np.frombuffer(data, np.uint8)
    return made


def content(data: bytes) -> str:
    """The text in a file. Raises DataError, without a name, where it is none, or empty, or too long."""
    if len(data) > LONGEST_FILE:
        raise DataError(f"has {len(data) / 2**20:.0f} MB; at most {LONGEST_FILE // 2**20} are read")
    try:
        text = decoded(data, "it")[0]
    except DataError:
        raise DataError("is not text") from None
    if not text.strip():
        raise DataError("is empty")
    return text


@dataclass(frozen=True)
class Layout:
    """Names of columns: of the texts, the labels, the parts of a split, and what must stay together; "" is none."""

    text: str
    target: str
    part: str
    group: str


def layout(table: Columns, how: Reading, text: str = "") -> Layout | None:
    """Which columns are what, or None where no column holds texts; `text` is named by a model that reads it.

    Raises:
        DataError: there is no column of a name that the user gave.
    """
    target, group = table.find(how.target), table.find(how.group)
    left_out = {target, group, *(table.find(name) for name in how.ignore)}
    free = [name for name in table.names if name not in left_out]
    words = {name: _words(table, name) for name in free}
    usual = text if text in free else max((name for name in free if words[name]), key=words.__getitem__, default="")
    if not usual:
        return None
    rest = [name for name in free if name != usual]
    part = next((name for name in rest if name.strip().lower() in PART and _is_part(table.text(name))), "")
    rest = [name for name in rest if name != part]
    target = target or next((name for name in rest if name.strip().lower() in TARGETS), "") or _fewest(table, rest)
    return Layout(usual, target, part, group)


def _words(table: Columns, name: str) -> float:
    """The mean length of the texts in a column in characters; 0 where it holds categories or numbers."""
    if table.is_number(name):
        return 0.0
    cells = [cell for cell in table.columns[name][:TYPICAL].tolist() if cell.strip()]
    if not cells or len(set(cells)) < DIFFERENT * len(cells):
        return 0.0
    words = np.mean([len(cell.split()) for cell in cells])
    return float(np.mean([len(cell) for cell in cells])) if words > WORDS else 0.0


def _is_part(cells: Sequence[str]) -> bool:
    return all(cell.strip().lower() in PARTS for cell in cells)


def parts(table: Columns, name: str) -> Sequence[str]:
    """The part that each row says it belongs to, or none."""
    return only_given([PARTS[cell.strip().lower()] for cell in table.text(name)]) if name else ()


def _fewest(table: Columns, names: Sequence[str]) -> str:
    """The column with the fewest different values, at least two; "" where each row has its own."""
    counts = {name: len(Counter(table.text(name))) for name in names}
    kinds = {name: count for name, count in counts.items() if 2 <= count <= max(2, len(table) // 3)}
    return min(kinds, key=kinds.__getitem__, default="")
