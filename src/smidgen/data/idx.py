"""The idx layout of MNIST: a folder of train-images-idx3-ubyte, train-labels-idx1-ubyte and so on, plain or .gz."""

from __future__ import annotations

import gzip
import math
import re
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from smidgen.data.listing import (
    DAMAGED,
    PARTS,
    Listing,
    Rows,
    as_labels,
    check_size,
    damaged,
    exactly,
    numbered,
    only_given,
)
from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = re.compile(r"(?:(?P<part>[a-z0-9]+)[-_.])?(?P<what>images|labels)[-_.]idx\d[-_.]ubyte(?:\.gz)?", re.IGNORECASE)
UNSIGNED_BYTE = 0x08  # the third byte of the magic number; the fourth is the number of dimensions
ORDER = ("train", "validation", "test")


def pairs(folder: Path) -> dict[str, dict[str, Path]]:
    """Part -> images, labels -> file, for the idx files in `folder`; a plain file wins over its .gz."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        match = FILE.fullmatch(path.name)
        part = PARTS.get((match["part"] or "train").lower()) if match else None
        if match and part:
            found.setdefault(part, {})[match["what"].lower()] = path
    return found


def listing(folder: Path, source: str, class_names: Sequence[str] = ()) -> Listing:
    """List idx files. `class_names` are what the label numbers stand for; without them a number is its own name.

    Raises:
        DataError: a file is missing, damaged, or does not suit its partner.
    """
    found = pairs(folder)
    rows, names, labels, parts = [], list[str](), list[str](), list[str]()
    for part in (part for part in ORDER if part in found):
        missing = {"images", "labels"} - set(found[part])
        if missing:
            there = next(iter(found[part].values()))
            raise DataError(f"{there} has no {missing.pop()} file beside it", "Put both into one folder")
        images, numbers = _rows(found[part]["images"]), _rows(found[part]["labels"])
        if len(numbers.shape) != 1 or len(images.shape) < 2:
            raise DataError(f"{numbers.name} and {images.name} are not one column of labels and a stack of images")
        if numbers.shape != images.shape[:1]:
            raise DataError(
                f"{images.name} holds {images.shape[0]} images but {numbers.name} {numbers.shape[0]} labels",
                "Use the two files that belong together",
            )
        given = as_labels(np.concatenate([np.empty(0, np.uint8), *numbers.blocks()]), numbers.name)
        rows.append(images)
        names += numbered(found[part]["images"].name, images.shape[0])
        labels += [class_names[int(label)] if int(label) < len(class_names) else label for label in given]
        parts += [part] * images.shape[0]
    return Listing(source, "idx", names, labels, rows, only_given(parts))


def _rows(path: Path) -> Rows:
    """What the header of an idx file says (http://yann.lecun.com/exdb/mnist/)."""
    try:
        with _open(path) as stream:
            magic = exactly(stream, 4, str(path))
            if magic[:3] != bytes([0, 0, UNSIGNED_BYTE]) or not 1 <= magic[3] <= 4:
                hint = "Its first bytes should be 00 00 08 and the number of dimensions"
                raise DataError(f"{path} is not an idx file of unsigned bytes", hint)
            dimensions = exactly(stream, 4 * magic[3], str(path))
    except DAMAGED as error:
        raise damaged(str(path), error) from None
    shape = tuple(int(size) for size in np.frombuffer(dimensions, ">u4"))
    rows = Rows(str(path), shape, np.dtype(np.uint8), lambda: _open(path, 4 + len(dimensions)))
    check_size(path, math.prod(shape))
    return rows


def _open(path: Path, offset: int = 0) -> BinaryIO:
    packed = path.suffix.lower() == ".gz"
    stream = cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")  # noqa: SIM115  the caller closes it
    stream.read(offset)  # not seek: a .gz has no other way, and this one works for both
    return stream
