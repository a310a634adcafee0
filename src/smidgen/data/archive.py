"""The folder layout inside a .zip, read in place: nothing is written to disk."""

from __future__ import annotations

import weakref
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast
from zipfile import ZipFile, ZipInfo

from smidgen.data.folder import by_class, is_litter
from smidgen.data.listing import DAMAGED, LARGEST_FILE, MOST_EXAMPLES, Listing, check_size, damaged
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

ENCRYPTED = 0x1  # in a member's flags


class ZipFiles:
    """Members of an archive, which stays open."""

    def __init__(self, archive: ZipFile, members: Sequence[ZipInfo]) -> None:
        self._archive = archive
        self._members = members

    def open(self, index: int) -> BinaryIO:
        """One member, unpacked as it is read; never more bytes than its header says."""
        return cast("BinaryIO", self._archive.open(self._members[index]))


def listing(path: Path, source: str) -> Listing:
    """List the files of a zip archive by class.

    Raises:
        DataError: it is damaged, encrypted, a bomb, or holds names that lead out of it.
    """
    archive = open_zip(path)
    inside = {_inside(member, path): member for member in archive.infolist() if not member.is_dir()}
    members = {name: member for name, member in inside.items() if not any(is_litter(step) for step in name.parts)}
    if len(members) > MOST_EXAMPLES:
        raise DataError(f"{path} holds more than {MOST_EXAMPLES} files")
    kept, labels, parts, warnings = by_class(sorted(members), source)
    files = ZipFiles(archive, [members[path] for path in kept])
    return Listing(source, "zip", [str(path) for path in kept], labels, files, parts, warnings=warnings)


def open_zip(path: Path) -> ZipFile:
    """Open an archive whose members are of bounded size and not encrypted.

    Raises:
        DataError: it is none.
    """
    try:
        archive = _closing(path.open("rb"))
    except DAMAGED as error:
        raise damaged(str(path), error) from None
    for member in archive.infolist():
        if member.flag_bits & ENCRYPTED:
            raise DataError(f"{member.filename!r} in {path} is encrypted", "Unpack it with its password first")
    check_size(path, sum(member.file_size for member in archive.infolist()))
    return archive


def _closing(file: BinaryIO) -> ZipFile:
    """An archive that closes its file when it goes, or cannot be made."""
    try:
        archive = ZipFile(file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(archive, file.close)
    return archive


def _inside(member: ZipInfo, archive: Path) -> PurePosixPath:
    """The path of a member, checked: relative, without `..`, drive letters or backslashes."""
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in path.parts[0]:
        raise DataError(
            f"{archive} holds the name {member.filename!r}, which leads out of it", "Do not trust this file"
        )
    if member.file_size > LARGEST_FILE:
        size = f"{member.file_size / 2**20:.0f} MB; at most {LARGEST_FILE // 2**20} are read"
        raise DataError(f"{member.filename!r} in {archive} has {size}", "Leave it out")
    return path
