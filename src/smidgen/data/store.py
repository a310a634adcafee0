"""Where decoded examples live: in memory, or in a file when they are too many for it."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import weakref
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smidgen.data.listing import BLOCK_BYTES
from smidgen.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.types import Array, Store

FALLBACK = 2 * 2**30  # bytes of memory to count on where the system does not tell


class MemoryStore:
    """Examples in an array, (n, *shape)."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.shape = array.shape[1:]
        self.dtype = str(array.dtype)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, indices: Array) -> Array:
        return np.asarray(self._array[indices])


class FileStore:
    """Examples in one file, each a record of the same size; only what is asked for is in memory.

    The file has no name, so it goes when the store goes, even if the process is killed.
    Reads copy instead of mapping the file: mapped pages would count as resident memory.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str) -> None:
        """An empty store; `append` fills it. Raises StorageError where `folder` cannot be written."""
        self._folder = folder
        self._count = 0
        self._lock = threading.Lock()
        self._record = math.prod(shape) * np.dtype(dtype).itemsize
        self.shape = shape
        self.dtype = dtype
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  open as long as the store is
        except OSError as error:
            raise self._failed(error) from None
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, indices: Array) -> Array:
        wanted = np.asarray(indices)
        result = np.empty((len(wanted), *self.shape), self.dtype)
        flat = result.reshape(-1).view(np.uint8).data
        # Neighbours are read in one go; the rest record by record.
        edges = [*np.flatnonzero(np.diff(wanted, prepend=-2) != 1).tolist(), len(wanted)]
        for start, stop in pairwise(edges):
            self._read(int(wanted[start]), flat[start * self._record : stop * self._record])
        return result

    def _read(self, index: int, into: memoryview) -> None:
        with self._lock:
            self._file.seek(index * self._record)
            while into:
                count = self._file.readinto(into)
                if not count:
                    raise IndexError(f"There is no example {index}")
                into = into[count:]

    def append(self, block: Array) -> None:
        """Add examples at the end, (b, *shape). Raises StorageError where the disk is full."""
        rest = np.ascontiguousarray(block, self.dtype).reshape(-1).view(np.uint8).data
        try:
            self._file.seek(self._count * self._record)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._failed(error) from None
        self._count += len(block)

    def store(self) -> Store:
        """Itself: what was appended can be read."""
        return self

    def _failed(self, error: OSError) -> StorageError:
        hint = "Free some space, or name another work folder"
        return StorageError(f"Decoded examples cannot be kept in {self._folder}: {error.strerror}", hint)


class Subset:
    """Some examples of another store, in the order of `indices`."""

    def __init__(self, store: Store, indices: Array) -> None:
        self._store = store
        self._indices = indices
        self.shape = store.shape
        self.dtype = store.dtype

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, indices: Array) -> Array:
        return self._store[self._indices[indices]]


class Writer(Protocol):
    """Takes blocks of examples, (b, *shape), in order, and becomes a store."""

    def append(self, block: Array) -> None:
        """Add examples at the end."""
        ...

    def store(self) -> Store:
        """What was appended. Ends the writing."""
        ...


class _MemoryWriter:
    def __init__(self, most: int, shape: tuple[int, ...], dtype: str) -> None:
        self._array = np.empty((most, *shape), dtype)
        self._count = 0

    def append(self, block: Array) -> None:
        self._array[self._count : self._count + len(block)] = block
        self._count += len(block)

    def store(self) -> Store:
        return MemoryStore(self._array[: self._count])


@dataclass(frozen=True)
class Memory:
    """How many bytes examples may take in memory (None: half of what is free now); else they go to `folder`."""

    most: int | None
    folder: Path

    def writer(self, count: int, shape: tuple[int, ...], dtype: str = "uint8") -> Writer:
        """A writer for up to `count` examples. Raises StorageError where they need a file that cannot be made."""
        limit = available_memory() // 2 if self.most is None else self.most
        needed = count * math.prod(shape) * np.dtype(dtype).itemsize
        return _MemoryWriter(count, shape, dtype) if needed <= limit else FileStore(self.folder, shape, dtype)


def blocks(store: Store, most: int = 4096) -> Iterator[Array]:
    """All examples of a store in order: (b, *shape), `most` at a time, or fewer that take about BLOCK_BYTES."""
    each = math.prod(store.shape) * np.dtype(store.dtype).itemsize
    step = min(most, max(1, BLOCK_BYTES // max(1, each)))
    for start in range(0, len(store), step):
        yield store[np.arange(start, min(start + step, len(store)))]


def moments(store: Store) -> tuple[Array, float]:
    """The mean example, (*shape), and how far a number is from its mean: root mean square, at least 1."""
    first, second = np.zeros(store.shape), np.zeros(store.shape)
    for block in blocks(store):
        values = block.astype(np.float64)
        first += values.sum(axis=0)
        second += (values**2).sum(axis=0)
    mean = first / len(store)
    return mean.astype(np.float32), float(np.sqrt(max(1.0, (second / len(store) - mean**2).mean())))


def available_memory() -> int:
    """How many bytes of memory a program may still take: what is free, or what its container leaves."""
    free = [_meminfo(), _container()]
    known = [value for value in free if value is not None]
    return min(known) if known else _physical() // 2


def _meminfo() -> int | None:
    """MemAvailable of Linux."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _container(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a control group (version 2) leaves; none where it sets no limit."""
    try:
        limit, used = ((root / name).read_text(encoding="ascii") for name in ("memory.max", "memory.current"))
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None


def _physical() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return FALLBACK
