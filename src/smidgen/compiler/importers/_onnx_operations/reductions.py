"""Operations along axes: sums, means, greatest values, softmax and normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor, placed
from smidgen.compiler.importers._onnx_operations.elementwise import apply, combine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = {
    "GlobalAveragePool": "mean",
    "GlobalMaxPool": "max",
    "ReduceL1": "sum",
    "ReduceL2": "sum",
    "ReduceMax": "max",
    "ReduceMean": "mean",
    "ReduceMin": "min",
    "ReduceSum": "sum",
    "ReduceSumSquare": "sum",
}


def reduced(network: Network, node: Node, kind: str, x: Tensor, axes: Sequence[int], keep: bool) -> Tensor:
    """One number for all those along some axes, which stay with one element or are dropped."""
    shape = x.places.shape
    lying = network.axes(x)
    inner = [axis for axis in lying if axis in axes]
    kept = [axis for axis in lying if axis not in axes]
    left = [1 if axis in axes else size for axis, size in enumerate(shape)]
    if inner:
        positions = [lying.index(axis) for axis in inner]
        if positions != [*range(positions[0], positions[-1] + 1)]:
            lying = [*kept, *inner]
        given = network.ordered(x, lying)
        places = tuple(lying.index(axis) for axis in inner)
        attributes = {"activation": "none"} if kind == "mean" else {}
        name = network.emit(kind, node, (given,), [left[axis] for axis in kept], axes=places, **attributes)
        x = Tensor(name, placed(left, kept))
    return x if keep else Tensor(x.value, x.places.squeeze(tuple(axes)))


def _reduce(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    rank = x.places.ndim
    given = [*range(2, rank)] if node.op.startswith("Global") else network.numbers(node, 1, "axes")
    if not given and node.get("noop_with_empty_axes", 0):
        return network.put(node, x)
    axes = sorted({axis % rank for axis in given or range(rank)})
    if x.places.shape[0] == 1 and axes[0] == 0 and rank == 1:
        raise node.unsupported("It works within an example, not over the batch")
    if node.op in ("ReduceL2", "ReduceSumSquare"):
        x = combine(network, node, "mul", x, x)
    if node.op == "ReduceL1":
        x = apply(network, node, "abs", x)
    result = reduced(network, node, KINDS[node.op], x, axes, bool(node.get("keepdims", 1)))
    return network.put(node, apply(network, node, "sqrt", result) if node.op == "ReduceL2" else result)


def _softmax(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    network.put(node, softmax(network, node, x, node.get("axis", -1) % x.places.ndim))


def softmax(network: Network, node: Node, x: Tensor, axis: int) -> Tensor:
    """Along one axis, which becomes the last one in memory."""
    axes = [*(one for one in network.axes(x) if one != axis), axis]
    shape = x.places.shape
    name = network.emit("softmax", node, (network.ordered(x, axes),), [shape[one] for one in axes])
    return Tensor(name, placed(shape, axes))


def _log_softmax(network: Network, node: Node) -> None:
    """x - max - log(sum(exp(x - max)))."""
    x = network.real(node.inputs[0])
    axes = [node.get("axis", -1) % x.places.ndim]
    below = combine(network, node, "sub", x, reduced(network, node, "max", x, axes, keep=True))
    sums = reduced(network, node, "sum", apply(network, node, "exp", below), axes, keep=True)
    network.put(node, combine(network, node, "sub", below, apply(network, node, "log", sums)))


def _layer_norm(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    first = node.get("axis", -1) % x.places.ndim
    if any(node.outputs[1:]):
        raise node.unsupported("It gives no mean and no deviation")
    shape = x.places.shape[first:]
    vectors = [_vector(network, node, position, shape) for position in (1, 2)]
    network.put(node, normalised(network, node, x, first, vectors))


def _vector(network: Network, node: Node, position: int, shape: Sequence[int]) -> str:
    if not node.given(position):
        return ""
    data = network.constant(node.given(position)).real()
    return network.weigh(Constant(np.broadcast_to(data, shape).ravel()), "norm")


def normalised(network: Network, node: Node, x: Tensor, first: int, vectors: Sequence[str] = ("", "")) -> Tensor:
    """Mean 0 and variance 1 over the axes from `first` on together, times one vector plus another."""
    shape, rank = x.places.shape, x.places.ndim
    inner = list(range(first, rank))
    axes = [*(axis for axis in network.axes(x) if axis < first), *inner]
    outer = [shape[axis] for axis in axes if axis < first]
    given = network.shaped(x, axes, [*outer, int(np.prod(shape[first:]))])
    epsilon = float(node.get("epsilon", 1e-5))
    if not 0 <= epsilon < 1e30:
        raise ValueError(f"epsilon is {epsilon}")
    name = network.emit("layer_norm", node, (given, *vectors), network.values[given].shape, epsilon=epsilon)
    return Tensor(name, placed(shape, axes))


def _instance_norm(network: Network, node: Node) -> None:
    """Each channel by itself; a vector of groups where it is called group normalisation."""
    x = network.real(node.inputs[0])
    scale, bias = (network.constant(name).real().ravel() for name in node.inputs[1:3])
    batch, channels, *sizes = x.places.shape
    groups = node.get("num_groups", channels)
    if batch != 1 or not 0 < groups <= channels or channels % groups:
        raise ValueError(f"it normalises {x.places.shape} in {groups} groups")
    grouped = normalised(network, node, Tensor(x.value, x.places.reshape(1, groups, -1)), 2)
    x = Tensor(grouped.value, grouped.places.reshape(x.places.shape))
    for kind, vector in (("mul", scale), ("add", bias)):
        x = combine(network, node, kind, x, Constant(vector.reshape(channels, *[1] * len(sizes))))
    network.put(node, x)


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(KINDS, _reduce),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), _instance_norm),
    "LayerNormalization": _layer_norm,
    "LogSoftmax": _log_softmax,
    "Softmax": _softmax,
}
