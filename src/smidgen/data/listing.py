"""What a source holds, before anything in it is decoded."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, BinaryIO, Protocol
from zipfile import BadZipFile

import numpy as np

from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smidgen.types import Array

# A bomb is a small file that unpacks to very much. Pictures hardly shrink when packed, plain drawings by hundreds.
BOMB_BYTES = 2**30
BOMB_RATIO = 300
MOST_EXAMPLES = 20_000_000  # more than this in one source is a damaged header, or not for a small model
LARGEST_FILE = 256 * 2**20  # bytes of one example, as stored; no sensor of a small model gives more
BLOCK_BYTES = 4 * 2**20  # how much of a source is in memory at a time while it is read in order
DAMAGED = (EOFError, OSError, zlib.error, BadZipFile, NotImplementedError)  # what the standard readers raise

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}  # the names that parts of a split go by, in folders, files and columns


class Files(Protocol):
    """Examples that are files: `open(i)` is the i-th, from its start. Raises OSError, or DataError."""

    def open(self, index: int) -> BinaryIO:
        """The file of one example."""
        ...


@dataclass(frozen=True)
class Rows:
    """Equally shaped examples that lie one after the other in a stream. `shape` starts with their count."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    open: Callable[[], BinaryIO]  # the stream, at the first example

    @classmethod
    def of(cls, name: str, array: Array) -> Rows:
        """The rows of an array in memory."""
        return cls(name, array.shape, array.dtype, lambda: io.BytesIO(array.tobytes()))

    def __post_init__(self) -> None:
        """Raise DataError where no set of examples has this shape: a damaged header, or an array of another kind."""
        sizes, each = self.shape, math.prod(self.shape[1:]) * self.dtype.itemsize
        if not sizes or min(sizes) < 1 or sizes[0] > MOST_EXAMPLES or not 0 < each <= LARGEST_FILE:
            raise DataError(
                f"{self.name} has the shape {'x'.join(map(str, sizes)) or '()'}, as no set of examples has",
                "Fetch or write it again; the first axis counts examples",
            )

    def blocks(self) -> Iterator[Array]:
        """All examples in order, in blocks of about BLOCK_BYTES.

        Raises:
            DataError: the stream is damaged, too short or too long.
        """
        each = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, BLOCK_BYTES // max(1, each))
        try:
            with self.open() as stream:
                for start in range(0, self.shape[0], step):
                    count = min(step, self.shape[0] - start)
                    block = exactly(stream, count * each, self.name)
                    yield np.frombuffer(block, self.dtype).reshape(count, *self.shape[1:])
                if stream.read(1):
                    raise DataError(f"{self.name} is longer than its header says", "Fetch or write it again")
        except DAMAGED as error:
            raise damaged(self.name, error) from None


@dataclass(frozen=True)
class Columns:
    """A table in memory. Columns are float64, nan where a cell is empty, or objects: strings, "" where empty."""

    names: tuple[str, ...]
    columns: Mapping[str, Array]  # each (n,)
    lines: Sequence[str]  # where each row came from: "data.csv:2"

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, wanted: str, usual: Sequence[str] = ()) -> str:
        """The column that a user named, else the first one with a usual name, else "".

        Raises:
            DataError: there is no column of the name wanted.
        """
        by_meaning = {name.strip().lower(): name for name in self.names}
        if wanted:
            if wanted.strip().lower() in by_meaning:
                return by_meaning[wanted.strip().lower()]
            close = get_close_matches(wanted, self.names, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(close)}?" if close else f"It has: {some(self.names, 20)}"
            raise DataError(f"There is no column called {wanted!r}", hint)
        return next((by_meaning[name] for name in usual if name in by_meaning), "")

    def is_number(self, name: str) -> bool:
        """Whether all cells of a column are numbers, or empty."""
        return self.columns[name].dtype.kind == "f"

    def text(self, name: str) -> list[str]:
        """A column as strings, whole numbers without a point; "" where a cell is empty."""
        values = self.columns[name].tolist()
        return [_as_text(value) for value in values] if self.is_number(name) else values

    def rows(self, where: Array) -> Columns:
        """Some of the rows."""
        lines = [self.lines[index] for index in where.tolist()]
        return Columns(self.names, {name: column[where] for name, column in self.columns.items()}, lines)


def _as_text(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(value)


@dataclass(frozen=True)
class Recordings:
    """Signals in time, longer than what a model sees of them: one for each session, machine or class."""

    arrays: Sequence[Array]  # each (time, channels) float32
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.arrays)


Content = Files | Sequence[Rows] | Columns | Recordings


@dataclass(frozen=True)
class Listing:
    """The examples of a source. `parts` and `groups` are empty, or name the part and the group of each example.

    For a table, `labels` are empty too: the signal knows which column is what.
    """

    source: str
    layout: str  # folder, zip, idx, npz, csv, parquet, tables, lines, sample
    names: Sequence[str]
    labels: Sequence[str]
    content: Content
    parts: Sequence[str] = ()
    groups: Sequence[str] = ()
    warnings: Sequence[str] = field(default=())
    tables: Mapping[str, Columns] = field(default_factory=dict)  # what lies beside a table: of items, of users


@dataclass(frozen=True)
class Sample:
    """A data set that has a name: what it is, and how to list it."""

    about: str
    listing: Callable[[str], Listing]


def exactly(stream: BinaryIO, size: int, name: str) -> bytes:
    """The next `size` bytes; grows with what is there, so that a lying header cannot take memory.

    Raises:
        DataError: the stream ends before.
    """
    pieces = []
    while size > 0:
        piece = stream.read(min(size, BLOCK_BYTES))
        if not piece:
            raise DataError(f"{name} is cut off: it is shorter than its header says", "Fetch or write it again")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def check_size(path: Path, unpacked: int) -> None:
    """Raise DataError if `path` says that it unpacks to far more bytes than data does."""
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * path.stat().st_size:
        hint = "Unpack it yourself if you trust it"
        raise DataError(f"{path} is small but would unpack to {unpacked / 2**30:.0f} GiB, as a bomb does", hint)


def damaged(name: str, error: BaseException) -> DataError:
    """The error to raise when a standard reader gives up on `name`."""
    return DataError(f"{name} cannot be read: {reason(error)}", "Check the file, or fetch it again")


def reason(error: BaseException) -> str:
    """What the operating system or a reader has to say, in words."""
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def only_given(parts: Sequence[str]) -> Sequence[str]:
    """The parts as given, or none where all examples are in one: that is no split."""
    return parts if len(set(parts)) > 1 else ()


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def numbered(name: str, count: int) -> list[str]:
    """Names for the rows of an array."""
    return [f"{name}[{index}]" for index in range(count)]


def as_labels(values: Array, name: str) -> list[str]:
    """A column of whole numbers or of strings as class names.

    Raises:
        DataError: another type, several columns, NaN or fractions.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        hint = "Give one class for each example: an array of one dimension"
        raise DataError(f"The labels in {name} have shape {'x'.join(map(str, values.shape))}", hint)
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    if values.dtype.kind not in "iubU":
        raise DataError(
            f"The labels in {name} are {values.dtype}, or not whole", "Give whole numbers or strings as classes"
        )
    return [str(value) for value in values.tolist()]
