"""Constants at places that are computed: sets of numbers as rows of zeros and ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import LARGEST_VALUE, Constant, Network, Node, Tensor, straight

if TYPE_CHECKING:
    from collections.abc import Callable


def _scatter(network: Network, node: Node) -> None:
    """Of constant updates into zeros, along the axis behind the batch."""
    data, places, updates = (network.find(name) for name in node.inputs[:3])
    rows = isinstance(data, Constant) and data.data.ndim == 2 and node.get("axis", 0) % 2 == 1
    if not (rows and isinstance(data, Constant) and isinstance(updates, Constant) and isinstance(places, Tensor)):
        raise node.unsupported("It puts constants at computed places of a row")
    plain = data.scale is None and updates.scale is None and node.get("reduction", b"none") == b"none"
    if not plain or len(data.data) != 1 or data.data.any():
        raise node.unsupported("It puts constants into zeros, without reduction")
    if places.places.shape != updates.data.shape or network.values[places.value].dtype == "float32":
        raise ValueError(f"it puts constants {updates.data.shape} at places {places.places.shape}")
    size = data.data.shape[1]
    if size > LARGEST_VALUE:
        raise ValueError(f"it makes a row of {size}")
    constants = network.weigh(Constant(np.asarray(updates.data[0], np.float32)), "constants")
    name = network.emit("scatter", node, (network.ordered(places, (1,)), constants), (size,))
    network.put(node, Tensor(name, straight((1, size))))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {"ScatterElements": _scatter}
