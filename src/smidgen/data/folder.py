"""Folders with one sub-folder per class; train, validation and test folders above those are a given split."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

from smidgen.data.listing import LARGEST_FILE, MOST_EXAMPLES, PARTS, Listing, damaged, only_given, reason, some
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
DEEPEST = 12  # folders in folders; a link that leads back to its parent ends here
LITTER = {"thumbs.db", "desktop.ini", "__macosx"}  # what file managers and archivers leave behind
HINT = "Make one sub-folder for each class and put its files in there"


class Arranged(NamedTuple):
    """Paths with the class and the given part of each."""

    paths: list[PurePosixPath]
    labels: list[str]
    parts: Sequence[str]
    warnings: list[str]


class FolderFiles:
    """Files below `folder`, by relative path."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._names = names

    def open(self, index: int) -> BinaryIO:
        """The file of one example. Raises OSError, or DataError where it is no file or too large for one example."""
        return open_file(self._folder / self._names[index])


def open_file(path: Path) -> BinaryIO:
    """Open a regular file of at most LARGEST_FILE bytes. Raises OSError or DataError, without the name."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading from a pipe or a device might never end
        raise DataError("is not a file")
    if status.st_size > LARGEST_FILE:
        raise DataError(f"has {status.st_size / 2**20:.0f} MB; at most {LARGEST_FILE // 2**20} are read")
    return path.open("rb")


def one_file(given: str, decode: Callable[[bytes], T], hint: str) -> T:
    """The decoded content of the file that a user named.

    Raises:
        DataError: it is missing, too large, or `decode` cannot make sense of it; with its name and `hint`.
    """
    try:
        with open_file(Path(given)) as file:
            return decode(file.read())
    except (OSError, ValueError) as error:
        raise DataError(f"{given} cannot be read: {reason(error)}", "Check its name and permissions") from None
    except DataError as error:
        raise DataError(f"{given} {error.what}", hint) from None


def listing(folder: Path, source: str) -> Listing:
    """List the files of a folder by class.

    Raises:
        DataError: it cannot be read, or has no sub-folders with files.
    """
    try:
        paths = sorted(_walk(folder, PurePosixPath(), 0))
    except OSError as error:
        raise damaged(str(error.filename or folder), error) from None
    kept, labels, parts, warnings = by_class(paths, source)
    names = [str(path) for path in kept]
    return Listing(source, "folder", names, labels, FolderFiles(folder, names), parts, warnings=warnings)


def by_class(paths: Sequence[PurePosixPath], source: str) -> Arranged:
    """Sort out relative paths such as `cat/1.png` or `train/cat/1.png`.

    A folder above all the rest (`photos/cat/1.png`) does not count, nor does a file outside of class folders.

    Raises:
        DataError: there are no files, or no class folders above them.
    """
    top = 0
    while len(_folders(paths, top)) == 1 and _folders(paths, top + 1):
        top += 1
    given = {name.lower() for name in _folders(paths, top)} <= PARTS.keys() and bool(_folders(paths, top + 1))
    at = top + given
    kept = [path for path in paths if len(path.parts) > at + 1]
    if not kept:
        raise DataError(f"{source} holds no folders with files in them", HINT)
    stray = [str(path) for path in paths if len(path.parts) <= at + 1]
    parts = only_given([PARTS[path.parts[top].lower()] for path in kept]) if given else ()
    warnings = [f"Files outside of class folders were left out: {some(stray)}"] if stray else []
    return Arranged(kept, [path.parts[at] for path in kept], parts, warnings)


def _folders(paths: Sequence[PurePosixPath], depth: int) -> set[str]:
    return {path.parts[depth] for path in paths if len(path.parts) > depth + 1}


def is_litter(name: str) -> bool:
    """Whether a file or folder is not meant as data: hidden, or left by a program."""
    return name.startswith(".") or name.lower() in LITTER


def _walk(folder: Path, below: PurePosixPath, depth: int) -> Iterator[PurePosixPath]:
    if depth > DEEPEST:
        raise DataError(f"{folder} lies more than {DEEPEST} folders deep", "Is there a link that leads back?")
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count > MOST_EXAMPLES:
                raise DataError(f"{folder} holds more than {MOST_EXAMPLES} files")
            if is_litter(entry.name):
                continue
            if entry.is_dir():
                yield from _walk(Path(entry.path), below / entry.name, depth + 1)
            else:
                yield below / entry.name
