"""The examples that a bundle is measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.bundle import MANIFEST, Bundle, dump_json
from smidgen.errors import CorruptFiles, DataError
from smidgen.evidence import entry
from smidgen.types import Part, Signal, silent

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
    from smidgen.verbs.fit import reading_options

    origin = bundle.manifest["data"]
    place = source or entry(origin, "source", str, f"{MANIFEST}: data")
    options = bundle.manifest["options"]
    given = {**reading_options(options), "skip_bad": bool(options.get("skip_bad"))}
    try:
        data = load(place, task=bundle.manifest["task"], progress=progress, **given)
    except DataError as error:
        raise DataError(
            f"The data of {bundle.name} cannot be read again: {error.what}", "Say where it is now with --data"
        ) from None
    claimed = entry(origin, "fingerprint", str, f"{MANIFEST}: data")
    if data.fingerprint != claimed or not _same(data.signal, bundle.signal):
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
    from smidgen import registry
    from smidgen.data.download import cache_folder
    from smidgen.data.sources import listing
    from smidgen.data.store import Memory, Subset
    from smidgen.types import Reading
    from smidgen.verbs.fit import reading_options

    found = listing(source)
    sensor: Any = bundle.signal
    memory = Memory(None, cache_folder() / "work")
    task = registry.find("tasks", bundle.manifest["task"]).TASK
    how = Reading(task, **reading_options(bundle.manifest["options"]))
    collected = type(sensor).collect(found, how, memory, progress, sensor)
    if collected.bad:
        raise CorruptFiles(list(collected.bad))
    count = len(collected.names)
    chosen = [index for index in range(count) if not collected.parts or collected.parts[index] == part]
    if not chosen:
        raise DataError(f"{source} has no {part} part", f"It has: {', '.join(sorted(set(collected.parts)))}")
    targets = bundle.answer.targets([collected.labels[index] for index in chosen], source)
    names, groups = ([column[i] for i in chosen] if column else [] for column in (collected.names, collected.groups))
    return Part(Subset(collected.store, np.array(chosen)), targets, names, groups)


def _same(one: Signal, other: Signal) -> bool:
    """Whether two signals read alike; JSON has no difference between lists and tuples."""
    return dump_json(one.to_json()) == dump_json(other.to_json())
