"""What tables say of items in words, as numbers: each word, genre or tag that several items share is a feature."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from smidgen.data.listing import Columns
    from smidgen.types import Array

LEAST = 3  # items that share a word
MOST = 4000  # words
WORD = re.compile(r"[^\W_]+")
LIST = re.compile(r"[|;,]")  # what stands between the entries of a list in a cell
YEAR = re.compile(r"(1[89]|20)\d\d")


def features(ids: Sequence[str], tables: Mapping[str, Columns], keys: Sequence[str]) -> Array:
    """The words of each item, weighted by how rare they are, each row of length 1 (or 0): (items, words) float32.

    Args:
        ids: of the items.
        tables: what lies beside the choices; those with a column of ids count, other columns of text in them are read.
        keys: the names, in small letters, that a column of ids may have.
    """
    numbers = {one: number for number, one in enumerate(ids)}
    words: list[set[str]] = [set() for _ in ids]
    for name in sorted(tables):
        table = tables[name]
        key = table.find("", keys)
        texts = [table.text(one) for one in table.names if key and one != key and not table.is_number(one)]
        for one, *cells in zip(table.text(key) if key else [], *texts, strict=True):
            if one in numbers:
                words[numbers[one]].update(word for cell in cells for word in _words(cell))
    counts = Counter(word for each in words for word in each)
    common = sorted((word for word, count in counts.items() if count >= LEAST), key=lambda word: (-counts[word], word))[
        :MOST
    ]
    columns = {word: column for column, word in enumerate(common)}
    found = np.zeros((len(ids), len(common)), np.float32)
    for row, each in zip(found, words, strict=True):
        for word in each & columns.keys():
            row[columns[word]] = np.log(len(ids) / counts[word]) + 1
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-9), np.float32)


def _words(cell: str) -> Iterator[str]:
    """The entries of a list as they are, single words, and of years the decade."""
    entries = LIST.split(cell.lower())
    if len(entries) > 1:
        yield from (f"={entry.strip()}" for entry in entries)
    for word in WORD.findall(cell.lower()):
        yield f"{word[:3]}0s" if YEAR.fullmatch(word) else word
