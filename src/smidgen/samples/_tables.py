"""Tables as packages ship them, read without importing the package."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import Columns, Listing
from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smidgen.types import Array


def numbers(name: str, package: str, file: str, delimiter: str | None = ",", skip: int = 0) -> Array:
    """The numbers in a file that a package ships, packed or not, (rows, columns) float64.

    Args:
        name: of the sample.
        package: that ships it.
        file: inside the package.
        delimiter: between cells; None is any white space.
        skip: lines at its start.

    Raises:
        MissingLibrary: the package is not installed.
        DataError: its file is damaged.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingLibrary("scikit-learn" if package == "sklearn" else package, "train", f"The sample {name}")
    path = Path(found.origin).parent / file
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        table = np.loadtxt(content.decode().splitlines()[skip:], delimiter=delimiter, ndmin=2)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}", f"Install {package} again") from None
    return np.asarray(table)


def listing(name: str, columns: Mapping[str, Array]) -> Listing:
    """Columns, (n,) each, as a table whose lines are numbered."""
    names = tuple(columns)
    lines = [f"{name}:{row}" for row in range(1, len(columns[names[0]]) + 1)]
    types = {key: np.float64 if values.dtype.kind in "iuf" else object for key, values in columns.items()}
    typed = {key: values.astype(types[key]) for key, values in columns.items()}
    return Listing(name, "sample", lines, [], Columns(names, typed, lines))
