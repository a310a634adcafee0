"""The examples that a bundle is measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.bundle import MANIFEST, Bundle
from smidgen.errors import CorruptFiles, DataError
from smidgen.evidence import entry
from smidgen.types import Array, Part, silent

if TYPE_CHECKING:
    from smidgen.types import Dataset, Progress


def reload(bundle: Bundle, source: str | None = None, progress: Progress = silent) -> Dataset:
    """The data set that a bundle was made from, read again and split as it was then.

    Args:
        bundle: says where the data was, and how it was read.
        source: where the data is now, if it moved.
        progress: hears how far the reading is.

    Raises:
        DataError: it cannot be read, or is not what it was.
    """
    from smidgen.data.load import load

    origin = bundle.manifest["data"]
    place = source or entry(origin, "source", str, f"{MANIFEST}: data")
    known = {name: bundle.manifest["options"].get(name) for name in ("seed", "skip_bad", "resolution")}
    given: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    try:
        data = load(place, task=bundle.manifest["task"], progress=progress, **given)
    except DataError as error:
        raise DataError(
            f"The data of {bundle.name} cannot be read again: {error.what}", "Say where it is now with --data"
        ) from None
    if data.fingerprint != entry(origin, "fingerprint", str, f"{MANIFEST}: data") or data.signal != bundle.signal:
        raise DataError(
            f"The data at {place} is not what {bundle.name} was made from: its fingerprint differs",
            "Say where the original is with --data",
        )
    return data


def own(bundle: Bundle, part: str, source: str | None = None, progress: Progress = silent) -> Part:
    """One part of the data set that the bundle was made from; raises DataError as `reload` does."""
    data = reload(bundle, source, progress)
    return {"train": data.train, "validation": data.validation, "test": data.test}[part]


def others(bundle: Bundle, source: str, part: str, progress: Progress = silent) -> Part:
    """Examples that the bundle does not know, read as its sensor would give them.

    All examples of the source, or those of `part` where it names its parts.

    Raises:
        CorruptFiles: some of its files are damaged.
        DataError: it cannot be read, or has classes that the model does not know.
    """
    from smidgen.data.download import cache_folder
    from smidgen.data.reading import read
    from smidgen.data.sources import listing
    from smidgen.data.store import Memory, Subset

    found = listing(source)
    sensor: Any = bundle.signal
    memory = Memory(None, cache_folder() / "work")
    decoded = read(found, type(sensor), memory, progress, sensor=sensor)
    if decoded.bad:
        raise CorruptFiles(decoded.bad)
    chosen = [index for index in range(len(found.names)) if not found.parts or found.parts[index] == part]
    if not chosen:
        raise DataError(f"{source} has no {part} part", f"It has: {', '.join(sorted(set(found.parts)))}")
    targets = _targets([found.labels[index] for index in chosen], bundle, source)
    return Part(Subset(decoded.store, np.array(chosen)), targets, [found.names[index] for index in chosen])


def _targets(labels: list[str], bundle: Bundle, source: str) -> Array:
    names = list(getattr(bundle.answer, "names", ()))
    unknown = sorted(set(labels) - set(names))
    if unknown:
        raise DataError(
            f"{source} has classes that {bundle.name} does not know: {', '.join(unknown[:5])}",
            f"It knows: {', '.join(names[:20])}",
        )
    places = {name: index for index, name in enumerate(names)}
    return np.array([places[label] for label in labels], np.int64)
