"""Find out what a source is, and list what it holds without decoding it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from smidgen import registry
from smidgen.data import archive, columns, folder, idx, npz, table, tables
from smidgen.data.listing import damaged
from smidgen.errors import DataError

if TYPE_CHECKING:
    from smidgen.data.listing import Listing, Sample

LAYOUTS = {
    ".zip": archive.listing,
    ".npz": npz.listing,
    **dict.fromkeys((*columns.TEXT, *columns.PARQUET), table.listing),
}
BUNDLE = "bundle.json"  # no data, though it may bear a sample's name
SHAPES = "Give a folder with one sub-folder per class (also in a .zip), a table, a .npz, idx files, or a sample"


def listing(source: str) -> Listing:
    """List the examples of a source: a path, or the name of a sample. An existing path comes first.

    Raises:
        DataError: there is no such source, or it has no known layout.
    """
    if not source.strip():
        raise DataError("The name of the source is empty", SHAPES)
    try:
        path = Path(source).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, or of a user who does not exist
        raise damaged(repr(source), error) from None
    if not exists or (_is_sample(source) and (path / BUNDLE).is_file()):
        return _sample(source)
    if (path / BUNDLE).is_file():
        raise DataError(f"{source} is a bundle that smidgen wrote, not data", SHAPES)
    found = _path(path, source)
    if _is_sample(source):
        note = f"{source} is both a path here and a sample; the path was read"
        return replace(found, warnings=(*found.warnings, note))
    return found


def _path(path: Path, source: str) -> Listing:
    if path.is_file():
        layout = LAYOUTS.get(path.suffix.lower())
        if layout is None:
            raise DataError(f"{source} is a single file of no known layout", SHAPES)
        return layout(path, source)
    if not path.is_dir():
        raise DataError(f"{source} is neither a file nor a folder", SHAPES)
    try:
        is_idx = bool(idx.pairs(path))
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}", "Check its permissions") from None
    if is_idx:
        return idx.listing(path, source)
    return tables.listing(path, source) if tables.suits(path) else folder.listing(path, source)


def _is_sample(source: str) -> bool:
    return source.lower().replace("_", "-") in registry.names("samples")


def _sample(source: str) -> Listing:
    names = registry.names("samples")
    if _is_sample(source):
        name = source.lower().replace("_", "-")
        sample: Sample = registry.find("samples", name).SAMPLE
        return replace(sample.listing(name), source=name, layout="sample")
    siblings = [str(path) for path in islice(Path(source).parent.glob("*"), 1000)]
    close = get_close_matches(source, [*names, *siblings], n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Samples are: {', '.join(names)}"
    raise DataError(f"There is no file, folder or sample called {source!r}", hint)
