"""Texts: UTF-8 bytes of a fixed length, as they come out of a file or a radio; no vocabulary, no tokens."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from smidgen.data.folder import one_file
from smidgen.data.listing import LARGEST_FILE, Columns, Listing, Recordings, Rows
from smidgen.data.reading import Collected, Match, read
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.signals import _text
from smidgen.types import Array, Changes, Event, Json, Progress, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from smidgen.data.store import Memory

SHORTEST, LONGEST = 8, 4096  # bytes of an input
USUAL = 512  # at most, unless a user wants more: small models learn little from what comes later
COVERED = 0.99  # of the texts are no longer than the input
ENDINGS = (".txt", ".text", ".md", ".rst", ".eml")
TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
LOOKED_AT = 100  # files whose names tell what they hold
ROWS = 4096  # texts in memory as bytes at a time
SHOWN = 40  # characters of a message that stand for its name
BINS = 256  # of a sketch


@dataclass(frozen=True)
class TextSignal:
    """`length` bytes, filled up with zeros. `column` is that of the texts, where tables are read.

    `lines`: each line of a text file is a text, as it was where the model learnt; else the whole file is one.
    """

    length: int
    column: str = ""
    lines: bool = True

    kind = "text"
    noun = "texts"
    comparable = False

    @property
    def input(self) -> TensorSpec:
        """uint8 bytes."""
        return TensorSpec("text", "uint8", (self.length,))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(time,): codes that a family embeds."""
        return (self.length,)

    def frontend(self) -> nn.Module:
        """None: what a byte means, and whether case matters, is for the family to learn."""
        from torch import nn

        return nn.Identity()

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:
        """A column of texts beside one of labels; files of text in class folders."""
        content = found.content
        if how.task.target != "label":
            return None
        if isinstance(content, Columns):
            chosen = _text.layout(content, how)
            if chosen is None or not chosen.target:
                return None
            others = len(content.names) - sum(1 for name in vars(chosen).values() if name)
            score = 0.95 if others == 0 else 0.85 if others <= 3 else 0.5
            return Match(score, f"its column {chosen.text!r} holds texts")
        if isinstance(content, Recordings | Sequence):
            return None
        share = np.mean([name.lower().endswith(ENDINGS) for name in found.names[:LOOKED_AT]])
        return Match(0.95, "its files are texts") if share > 0.5 else None

    @classmethod
    def collect(
        cls, found: Listing, how: Reading, memory: Memory, progress: Progress, sensor: Self | None = None
    ) -> Collected:
        """Read all texts; raises DataError, UsageError."""
        if isinstance(found.content, Columns):
            return _from_table(cls, found, found.content, how, memory, progress, sensor)
        made = read(found, cls, how, memory, progress, sensor)
        signal = made.signal
        assert isinstance(signal, cls)  # noqa: S101  `read` gives what `plan` made
        lengths = [int(shape) for shape, count in made.sizes.items() for _ in range(count)]
        sizes, cut = _told(np.array(lengths, np.int64), signal.length)
        return replace(made, sizes=sizes, warnings=[*made.warnings, *cut])

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """What a user gave as it is, or where that is a file: its rows, its lines, or all of it; uint8 (length,).

        Raises:
            DataError: it is empty, or the file cannot be read.
        """
        path = _existing(given)
        if path is None:
            texts = [(given if len(given) <= SHOWN else f"{given[: SHOWN - 1]}…", given)]
        elif path.suffix.lower() in TABLES:
            texts = list(self._rows(path))
        else:
            text = one_file(given, _text.content, "Give a text, or a file of texts")
            every = text.splitlines() if self.lines else [text]
            named = [(f"{given}:{number}", line) for number, line in enumerate(every, 1) if line.strip()]
            texts = named if len(named) > 1 else [(given, every[0])]
        for name, text in texts:
            if not text.strip():
                raise DataError(f"{name!r} is empty", "Give a text")
            yield name, _text.encoded([text], self.length)[0]

    def _rows(self, path: Path) -> Iterator[tuple[str, str]]:
        """The texts of a table with where they stand."""
        from smidgen.data import columns

        table, _ = columns.read(path)
        name = self.column if self.column in table.names else ""
        longest = {key: sum(map(len, table.text(key))) for key in table.names}
        name = name or max(longest, key=longest.__getitem__)
        yield from ((line, text) for line, text in zip(table.lines, table.text(name), strict=True) if text.strip())

    @staticmethod
    def header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], str]:  # noqa: ARG004  as `reading.read` calls it
        """(bytes,) of the text in a file. Raises DataError where it is none."""
        return (len(_text.encode(_text.content(stream.read(LARGEST_FILE)), LARGEST_FILE)),), ""

    @staticmethod
    def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, ...], Callable[[Array], Array], list[str]]:
        """Arrays are no texts: raises DataError."""
        raise DataError(f"{pieces[0].name} holds an array, no texts", "Give a table with a column of texts")

    @classmethod
    def plan(cls, shapes: Mapping[tuple[int, ...], int], how: Reading, fixed: bool = False) -> Self:  # noqa: ARG003
        """The length that covers most texts, (bytes,) -> how many; raises UsageError."""
        return cls(_length([shape[0] for shape, count in shapes.items() for _ in range(count)], how), lines=False)

    def decode(self, data: bytes) -> Array:
        """The content of a file as uint8 (length,). Raises DataError without the name of the file."""
        return np.asarray(_text.encoded([_text.content(data)], self.length)[0])

    def simplify(self, block: Array) -> Array | None:  # noqa: ARG002
        """Texts have no simpler form."""
        return None

    def simpler(self) -> Self:
        """Itself."""
        return self

    def learn(self, blocks: Iterable[Array]) -> Self:  # noqa: ARG002
        """Nothing: bytes have no scale."""
        return self

    def sketch(self, block: Array) -> Array:
        """How often pairs of bytes occur, hashed to a few numbers: (b, BINS) uint8."""
        first, second = block[:, :-1].astype(np.int64), block[:, 1:].astype(np.int64)
        bins = np.where(second > 0, (first * 31 + second * 97) % (BINS - 1) + 1, 0)
        places = bins + np.arange(len(block))[:, None] * BINS
        counts = np.bincount(places.ravel(), minlength=len(block) * BINS).reshape(-1, BINS)
        counts[:, 0] = 0
        return np.asarray(np.minimum(counts * 16, 255), np.uint8)

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:
        """Characters that are left out; only where there are few texts."""
        return [[{"drop": 0.05}, {"drop": 0.02}]] if few else []

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Each text with some of its bytes left out, a share of `drop`: uint8 (batch, length)."""
        import torch

        share = float(how.get("drop", 0.0))
        if not share:
            return raw
        dice = torch.Generator().manual_seed(seed)
        kept = (torch.rand(raw.shape, generator=dice).to(raw.device) >= share) & (raw > 0)
        order = torch.argsort(~kept, dim=1, stable=True)  # those that stay move up
        return torch.where(kept, raw, 0).gather(1, order)

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or out of range."""
        length, column, lines = (state.get(name) for name in ("length", "column", "lines"))
        if type(length) is not int or not SHORTEST <= length <= LONGEST:
            raise BundleError(f"signal.length should be a whole number from {SHORTEST} to {LONGEST}, not {length!r}")
        if not isinstance(column, str) or not isinstance(lines, bool):
            raise BundleError("signal.column should be the name of a column, and signal.lines true or false")
        return cls(length, column, lines)


