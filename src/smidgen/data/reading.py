"""Decode what a listing holds into a store, and collect what cannot be read."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Protocol, Self, TypeVar

import numpy as np

from smidgen.data.listing import BLOCK_BYTES, DAMAGED, Columns, Files, Listing, Recordings, Rows, reason, some
from smidgen.data.store import Memory, blocks
from smidgen.errors import DataError
from smidgen.types import Array, Event, Labels, Progress, Reading, Signal, Store

THREADS = min(8, os.cpu_count() or 1)
HEADERS_AT_ONCE = 1024
Item = TypeVar("Item")
Shapes = Mapping[tuple[int, ...], int]  # of examples -> how many have it


@dataclass(frozen=True)
class Match:
    """How well a signal suits a listing, 0 to 1, and why, as the end of a sentence: "it has a column of texts"."""

    score: float
    why: str


@dataclass(frozen=True)
class Collected:
    """The examples of a source, read, and divided where the signal knows better than chance how to."""

    signal: Readable  # nothing learnt yet
    store: Store
    labels: Labels
    names: Sequence[str]  # where each example came from
    parts: Sequence[str] = ()  # train, validation or test, where the source or the signal decides; else empty
    groups: Sequence[str] = ()  # what must stay on one side
    rule: str = ""  # in words, how the signal divided them
    sizes: Mapping[str, int] = field(default_factory=dict)  # "28x28x1" -> examples
    bad: Sequence[tuple[str, str]] = ()  # (name, why) of what could not be read
    warnings: Sequence[str] = ()


class Readable(Signal, Protocol):
    """A signal that whole sets of examples can be read for."""

    comparable: bool  # whether examples with nearly equal numbers are nearly identical

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:
        """Whether a source may hold this kind of input, for the task in `how`. Reads no more than a few examples."""
        ...

    @classmethod
    def collect(
        cls, found: Listing, how: Reading, memory: Memory, progress: Progress, sensor: Self | None = None
    ) -> Collected:
        """Read all examples.

        Args:
            found: what to read.
            how: the choices of the user.
            memory: where to put the examples.
            progress: hears how far it is.
            sensor: read as this one would, for data that a model is measured on; None: plan what suits the data.

        Raises:
            DataError: it cannot be read, or not as this signal.
        """
        ...

    def learn(self, blocks: Iterable[Array]) -> Self:
        """The same with what is learnt from training examples, blocks (b, *input.shape)."""
        ...

    def sketch(self, block: Array) -> Array:
        """A few numbers that say what an example looks like: (b, d) uint8."""
        ...


class Decodable(Readable, Protocol):
    """A signal whose examples are files, or rows of arrays, that `read` decodes."""

    @staticmethod
    def header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], str]:
        """The shape of what is in a file, and its format if the name says another. Raises DataError without name."""
        ...

    @staticmethod
    def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, ...], Callable[[Array], Array], list[str]]:
        """How rows of arrays become examples: their shape, a function on blocks, warnings. Raises DataError."""
        ...

    @classmethod
    def plan(cls, shapes: Shapes, how: Reading, fixed: bool = False) -> Self:
        """The sensor that suits examples of these shapes (shape -> how many); `fixed`: decode cannot resize them."""
        ...

    def decode(self, data: bytes) -> Array:
        """The content of a file as this sensor would have given it. Raises DataError without the name of the file."""
        ...

    def simplify(self, block: Array) -> Array | None:
        """Examples as the `simpler` sensor would give them, or None where that would lose something."""
        ...

    def simpler(self) -> Self:
        """The signal that `simplify` leads to: without colour, say."""
        ...


Plan = Callable[[Shapes, bool], Decodable]
Keep = Callable[[Iterator[Array], int, Decodable], tuple[Decodable, Store]]


@dataclass(frozen=True)
class Decoded:
    """Examples in a store. `kept`: their places in the listing; `bad`: (name, why) of those that are missing."""

    signal: Decodable
    store: Store
    kept: Array
    bad: list[tuple[str, str]]
    sizes: dict[str, int]  # "28x28x1" -> examples
    warnings: list[str]


def read(
    found: Listing,
    kind: type[Decodable],
    how: Reading,
    memory: Memory,
    progress: Progress,
    sensor: Decodable | None = None,
) -> Collected:
    """Decode all examples of a listing of files or arrays.

    Args:
        found: what to read.
        kind: the signal that knows how.
        how: see the signal's `plan`.
        memory: where to put them.
        progress: told about every block.
        sensor: read as this one would; None plans the sensor that suits the examples.

    Raises:
        DataError: nothing can be read, or arrays that do not hold this signal, or not at the size of `sensor`.
        StorageError: the file that stands in for memory cannot be written.
    """

    def plan(shapes: Shapes, fixed: bool) -> Decodable:
        if sensor and fixed and set(shapes) != {sensor.input.shape}:
            wrong = f"The examples in {found.source} are {_size(next(iter(shapes)))}"
            raise DataError(f"{wrong}, but {_size(sensor.input.shape)} is wanted", "Give image files, or other arrays")
        return sensor or kind.plan(shapes, how, fixed)

    def keep(source: Iterator[Array], count: int, signal: Decodable) -> tuple[Decodable, Store]:
        stored = _store(source, signal, memory, _Clock("read", count, progress))
        return (signal, stored) if sensor else _simplify(signal, stored, memory)

    if isinstance(found.content, Sequence):
        decoded = _read_rows(found.content, len(found.names), kind, plan, keep)
    elif isinstance(found.content, Columns | Recordings):
        what = "a table" if isinstance(found.content, Columns) else "recordings"
        raise DataError(f"{found.source} holds {what}, not {kind.noun}", "Say another --task, or give files")
    else:
        decoded = _read_files(found, found.content, kind, plan, keep)
    return _collected(found, decoded)


def _collected(found: Listing, decoded: Decoded) -> Collected:
    labels, names, parts, groups = (
        [column[index] for index in decoded.kept.tolist()] if column else []
        for column in (found.labels, found.names, found.parts, found.groups)
    )
    return Collected(
        decoded.signal,
        decoded.store,
        labels,
        names,
        parts,
        groups,
        sizes=decoded.sizes,
        bad=decoded.bad,
        warnings=decoded.warnings,
    )


def _read_rows(pieces: Sequence[Rows], count: int, kind: type[Decodable], plan: Plan, keep: Keep) -> Decoded:
    shape, adapt, warnings = kind.adapter(pieces)
    source = (adapt(block) for rows in pieces for block in rows.blocks())
    signal, store = keep(source, count, plan({shape: count}, True))
    return Decoded(signal, store, np.arange(count), [], {_size(shape): count}, warnings)


def _read_files(found: Listing, files: Files, kind: type[Decodable], plan: Plan, keep: Keep) -> Decoded:
    names = found.names
    with ThreadPoolExecutor(THREADS) as pool:
        each = _Each(files, pool)
        everything = range(len(names))
        headers = dict(each(lambda stream, index: kind.header(stream, names[index]), everything, HEADERS_AT_ONCE))
        if not headers:
            raise DataError(f"None of the {len(names)} files in {found.source} can be read; {names[0]} {each.bad[0]}")
        shapes = Counter(shape for shape, _ in headers.values())
        signal = plan(shapes, False)
        at_once = max(1, BLOCK_BYTES // math.prod(signal.input.shape))
        kept: list[int] = []

        def source() -> Iterator[Array]:
            decoded = each(lambda stream, _: signal.decode(stream.read()), list(headers), at_once)
            while batch := list(islice(decoded, at_once)):
                kept.extend(index for index, _ in batch)
                yield np.stack([example for _, example in batch])

        signal, store = keep(source(), len(headers), signal)
    wrong = [f"{names[index]} is {form}" for index, (_, form) in headers.items() if form]
    return Decoded(
        signal,
        store,
        np.array(kept, np.int64),
        [(names[index], why) for index, why in sorted(each.bad.items())],
        {_size(shape): count for shape, count in shapes.items()},
        [f"Names that do not match the content: {some(wrong)}"] if wrong else [],
    )


class _Each:
    """Does something to each of many files, a batch at a time in several threads; `bad` says why some of them fail."""

    def __init__(self, files: Files, pool: ThreadPoolExecutor) -> None:
        self._files, self._pool = files, pool
        self.bad: dict[int, str] = {}

    def __call__(
        self, work: Callable[[BinaryIO, int], Item], indices: Sequence[int], at_once: int
    ) -> Iterator[tuple[int, Item]]:
        """The results of `work` on file and index, in order, without those that fail."""

        def safely(index: int) -> tuple[Item | None, str]:
            try:
                with self._files.open(index) as stream:
                    return work(stream, index), ""
            except DataError as error:
                return None, str(error)
            except DAMAGED as error:
                return None, reason(error)

        for start in range(0, len(indices), at_once):
            batch = indices[start : start + at_once]
            for index, (result, why) in zip(batch, self._pool.map(safely, batch), strict=True):
                if result is None:
                    self.bad[index] = why
                else:
                    yield index, result


def _store(source: Iterator[Array], signal: Decodable, memory: Memory, clock: _Clock) -> Store:
    writer = memory.writer(clock.total, signal.input.shape, signal.input.dtype)
    for block in source:
        writer.append(block)
        clock.tick(len(block))
    return writer.store()


def _simplify(signal: Decodable, store: Store, memory: Memory) -> tuple[Decodable, Store]:
    """The same examples in the signal's simpler form, if that loses nothing."""
    if any(signal.simplify(block) is None for block in blocks(store)):
        return signal, store
    simpler = signal.simpler()
    writer = memory.writer(len(store), simpler.input.shape, simpler.input.dtype)
    for block in blocks(store):
        if (simplified := signal.simplify(block)) is not None:
            writer.append(simplified)
    return simpler, writer.store()


def digests(store: Store) -> Array:
    """A hash of each example: (n, 2) uint64, equal where the examples are."""
    hashed = [
        hashlib.blake2b(example.tobytes(), digest_size=16).digest() for block in blocks(store) for example in block
    ]
    return np.frombuffer(b"".join(hashed), np.dtype(">u8")).reshape(-1, 2).astype(np.uint64)


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


class _Clock:
    """Counts examples and tells `progress` how long the rest will take."""

    def __init__(self, stage: str, total: int, progress: Progress) -> None:
        self.stage, self.total, self.progress = stage, total, progress
        self.done, self.start = 0, time.monotonic()

    def tick(self, count: int) -> None:
        self.done += count
        left = (time.monotonic() - self.start) / max(1, self.done) * (self.total - self.done)
        self.progress(Event(self.stage, self.done, self.total, left))
