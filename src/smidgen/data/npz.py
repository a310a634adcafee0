"""Arrays in a .npz: x and y, x_train ... y_test, images and labels, or one signal in time for each class."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from smidgen.data.archive import open_zip
from smidgen.data.listing import PARTS, Listing, Recordings, Rows, as_labels, damaged, numbered, only_given
from smidgen.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path
    from zipfile import ZipFile

    from smidgen.types import Array

INPUTS = ("x", "images", "data")
TARGETS = ("y", "labels", "target")
ORDER = ("train", "validation", "test")
LONG = 200  # steps of a signal in time that is no list of examples


def listing(path: Path, source: str) -> Listing:
    """List the rows of the arrays in a .npz.

    Raises:
        DataError: not a .npz, no arrays of these names, of different lengths, or with pickled objects.
    """
    archive = open_zip(path)
    members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
    pairs = _pairs(members)
    if not pairs and (recordings := _recordings(archive, members, path)):
        return Listing(source, "npz", *recordings)
    if not pairs:
        found = ", ".join(sorted(members)) or "none"
        hint = "Call them x and y, or x_train, y_train, x_test and y_test"
        raise DataError(f"{path} holds no arrays of inputs and labels that go together; found: {found}", hint)
    rows, names, labels, parts = [], list[str](), list[str](), list[str]()
    for part, (inputs, targets) in sorted(pairs.items(), key=lambda item: ORDER.index(item[0])):
        images = _rows(archive, members[inputs], f"{inputs} in {path}")
        given = as_labels(_whole(_rows(archive, members[targets], f"{targets} in {path}")), f"{targets} in {path}")
        if len(given) != images.shape[0]:
            raise DataError(
                f"{path} holds {images.shape[0]} examples in {inputs} but {len(given)} labels in {targets}",
                "Each example needs one label",
            )
        rows.append(images)
        names += numbered(f"{path.name}:{inputs}", len(given))
        labels += given
        parts += [part] * len(given)
    return Listing(source, "npz", names, labels, rows, only_given(parts))


def _pairs(members: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Part -> names of its inputs and targets. Without a part in the name it is `train`."""
    by_meaning = {name.lower(): name for name in members}
    found: dict[str, tuple[str, str]] = {}
    for inputs, targets in zip(INPUTS, TARGETS, strict=True):
        for word, part in {"": "train", **PARTS}.items():
            for pattern in ("{0}_{1}", "{1}_{0}") if word else ("{0}",):
                both = [by_meaning.get(pattern.format(what, word)) for what in (inputs, targets)]
                if both[0] and both[1]:
                    found.setdefault(part, (both[0], both[1]))
    return found


def _recordings(
    archive: ZipFile, members: dict[str, str], path: Path
) -> tuple[list[str], list[str], Recordings] | None:
    """Names, labels and arrays where every array is a signal in time named after its class, such as inner007."""
    rows = {name: _rows(archive, member, f"{name} in {path}") for name, member in sorted(members.items())}
    widths = {row.shape[1:] for row in rows.values()}
    is_long = all(len(row.shape) <= 2 and row.dtype.kind in "iuf" and row.shape[0] >= LONG for row in rows.values())
    if not rows or len(widths) != 1 or not is_long:
        return None
    arrays = [_whole(row).astype(np.float32).reshape(row.shape[0], -1) for row in rows.values()]
    wrong = next((name for name, array in zip(rows, arrays, strict=True) if not np.isfinite(array).all()), None)
    if wrong:
        raise DataError(f"{wrong} in {path} holds values that are no finite numbers", "Replace or remove them")
    channels = tuple(f"channel {index}" for index in range(arrays[0].shape[1]))
    return [f"{path.name}:{name}" for name in rows], list(rows), Recordings(arrays, channels)


def _rows(archive: ZipFile, member: str, name: str) -> Rows:
    """What the header of an array says. Raises DataError where it would need pickle, or makes no sense."""
    try:
        with archive.open(member) as stream:
            shape, fortran, dtype = _header(cast("BinaryIO", stream))
            offset = stream.tell()
    except Exception as error:  # noqa: BLE001  numpy parses headers as Python and lets the parser's errors out
        raise damaged(name, error) from None
    if dtype.hasobject:
        raise DataError(f"{name} holds Python objects, which only pickle could read", "Save plain numbers or strings")
    rows = Rows(name, shape, dtype, lambda: _at(archive, member, offset))
    if archive.getinfo(member).file_size != offset + math.prod(shape) * dtype.itemsize:
        raise DataError(f"{name} is not as long as its header says", "Fetch or write it again")
    if fortran and len(shape) > 1:
        return replace(rows, open=lambda: _reordered(archive, member))
    return rows


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _at(archive: ZipFile, member: str, offset: int) -> BinaryIO:
    stream = archive.open(member)
    stream.read(offset)
    return cast("BinaryIO", stream)


def _reordered(archive: ZipFile, member: str) -> BinaryIO:
    """Columns first (Fortran order) cannot be read row by row, so this one array goes through memory."""
    with archive.open(member) as stream:
        return io.BytesIO(np.lib.format.read_array(cast("BinaryIO", stream), allow_pickle=False).tobytes())


def _whole(rows: Rows) -> Array:
    return np.concatenate(list(rows.blocks()))
