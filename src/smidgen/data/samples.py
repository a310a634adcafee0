"""What samples are made of: files that a package ships, or public ones that are downloaded on first use."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data import idx
from smidgen.data.download import cache_folder, fetch
from smidgen.data.listing import Listing, Rows, as_labels, numbered
from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Remote:
    """Four idx files behind one address: file -> (bytes, SHA-256). `debian` is where a Debian package puts them."""

    address: str
    files: Mapping[str, tuple[int, str]]
    class_names: tuple[str, ...] = ()
    debian: Path | None = None


def remote(name: str, which: Remote) -> Listing:
    """The listing of idx files that Debian installed, or that are downloaded into the cache.

    Raises:
        DataError: the files can neither be found nor downloaded.
    """
    folder = which.debian
    if folder is None or not all((folder / file).is_file() for file in which.files):
        folder = cache_folder() / name
        for file, (size, sha256) in which.files.items():
            fetch(which.address + file, size, sha256, folder)
    return idx.listing(folder, name, which.class_names)


def packaged(name: str, package: str, file: str, side: int, largest: int) -> Listing:
    """Digits that a Python package ships as a table: the pixels of one, row by row, and what digit it is.

    The package is not imported: that would take far longer than reading the file.

    Args:
        name: of the sample.
        package: that ships it.
        file: inside the package, a .csv.gz.
        side: of a digit, in pixels.
        largest: the pixel value of full ink, made 255.

    Raises:
        MissingLibrary: the package is not installed.
        DataError: its file is damaged.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingLibrary(package, "train", f"The sample {name}")
    path = Path(found.origin).parent / file
    try:
        with gzip.open(path) as stream:
            table = np.loadtxt(stream, delimiter=",", dtype=np.float32)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", f"Install {package} again") from None
    images = np.rint(table[:, :-1] * (255 / largest)).astype(np.uint8).reshape(-1, side, side)
    return Listing(name, "sample", numbered(name, len(images)), as_labels(table[:, -1], name), [Rows.of(name, images)])
