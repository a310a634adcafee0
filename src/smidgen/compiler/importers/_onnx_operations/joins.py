"""Operations that take parts of tensors, join them or repeat them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import LARGEST_VALUE, Constant, Network, Node, Tensor, placed
from smidgen.compiler.importers._onnx_operations.products import quantized
from smidgen.compiler.ir import Quantization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def part(network: Network, node: Node, x: Tensor, ranges: dict[int, range]) -> Tensor:
    """The elements at these places along some axes, each with at least one, in steps that may be negative."""
    shape = x.places.shape
    chosen = {axis: wanted for axis, wanted in ranges.items() if wanted != range(shape[axis])}
    if not all(len(wanted) for wanted in chosen.values()):
        raise ValueError("it leaves nothing of a tensor")
    if not chosen:
        return x
    axes = network.axes(x)
    within = [chosen.get(axis, range(shape[axis])) for axis in axes]
    given = network.ordered(x, axes)
    form = {"begin": tuple(one.start for one in within), "size": tuple(len(one) for one in within)}
    name = network.emit("slice", node, (given,), form["size"], **form, stride=tuple(one.step for one in within))
    left = [len(chosen.get(axis, range(size))) for axis, size in enumerate(shape)]
    return Tensor(network.like(name, given), placed(left, axes))


def _slice(network: Network, node: Node) -> None:
    x = network.tensor(node.inputs[0])
    starts, ends, axes, steps = (
        network.numbers(node, position, name) for position, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    if starts is None or ends is None:
        raise ValueError("it has no starts or ends")
    rank = x.places.ndim
    axes = [axis % rank for axis in axes] if axes else [*range(len(starts))]
    each = zip(axes, starts, ends, steps or [1] * len(starts), strict=True)
    size = x.places.shape
    ranges = {axis: range(*slice(start, end, step).indices(size[axis])) for axis, start, end, step in each}
    network.put(node, part(network, node, x, {axis: _told(one) for axis, one in ranges.items()}))


def _told(places: range) -> range:
    """The same range with an end that follows from its length."""
    return range(places.start, places.start + len(places) * places.step, places.step)


def _split(network: Network, node: Node) -> None:
    x = network.tensor(node.inputs[0])
    axis = node.get("axis", 0) % x.places.ndim
    sizes, size, count = network.numbers(node, 1, "split"), x.places.shape[axis], len(node.outputs)
    if sizes is None:
        each = -(-size // count)
        sizes = [min(each, size - each * index) for index in range(count)]
    if len(sizes) != count or min(sizes) < 1 or sum(sizes) != size:
        raise ValueError(f"it splits {size} into {sizes}")
    for index, name in enumerate(node.outputs):
        begin = sum(sizes[:index])
        network.tensors[name] = part(network, node, x, {axis: range(begin, begin + sizes[index])})


def _gather(network: Network, node: Node) -> None:
    found, index = (network.find(name) for name in node.inputs[:2])
    if isinstance(index, Tensor):
        if isinstance(found, Tensor) or node.get("axis", 0) != 0 or found.data.ndim != 2:
            raise node.unsupported("It looks up rows of a constant table, or constant places of a tensor")
        return _embedding(network, node, found, index)
    if isinstance(found, Constant):
        raise node.unsupported("It takes quantised tables for computed indices")
    axis = node.get("axis", 0) % found.places.ndim
    size, chosen = found.places.shape[axis], index.data.ravel().astype(np.int64)
    if chosen.size > size or not ((-size <= chosen) & (chosen < size)).all():
        raise ValueError(f"it gathers places {chosen[:9]} of {size}")
    chosen = chosen % size
    steps = {*np.diff(chosen).tolist()} or {1}
    step = steps.pop()
    if steps or not step:
        raise node.unsupported("It takes places at equal distances")
    places = range(int(chosen[0]), int(chosen[0]) + len(chosen) * step, step)
    kept = part(network, node, found, {axis: places})
    shape = [*found.places.shape[:axis], *index.data.shape, *found.places.shape[axis + 1 :]]
    return network.put(node, Tensor(kept.value, kept.places.reshape(shape)))


def _embedding(network: Network, node: Node, table: Constant, index: Tensor) -> None:
    """Rows of a table; those of a table of codes with one scale stay codes until something needs real numbers."""
    if network.values[index.value].dtype == "float32":
        raise ValueError("its indices are not integers")
    rows, width = table.data.shape
    codes = table.scale is None and table.data.dtype.kind in "iu"
    weights = network.keep(table.data, "table") if codes else network.weigh(table, "table")
    given = (index.value, weights)
    shape = (*network.values[index.value].shape, width)
    if rows * width > LARGEST_VALUE:
        raise ValueError(f"it has a table of {rows} x {width}")
    name = network.emit("embedding", node, given, shape)
    if codes:
        network.values[name] = replace(network.values[name], dtype=network.values[weights].dtype)
    scale = network.values[weights].quantization
    if scale is not None and len(scale.scales) == 1:
        quantized(network, name, "int8", Quantization(scale.scales, (0,)))
        name = network.emit("dequantize", node, (name,), shape)
    places = index.places[..., np.newaxis] * width + np.arange(width, dtype=np.int32)
    network.put(node, Tensor(name, places))


def _concat(network: Network, node: Node) -> None:
    tensors = [_joined(network, node, name) for name in node.inputs]
    first = max((one for one in tensors if isinstance(one, Tensor)), key=lambda one: one.places.size, default=None)
    if first is None:
        raise node.unsupported("It joins floats that are not quantised weights")
    axis = node.attributes["axis"] % first.places.ndim
    shapes = [[*(one.data.shape if isinstance(one, Constant) else one.places.shape)] for one in tensors]
    shape = [*shapes[0][:axis], sum(one[axis] for one in shapes), *shapes[0][axis + 1 :]]
    if any([*one[:axis], *one[axis + 1 :]] != [*shape[:axis], *shape[axis + 1 :]] for one in shapes):
        raise ValueError(f"tensors of {shapes} cannot be joined")
    axes = network.axes(first, (axis,))
    given = [
        network.weigh(
            Constant(one.data.transpose(axes_of(axes, one.data.ndim)).reshape([size[a] for a in axes])), "part"
        )
        if isinstance(one, Constant)
        else network.ordered(one, axes)
        for one, size in zip(tensors, shapes, strict=True)
    ]
    if len({network.values[one].dtype for one in given}) != 1:
        raise ValueError("it joins numbers of several types")
    name = network.emit("concat", node, given, [shape[one] for one in axes], axis=axes.index(axis))
    network.put(node, Tensor(network.like(name, given[0]), placed(shape, axes)))


def _joined(network: Network, node: Node, name: str) -> Tensor | Constant:
    found = network.find(name)
    if isinstance(found, Constant) and found.scale is not None:
        raise node.unsupported("It joins floats that are not quantised weights")
    whole = isinstance(found, Tensor) and network.values[found.value].dtype == "int32"
    return found if isinstance(found, Constant) or whole else network.real(name)


def axes_of(axes: Sequence[int], rank: int) -> list[int]:
    """All axes, the given ones first."""
    return [*axes, *(axis for axis in range(rank) if axis not in axes)]


def _pad(network: Network, node: Node) -> None:
    x, pads = network.real(node.inputs[0]), network.numbers(node, 1, "pads") or []
    rank, shape = x.places.ndim, x.places.shape
    value = float(network.constant(node.given(2)).data.item()) if node.given(2) else node.get("value", 0.0)
    if node.get("mode", b"constant") != b"constant" or value != 0 or node.given(3) or min(pads, default=-1) < 0:
        raise node.unsupported("It pads with zeros, on all axes")
    if len(pads) != 2 * rank or pads[0] or pads[rank]:
        raise ValueError(f"pads are {pads}")
    padded = [size + pads[axis] + pads[axis + rank] for axis, size in enumerate(shape)]
    if math.prod(padded) > LARGEST_VALUE:
        raise ValueError(f"pads are {pads}")
    axes = network.axes(x, [axis for axis in range(rank) if pads[axis] or pads[axis + rank]])
    before, after = (tuple(pads[axis + side] for axis in axes) for side in (0, rank))
    given = network.ordered(x, axes)
    name = network.emit("pad", node, (given,), [padded[axis] for axis in axes], before=before, after=after)
    network.put(node, Tensor(name, placed(padded, axes)))


def _expand(network: Network, node: Node) -> None:
    """Repeats along axes of one element."""
    x, shape = network.tensor(node.inputs[0]), network.numbers(node, 1, "shape") or []
    whole = np.broadcast_shapes(x.places.shape, tuple(shape))
    if math.prod(whole) > LARGEST_VALUE:
        raise ValueError(f"it expands to {whole}")
    wide = Tensor(x.value, x.places.reshape((1,) * (len(whole) - x.places.ndim) + x.places.shape))
    if whole == wide.places.shape:
        return network.put(node, wide)
    axes = [axis for axis, size in enumerate(whole) if size > 1]
    given = network.ordered(wide, axes)
    name = network.emit("expand", node, (given,), [whole[axis] for axis in axes])
    return network.put(node, Tensor(network.like(name, given), placed(whole, axes)))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    "Concat": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "Pad": _pad,
    "Slice": _slice,
    "Split": _split,
}
