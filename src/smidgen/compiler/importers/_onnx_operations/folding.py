"""Nodes whose inputs are all constants: they are computed while the file is read (masks, tables of sines, shapes)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._onnx_graph import DTYPES, LARGEST_VALUE, Constant, Network, Node, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.types import Array

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "And": np.logical_and,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "IsNaN": np.isnan,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sin": np.sin,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Where": np.where,
}


def fold(network: Network, node: Node) -> bool:
    """Whether a node could be computed now; then its output is a constant."""
    if node.op in ("Shape", "Size"):
        network.put(node, Constant(_shape(network, node)))
        return True
    if node.domain not in ("", "ai.onnx") or not node.inputs or node.op not in (*ELEMENTWISE, *OTHERS):
        return False
    found = [network.tensors.get(name) if name else None for name in node.inputs]
    given = [one.data if isinstance(one, Constant) and one.scale is None else None for one in found]
    if any(one is None and name for one, name in zip(given, node.inputs, strict=True)):
        return False
    made = _elementwise(node, given) if node.op in ELEMENTWISE else OTHERS[node.op](node, given)
    network.spend(made.size)
    made = made.astype(np.float32) if made.dtype == np.float64 else made
    if str(made.dtype) not in DTYPES:
        raise ValueError(f"it makes constants of {made.dtype}")
    network.put(node, Constant(made))
    return True


def _shape(network: Network, node: Node) -> Array:
    found = network.find(node.inputs[0])
    shape = found.places.shape if isinstance(found, Tensor) else found.data.shape
    if node.op == "Size":
        return np.asarray(math.prod(shape), np.int64)
    return np.asarray(shape[slice(node.get("start", 0), node.get("end", None))], np.int64)


def _bounded(shape: Any) -> tuple[int, ...]:
    """A shape that fits memory."""
    sizes = tuple(int(size) for size in np.ravel(shape))
    if any(size < 0 for size in sizes) or math.prod(sizes) > LARGEST_VALUE:
        raise ValueError(f"it makes a constant of shape {sizes}")
    return sizes


def _elementwise(node: Node, given: list[Any]) -> Array:
    _bounded(np.broadcast_shapes(*(one.shape for one in given)))
    return np.asarray(ELEMENTWISE[node.op](*given))


def _div(_: Node, given: list[Any]) -> Array:
    """Integers are cut towards zero."""
    first, second = given
    _bounded(np.broadcast_shapes(first.shape, second.shape))
    if first.dtype.kind == "f":
        return np.asarray(first / second)
    return np.asarray(np.trunc(first / second).astype(first.dtype))


def _cast(node: Node, given: list[Any]) -> Array:
    dtypes = {
        1: np.float32,
        3: np.int8,
        2: np.uint8,
        6: np.int32,
        7: np.int64,
        9: np.bool_,
        10: np.float32,
        11: np.float32,
    }
    if node.get("to", 0) not in dtypes:
        raise node.unsupported("It casts to float32, integers and bool")
    return np.asarray(given[0]).astype(dtypes[node.get("to", 0)])


def _range(_: Node, given: list[Any]) -> Array:
    start, limit, step = (one.item() for one in given)
    _bounded([max(0, math.ceil((limit - start) / step))])
    return np.arange(start, limit, step, dtype=given[0].dtype)


def _hann(node: Node, given: list[Any]) -> Array:
    (size,) = _bounded(given[0])
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / max(1, size if node.get("periodic", 1) else size - 1))


def _filled(node: Node, given: list[Any]) -> Array:
    from onnx import numpy_helper

    number = numpy_helper.to_array(node.attributes["value"]).ravel() if "value" in node.attributes else np.zeros(1, "f")
    return np.full(_bounded(given[0]), number[0], number.dtype)


def _expand(_: Node, given: list[Any]) -> Array:
    return np.broadcast_to(given[0], _bounded(np.broadcast_shapes(given[0].shape, _bounded(given[1]))))


def _tile(_: Node, given: list[Any]) -> Array:
    _bounded([size * int(count) for size, count in zip(given[0].shape, given[1], strict=True)])
    return np.tile(given[0], given[1])


def _concat(node: Node, given: list[Any]) -> Array:
    _bounded([sum(one.size for one in given)])
    return np.concatenate(given, node.attributes["axis"])


def _gather(node: Node, given: list[Any]) -> Array:
    data, index = given
    axis = node.get("axis", 0)
    _bounded([data.size // max(1, data.shape[axis]), index.size])
    return np.asarray(np.take(data, index, axis))


def _slice(_: Node, given: list[Any]) -> Array:
    data, starts, ends, axes, steps = [*given, None, None][:5]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    chosen = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        chosen[int(axis)] = slice(int(start), _end(int(end), int(step)), int(step))
    return np.asarray(data[tuple(chosen)])


def _end(end: int, step: int) -> int | None:
    return None if step < 0 and end < -(2**31) else end


def _trilu(node: Node, given: list[Any]) -> Array:
    diagonal = int(given[1]) if len(given) > 1 and given[1] is not None else 0
    return np.triu(given[0], diagonal) if node.get("upper", 1) else np.tril(given[0], diagonal)


def _matmul(_: Node, given: list[Any]) -> Array:
    first, second = given
    _bounded([first.size // max(1, first.shape[-1]), second.size // max(1, second.shape[0])])
    return np.asarray(np.matmul(first, second))


OTHERS: dict[str, Callable[[Node, list[Any]], Array]] = {
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "Div": _div,
    "Expand": _expand,
    "Gather": _gather,
    "HannWindow": _hann,
    "MatMul": _matmul,
    "Max": lambda _, given: np.maximum.reduce(np.broadcast_arrays(*given)),
    "Min": lambda _, given: np.minimum.reduce(np.broadcast_arrays(*given)),
    "Range": _range,
    "Slice": _slice,
    "Tile": _tile,
    "Trilu": _trilu,
}