def _from_table(
    cls: type[TextSignal],
    found: Listing,
    table: Columns,
    how: Reading,
    memory: Memory,
    progress: Progress,
    sensor: TextSignal | None,
) -> Collected:
    """The texts of a table; rows without a text or a label are left out."""
    chosen = _text.layout(table, how, sensor.column if sensor else "")
    if chosen is None:
        raise DataError(f"{found.source} has no column of texts", "Say another --task, or put texts in a column")
    if not chosen.target:
        raise DataError(f"{found.source} has no column of labels", "Name it with --target")
    texts, labels = table.text(chosen.text), table.text(chosen.target)
    kept = [row for row, (text, label) in enumerate(zip(texts, labels, strict=True)) if text.strip() and label.strip()]
    if not kept:
        raise DataError(f"No row of {found.source} has a text and a label", "Check its columns, or name --target")
    lengths = [len(_text.encode(texts[row], LARGEST_FILE)) for row in kept]
    signal = sensor or cls(_length(lengths, how), chosen.text)
    writer = memory.writer(len(kept), signal.input.shape, signal.input.dtype)
    for start in range(0, len(kept), ROWS):
        writer.append(_text.encoded([texts[row] for row in kept[start : start + ROWS]], signal.length))
        progress(Event("read", min(start + ROWS, len(kept)), len(kept)))
    sizes, cut = _told(np.array(lengths), signal.length)
    notes = [] if how.target else [f"Column {chosen.target!r} was taken for the label (--target names another)"]
    missing = len(texts) - len(kept)
    notes += [f"{missing} of {len(texts)} rows have no text or no label and were left out"] if missing else []
    given, groups = _text.parts(table, chosen.part), table.text(chosen.group) if chosen.group else ()
    return Collected(
        signal,
        writer.store(),
        [labels[row].strip() for row in kept],
        [table.lines[row] for row in kept],
        [given[row] for row in kept] if given else (),
        [groups[row] for row in kept] if groups else (),
        sizes=sizes,
        warnings=[*notes, *cut],
    )


def _length(lengths: Sequence[int], how: Reading) -> int:
    """What covers most texts, a multiple of 8; raises UsageError for a --window that makes no sense."""
    if how.window is not None:
        if not SHORTEST <= how.window <= LONGEST:
            raise UsageError(f"Texts of {how.window} bytes make no sense", f"Use a --window of {SHORTEST} to {LONGEST}")
        return how.window
    covering = float(np.quantile(lengths, COVERED, method="higher"))
    return int(min(USUAL, max(SHORTEST, -(-covering // 8) * 8)))


def _told(lengths: Array, length: int) -> tuple[dict[str, int], list[str]]:
    """How many texts have about which length, and how many were cut, in a sentence."""
    edges = [0, 16, 64, 256, 1024, LARGEST_FILE]
    counts = np.histogram(lengths, edges)[0].tolist()
    names = [f"{low} to {high - 1} bytes" for low, high in itertools.pairwise(edges[:-1])]
    sizes = {name: count for name, count in zip([*names, f"{edges[-2]} bytes or more"], counts, strict=True) if count}
    long = int((lengths > length).sum())
    return sizes, [f"{long} of {len(lengths)} texts are longer than {length} bytes and were cut"] if long else []


def _existing(given: str) -> Path | None:
    """The file of that name, if there is one."""
    try:
        return Path(given) if Path(given).is_file() else None
    except (OSError, ValueError):  # a text too long for a name, or with characters that no name has
        return None


SIGNAL = TextSignal
