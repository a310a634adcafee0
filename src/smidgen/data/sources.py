"""Find out what a source is, and list what it holds without decoding it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from smidgen.data import archive, folder, idx, npz, table
from smidgen.data.listing import damaged
from smidgen.data.samples import SAMPLES
from smidgen.errors import DataError

if TYPE_CHECKING:
    from smidgen.data.listing import Listing

LAYOUTS = {".zip": archive.listing, ".npz": npz.listing, ".csv": table.listing}
BUNDLE = "bundle.json"  # no data, though it may bear a sample's name
SHAPES = "Give a folder with one sub-folder per class, a .zip of one, idx files, a .npz, a .csv, or a sample"


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
    if not exists or (source in SAMPLES and (path / BUNDLE).is_file()):
        return _sample(source)
    if (path / BUNDLE).is_file():
        raise DataError(f"{source} is a bundle that smidgen wrote, not data", SHAPES)
    found = _path(path, source)
    if source in SAMPLES:
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
    return idx.listing(path, source) if is_idx else folder.listing(path, source)


def _sample(source: str) -> Listing:
    name = source.lower().replace("_", "-")
    if name in SAMPLES:
        return replace(SAMPLES[name].listing(name), source=name, layout="sample")
    siblings = [str(path) for path in islice(Path(source).parent.glob("*"), 1000)]
    close = get_close_matches(source, [*SAMPLES, *siblings], n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Samples are: {', '.join(SAMPLES)}"
    raise DataError(f"There is no file, folder or sample called {source!r}", hint)
