"""Who meets whom in "Les Misérables", from networkx: people for people (Knuth 1993, The Stanford GraphBase)."""

import numpy as np

from smidgen.data.listing import Columns, Listing, Sample
from smidgen.errors import MissingLibrary


def _listing(name: str) -> Listing:
    """The data is a function of the package, so that this one has to be imported."""
    try:
        from networkx import les_miserables_graph  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise MissingLibrary("networkx", "train", f"The sample {name}") from None
    links = sorted(sorted(link) for link in les_miserables_graph().edges())
    columns = {key: np.array([link[side] for link in links], object) for side, key in enumerate(("source", "target"))}
    lines = [f"{name}:{row}" for row in range(1, len(links) + 1)]
    return Listing(name, "sample", lines, [], Columns(("source", "target"), columns, lines))


SAMPLE = Sample("254 acquaintances of 77 people in a novel, from networkx", _listing)
