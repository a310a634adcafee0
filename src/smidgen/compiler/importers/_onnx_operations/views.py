"""Operations that look at the same numbers in another way; most of them need neither memory nor time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor, array

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.types import Array


def _view(change: Callable[[Network, Node, tuple[int, ...]], Callable[[Array], Array]]) -> Callable[..., None]:
    """An operation that only looks at the same numbers in another way; `change` sees the shape of what is given."""

    def run(network: Network, node: Node) -> None:
        found = network.find(node.inputs[0])
        network.spend(found.data.size if isinstance(found, Constant) else found.places.size)
        if isinstance(found, Tensor):
            return network.put(node, Tensor(found.value, change(network, node, found.places.shape)(found.places)))
        if found.scale is not None and node.op != "Transpose":
            raise node.unsupported("It takes quantised weights in their final shape")
        return network.put(node, found.mapped(change(network, node, found.data.shape)))

    return run


def _transpose(_: Network, node: Node, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    order = tuple(node.get("perm", tuple(reversed(range(len(shape))))))
    return lambda given: given.transpose(order)


def _reshape(network: Network, node: Node, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    target = network.numbers(node, 1, "shape") or []
    if not node.get("allowzero", 0):
        target = [shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return lambda given: given.reshape(target)


def _flatten(_: Network, node: Node, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    axis = node.get("axis", 1)
    return lambda given: given.reshape(math.prod(shape[:axis]), -1)


def _squeeze(network: Network, node: Node, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    axes = network.numbers(node, 1, "axes")
    if axes is None:
        axes = [axis for axis, size in enumerate(shape) if size == 1 and axis > 0]
    return lambda given: given.squeeze(tuple(axes))


def _unsqueeze(network: Network, node: Node, _: tuple[int, ...]) -> Callable[[Array], Array]:
    axes = network.numbers(node, 1, "axes") or []
    return lambda given: np.expand_dims(given, tuple(axes))


def _identity(network: Network, node: Node) -> None:
    network.put(node, network.find(node.inputs[0]))


def _literal(network: Network, node: Node) -> None:
    if "value" in node.attributes:
        return network.put(node, Constant(array(node.attributes["value"])))
    ((name, value),) = node.attributes.items()
    dtypes = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    return network.put(node, Constant(np.asarray(value, dtypes[name])))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(("Identity", "Dropout"), _identity),
    "Constant": _literal,
    "Flatten": _view(_flatten),
    "Reshape": _view(_reshape),
    "Squeeze": _view(_squeeze),
    "Transpose": _view(_transpose),
    "Unsqueeze": _view(_unsqueeze),
}
