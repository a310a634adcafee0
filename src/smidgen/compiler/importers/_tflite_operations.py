"""What each operator of a .tflite file becomes in a program: one function each, in the table at the end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._tflite_graph import same_count
from smidgen.compiler.importers._tflite_layers import LAYERS, activation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.compiler.importers._tflite_file import Node
    from smidgen.compiler.importers._tflite_graph import Network
    from smidgen.compiler.ir import Value

MOST_EDGE = 2**16
PIECES = 256  # of one SPLIT


# Element-wise


def _binary(network: Network, node: Node) -> None:
    options = node.options({"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}[node.op])
    a, b = network.operand(node, 0), network.operand(node, 1)
    network.one_type(node, a, b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    network.emit(node.op.lower(), node, (a.name, b.name), shape, activation=activation_of(node, options))


UNARY = {
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "RELU": "relu",
    "RELU6": "relu6",
    "LEAKY_RELU": "leaky_relu",
    "HARD_SWISH": "hard_swish",
    "GELU": "gelu",
}
OF_FLOATS = {
    **{op: op.lower() for op in ("ABS", "EXP", "FLOOR", "LOG", "NEG", "SQRT")},
    **{op: op.lower() for op in ("DIV", "MAXIMUM", "MINIMUM", "POW")},
}


def _unary(network: Network, node: Node) -> None:
    x = network.computed(node, 0)
    network.one_type(node, x)
    attributes = {}
    if node.op == "LEAKY_RELU":
        attributes["slope"] = float(node.options("LeakyReluOptions").Alpha())
        if not math.isfinite(attributes["slope"]):
            raise ValueError("its slope is not finite")
    if node.op == "GELU" and node.options("GeluOptions").Approximate():
        raise node.unsupported("It takes GELU with erf, not with tanh")
    network.emit(UNARY[node.op], node, (x.name,), x.shape, **attributes)


def _of_floats(network: Network, node: Node) -> None:
    """Functions of one or two numbers that have no integer form here."""
    operands = [network.operand(node, position) for position in range(len(node.inputs))]
    if len(operands) not in (1, 2) or any(value.dtype != "float32" for value in (*operands, network.form(node))):
        raise node.unsupported("It takes this of floats")
    if node.op == "DIV" and activation_of(node, node.options("DivOptions")) != "none":
        raise node.unsupported("It divides without an activation")
    shape = np.broadcast_shapes(*(value.shape for value in operands))
    network.emit(OF_FLOATS[node.op], node, [value.name for value in operands], shape)


def _softmax(network: Network, node: Node) -> None:
    x = network.computed(node, 0)
    network.one_type(node, x)
    if node.options("SoftmaxOptions").Beta() != 1:
        raise node.unsupported("It takes a softmax with a beta of 1")
    network.emit("softmax", node, (x.name,), x.shape)


def _quantize(network: Network, node: Node) -> None:
    x = network.computed(node, 0)
    network.emit("quantize" if x.dtype == "float32" else "requantize", node, (x.name,), x.shape)


def _dequantize(network: Network, node: Node) -> None:
    if node.given(0) in network.names:
        x = network.computed(node, 0)
        if x.dtype == "float32" or network.form(node).dtype != "float32":
            raise ValueError("it does not turn codes into floats")
        network.emit("dequantize", node, (x.name,), x.shape)
        return
    data = network.content(node, 0)
    if data.dtype != np.float16:
        raise node.unsupported("It takes constants of float16")
    network.stored[node.outputs[0]] = data.astype(np.float32)


# Reductions


REDUCTIONS = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min"}


def _reduce(network: Network, node: Node) -> None:
    x, kind = network.computed(node, 0), REDUCTIONS[node.op]
    network.one_type(node, x)
    if kind in ("max", "min"):
        network.same_scale(node, x)
    if kind == "sum" and x.dtype != "float32":
        raise node.unsupported("It sums floats; of codes it takes a MEAN")
    axes = tuple(sorted({network.axis(node, 0, axis) for axis in network.numbers(node, 1)}))
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    y = network.file.tensor(node.outputs[0]).example
    if y == shape:
        network.emit(kind, node, (x.name,), shape, axes=axes)
        return
    reduced = network.step(kind, node, (x.name,), replace(network.form(node), shape=shape), axes=axes)
    network.emit("reshape", node, (reduced,), same_count(y, math.prod(shape)))


# Moves


def _reshape(network: Network, node: Node) -> None:
    x = network.computed(node, 0)
    network.same_scale(node, x)
    network.emit("reshape", node, (x.name,), same_count(network.file.tensor(node.outputs[0]).example, x.count))


def _transpose(network: Network, node: Node) -> None:
    x, order = network.computed(node, 0), network.numbers(node, 1)
    network.same_scale(node, x)
    rank = len(network.tensor(node, 0).shape)
    if sorted(order) != list(range(rank)):
        raise ValueError(f"its order is {order}")
    batch = rank - len(x.shape)
    if order[:batch] != [0] * batch:
        raise node.unsupported("It keeps the batch first")
    kept = tuple(axis - batch for axis in order[batch:])
    network.emit("transpose", node, (x.name,), [x.shape[axis] for axis in kept], order=kept)


def _pad(network: Network, node: Node) -> None:
    x, edges = network.computed(node, 0), network.content(node, 1)
    network.same_scale(node, x)
    if node.op == "PADV2":
        value = float(network.content(node, 2).item())
        if value != (0 if x.quantization is None else x.quantization.zero_point):
            raise node.unsupported("It pads with zeros")
    rank = len(network.tensor(node, 0).shape)
    if edges.shape != (rank, 2) or edges.dtype.kind != "i" or edges.min() < 0 or edges.max() > MOST_EDGE:
        raise ValueError("its edges are not two for each axis")
    batch = rank - len(x.shape)
    if edges[:batch].any():
        raise node.unsupported("It pads within an example")
    before, after = (tuple(int(edge) for edge in side) for side in edges[batch:].T)
    shape = [sum(one) for one in zip(x.shape, before, after, strict=True)]
    network.emit("pad", node, (x.name,), shape, before=before, after=after)


def _concat(network: Network, node: Node) -> None:
    options = node.options("ConcatenationOptions")
    if activation_of(node, options) != "none":
        raise node.unsupported("It joins without an activation")
    parts = [network.operand(node, position) for position in range(len(node.inputs))]
    network.same_scale(node, *parts)
    axis = network.axis(node, 0, options.Axis())
    shapes = [list(part.shape) for part in parts]
    shape = list(shapes[0])
    if any(len(one) != len(shape) for one in shapes):
        raise ValueError(f"tensors of {shapes} cannot be joined")
    shape[axis] = sum(one[axis] for one in shapes)
    if any([*one[:axis], *one[axis + 1 :]] != [*shape[:axis], *shape[axis + 1 :]] for one in shapes):
        raise ValueError(f"tensors of {shapes} cannot be joined")
    network.emit("concat", node, [part.name for part in parts], shape, axis=axis)


def _split(network: Network, node: Node) -> None:
    """SPLIT takes the axis, then the tensor; SPLIT_V takes the tensor, the sizes, then the axis."""
    source, axes = (1, 0) if node.op == "SPLIT" else (0, 2)
    x = network.computed(node, source)
    network.same_scale(node, x, outputs=len(node.outputs))
    axis, pieces = network.axis(node, source, network.numbers(node, axes)[0]), len(node.outputs)
    sizes = [x.shape[axis] // pieces] * pieces if node.op == "SPLIT" else network.numbers(node, 1, PIECES)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if sum(sizes) != x.shape[axis] or len(sizes) != pieces:
        raise ValueError(f"{x.shape[axis]} is not split into {sizes}")
    start = 0
    for position, size in enumerate(sizes):
        begin, extent = [0] * len(x.shape), list(x.shape)
        begin[axis], extent[axis] = start, size
        _cut(network, node, x, begin, extent, [1] * len(x.shape), position)
        start += size


def _slice(network: Network, node: Node) -> None:
    x, begin, size = network.computed(node, 0), network.numbers(node, 1), network.numbers(node, 2)
    network.same_scale(node, x)
    whole = network.tensor(node, 0).shape
    if not len(begin) == len(size) == len(whole):
        raise ValueError("it does not have a begin and a size for each axis")
    size = [total - start if count == -1 else count for total, start, count in zip(whole, begin, size, strict=True)]
    batch = len(whole) - len(x.shape)
    if begin[:batch] != [0] * batch or size[:batch] != [1] * batch:
        raise node.unsupported("It cuts within an example")
    _cut(network, node, x, begin[batch:], size[batch:], [1] * len(x.shape), 0)


def _strided_slice(network: Network, node: Node) -> None:
    options, x = node.options("StridedSliceOptions"), network.computed(node, 0)
    network.same_scale(node, x)
    begins, ends, steps = (network.numbers(node, position) for position in (1, 2, 3))
    whole = network.tensor(node, 0).shape
    if options.EllipsisMask() or options.NewAxisMask() or not len(begins) == len(ends) == len(steps) == len(whole):
        raise node.unsupported("It takes a begin, an end and a stride for each axis")
    begin, size = [], []
    for axis, total in enumerate(whole):
        if steps[axis] < 1:
            raise node.unsupported("It takes positive strides")
        bit = 1 << axis
        single = options.ShrinkAxisMask() & bit
        first = None if options.BeginMask() & bit else begins[axis]
        last = None if options.EndMask() & bit else ends[axis]
        start, stop, _ = slice(first, last).indices(total)
        begin.append(start)
        size.append(1 if single else len(range(start, stop, steps[axis])))
    batch = len(whole) - len(x.shape)
    if begin[:batch] != [0] * batch or size[:batch] != [1] * batch:
        raise node.unsupported("It cuts within an example")
    _cut(network, node, x, begin[batch:], size[batch:], steps[batch:], 0)


def _cut(
    network: Network,
    node: Node,
    x: Value,
    begin: Sequence[int],
    size: Sequence[int],
    stride: Sequence[int],
    position: int,
) -> None:
    """A part of a tensor as the output at this position, which may leave out axes of one."""
    for total, start, count, step in zip(x.shape, begin, size, stride, strict=True):
        if not (start >= 0 and count >= 1 and start + (count - 1) * step < total):
            raise ValueError(f"{count} places from {start} on are not all within {total}")
    attributes = {"begin": tuple(begin), "size": tuple(size), "stride": tuple(stride)}
    y = network.file.tensor(node.outputs[position]).example
    if y == tuple(size):
        network.put("slice", node, (x.name,), size, position, **attributes)
        return
    part = network.step(
        "slice", node, (x.name,), replace(network.form(node, position), shape=tuple(size)), **attributes
    )
    network.put("reshape", node, (part,), same_count(y, math.prod(size)), position)


def _resize(network: Network, node: Node) -> None:
    x, size = network.computed(node, 0), network.numbers(node, 1)
    network.same_scale(node, x)
    bilinear = node.op == "RESIZE_BILINEAR"
    if bilinear and x.dtype != "float32":
        raise node.unsupported("It resizes floats; of codes it takes RESIZE_NEAREST_NEIGHBOR")
    options = node.options("ResizeBilinearOptions" if bilinear else "ResizeNearestNeighborOptions")
    if len(x.shape) != 3 or len(size) != 2:
        raise node.unsupported("It takes images of three dimensions and a batch")
    network.emit(
        "resize",
        node,
        (x.name,),
        (*size, x.shape[2]),
        mode="bilinear" if bilinear else "nearest",
        align_corners=bool(options.AlignCorners()),
        half_pixel=bool(options.HalfPixelCenters()),
    )


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **LAYERS,
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(("ADD", "SUB", "MUL"), _binary),
    **dict.fromkeys(OF_FLOATS, _of_floats),
    **dict.fromkeys(REDUCTIONS, _reduce),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshape),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resize),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    "CONCATENATION": _concat,
    "DEQUANTIZE": _dequantize,
    "QUANTIZE": _quantize,
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
}
