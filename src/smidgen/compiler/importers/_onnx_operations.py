"""Each operation of ONNX that the compiler knows, as operations of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._onnx_graph import LARGEST_VALUE, Constant, Network, Node, Tensor, array, lying
from smidgen.compiler.ir import Quantization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array

MOST_CHANNELS = 2**16
CODES = ("uint8", "int8")
UNARY = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Tanh": "tanh",
    "HardSwish": "hard_swish",
    "Gelu": "gelu",
    "Erf": "erf",
}


# Windows


def _padding(node: Node, sizes: Sequence[int], extent: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    """(top, left, bottom, right)"""
    mode = node.get("auto_pad", b"NOTSET")
    if mode in (b"SAME_UPPER", b"SAME_LOWER"):
        along = zip(sizes, extent, stride, strict=True)
        missing = [max(0, (-(-size // step) - 1) * step + wide - size) for size, wide, step in along]
        less, more = [gap // 2 for gap in missing], [gap - gap // 2 for gap in missing]
        return (*less, *more) if mode == b"SAME_UPPER" else (*more, *less)
    pads = tuple(node.get("pads", (0, 0, 0, 0))) if mode == b"NOTSET" else (0, 0, 0, 0)
    if len(pads) != 4 or min(pads) < 0:
        raise ValueError(f"pads are {pads}")
    return pads


def _window(node: Node, shape: Sequence[int], kernel: Sequence[int]) -> tuple[dict[str, Any], tuple[int, int]]:
    """The attributes of a window that moves over an image (c, h, w), and the height and width that it gives."""
    stride, dilation = node.pair("strides"), node.pair("dilations")
    channels, *sizes = shape
    extent = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    padding = _padding(node, sizes, extent, stride)
    padded = [sizes[i] + padding[i] + padding[i + 2] for i in range(2)]
    if math.prod(padded) * channels > LARGEST_VALUE:
        raise ValueError(f"pads are {padding}")
    if node.get("ceil_mode", 0):
        raise node.unsupported("Export it with ceil_mode off")
    height, width = ((padded[i] - extent[i]) // stride[i] + 1 for i in range(2))
    return {"stride": stride, "padding": padding, "dilation": dilation}, (height, width)


def _conv(network: Network, node: Node) -> None:
    x, weight = network.real(node.inputs[0]), network.constant(node.inputs[1])
    source = network.last(x, node)
    outputs, per_group, *kernel = weight.data.shape
    groups = node.get("group", 1)
    if groups < 1 or outputs % groups or per_group * groups != x.places.shape[0]:
        raise ValueError(f"weights {weight.data.shape} in {groups} groups do not suit {x.places.shape[0]} channels")
    window, sides = _window(node, x.places.shape, kernel)
    weights = network.weigh(weight.transposed((0, 2, 3, 1)), "weight")
    inputs = (source, weights, _bias(network, node, outputs))
    shape = (*sides, outputs)
    network.put(node, network.emit("conv2d", node, inputs, shape, **window, groups=groups, activation="none"))


def _bias(network: Network, node: Node, outputs: int) -> str:
    if not node.given(2):
        return ""
    bias = network.constant(node.given(2))
    spread = Constant(np.broadcast_to(bias.data, (*bias.data.shape[:-1], outputs)).reshape(outputs), *_vectors(bias))
    return network.weigh(spread, "bias")


def _vectors(constant: Constant) -> tuple[Array | None, Array | None]:
    scale, zero = constant.scale, constant.zero
    return None if scale is None else scale.ravel(), None if zero is None else zero.ravel()


def _gemm(network: Network, node: Node) -> None:
    if node.get("transA", 0) or node.get("alpha", 1.0) != 1 or node.get("beta", 1.0) != 1:
        raise node.unsupported("Export it with alpha and beta of 1 and without transA")
    x, weight = network.real(node.inputs[0]), network.constant(node.inputs[1])
    if x.places.ndim != 1 or weight.data.ndim != 2:
        raise node.unsupported("It multiplies one vector by a constant matrix")
    weight = weight if node.get("transB", 0) else weight.transposed((1, 0))
    outputs, inputs = weight.data.shape
    if inputs != x.places.size:
        raise ValueError(f"weights for {inputs} inputs do not suit {x.places.size}")
    permuted = np.empty_like(weight.data)
    permuted[:, x.places] = weight.data
    weights = network.weigh(replace(weight, data=permuted), "weight")
    given = (network.flat(x, node), weights, _bias(network, node, outputs))
    network.put(node, network.emit("dense", node, given, (outputs,), activation="none"))


def _pool(network: Network, node: Node) -> None:
    x = network.tensor(node.inputs[0])
    kernel = node.pair("kernel_shape")
    source = network.last(x, node)
    window, sides = _window(node, x.places.shape, kernel)
    if window.pop("dilation") != (1, 1) or len(node.outputs) > 1:
        raise node.unsupported("It takes windows without dilation and gives no indices")
    if any(pad >= size for pad, size in zip(window["padding"], kernel * 2, strict=True)):
        raise ValueError("its windows can lie outside of the image")
    average = node.op == "AveragePool"
    if average and node.get("count_include_pad", 0) and any(window["padding"]):
        raise node.unsupported("Export it with count_include_pad off")
    kind = "average_pool2d" if average else "max_pool2d"
    shape = (*sides, x.places.shape[0])
    name = network.emit(kind, node, (source,), shape, kernel=kernel, **window, activation="none")
    if not average:
        network.values[name] = replace(network.values[source], name=name, shape=shape)
    network.put(node, name)


def _mean(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    rank = x.places.ndim
    everywhere = [*range(2, rank + 1)] if node.op == "GlobalAveragePool" else None
    given = everywhere or network.numbers(node, 1, "axes") or [*range(rank + 1)]
    axes = sorted({axis % (rank + 1) - 1 for axis in given})
    if axes[0] < 0:
        raise node.unsupported("It takes means within an example, not over the batch")
    kept = [size for axis, size in enumerate(x.places.shape) if axis not in axes]
    image = rank == 3 and axes == [1, 2]
    source = network.last(x, node) if image else network.plain(x)
    name = network.emit("mean", node, (source,), kept, axes=(0, 1) if image else tuple(axes))
    places = np.arange(math.prod(kept), dtype=np.int32).reshape(kept)
    network.put(node, name, np.expand_dims(places, tuple(axes)) if node.get("keepdims", 1) else places)


# Element by element


def _unary(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    kind = UNARY[node.op]
    attributes = {}
    if kind == "leaky_relu":
        attributes["slope"] = float(node.get("alpha", 0.01))
        if not 0 <= attributes["slope"] <= 1:
            raise node.unsupported("It takes a slope from 0 to 1")
    if kind == "hard_sigmoid":
        attributes = {"alpha": float(node.get("alpha", 0.2)), "beta": float(node.get("beta", 0.5))}
    if kind == "gelu" and node.get("approximate", b"none") != b"none":
        raise node.unsupported("Export GELU without approximation")
    network.put(node, network.emit(kind, node, (x.value,), network.values[x.value].shape, **attributes), x.places)


def _clip(network: Network, node: Node) -> None:
    x, (low, high) = network.real(node.inputs[0]), (_limit(network, node, 1, "min"), _limit(network, node, 2, "max"))
    if low != 0 or (high != 6 and high < np.finfo(np.float32).max):
        raise node.unsupported("It clips from 0, or from 0 to 6")
    kind = "relu6" if high == 6 else "relu"
    network.put(node, network.emit(kind, node, (x.value,), network.values[x.value].shape), x.places)


def _limit(network: Network, node: Node, position: int, name: str) -> float:
    if node.given(position):
        return float(network.constant(node.given(position)).data.item())
    return float(node.get(name, math.inf if name == "max" else -math.inf))


def _binary(network: Network, node: Node) -> None:
    first, second = (network.find(name) for name in node.inputs)
    if isinstance(first, Constant) and node.op in ("Add", "Mul"):
        first, second = second, first
    if isinstance(first, Constant):
        raise node.unsupported("It needs a constant to be on the right")
    if node.op == "Div":
        if isinstance(second, Tensor) or second.scale is not None:
            raise node.unsupported("It divides by constants")
        second = Constant(1 / second.data)
    kind = {"Div": "mul"}.get(node.op, node.op.lower())
    if isinstance(second, Constant):
        _with_constant(network, node, kind, first, second)
    else:
        _with_tensor(network, node, kind, first, second)


def _with_tensor(network: Network, node: Node, kind: str, first: Tensor, second: Tensor) -> None:
    values = [network.values[one.value] for one in (first, second)]
    if np.array_equal(first.places, second.places) and values[0].shape == values[1].shape:
        name = network.emit(kind, node, (first.value, second.value), values[0].shape, activation="none")
        network.put(node, name, first.places)
        return
    if first.places.ndim != second.places.ndim:
        raise node.unsupported("It takes two tensors of as many dimensions")
    image = first.places.ndim == 3
    given = tuple(network.last(one, node) if image else network.plain(one) for one in (first, second))
    shape = np.broadcast_shapes(*(network.values[name].shape for name in given))
    network.put(node, network.emit(kind, node, given, shape, activation="none"))


def _with_constant(network: Network, node: Node, kind: str, first: Tensor, second: Constant) -> None:
    """A constant lies as the tensor does; one number suits every layout."""
    data, rank = second.data, first.places.ndim
    if second.scale is not None and second.scale.size != 1:
        raise node.unsupported("It takes a constant of one scale")
    if data.size == 1:
        given, places = first.value, first.places
        data = data.reshape(1)
    else:
        if data.ndim > rank and data.shape[0] != 1:
            raise ValueError(f"a constant of shape {data.shape} has a batch")
        data = data.reshape(data.shape[-rank:] if data.ndim > rank else (1,) * (rank - data.ndim) + data.shape)
        np.broadcast_to(data, first.places.shape)
        given = network.last(first, node) if rank == 3 else network.plain(first)
        data = data.transpose(1, 2, 0) if rank == 3 else data
        places = lying(network.values[given].shape)
    constant = Constant(data, *_vectors(second))
    if constant.scale is not None:
        constant = replace(constant, scale=constant.scale.reshape((1,) * data.ndim))
    shape = network.values[given].shape
    network.put(
        node, network.emit(kind, node, (given, network.weigh(constant, "addend")), shape, activation="none"), places
    )


def _batch_norm(network: Network, node: Node) -> None:
    """Times one vector plus another, which a layer in front takes into its weights."""
    x = network.real(node.inputs[0])
    gamma, beta, mean, variance = (network.constant(name).data.ravel() for name in node.inputs[1:5])
    if gamma.size != x.places.shape[0] or x.places.ndim not in (1, 3) or node.get("training_mode", 0):
        raise node.unsupported("It normalises channels of images, or the numbers of a vector, in inference")
    scale = gamma / np.sqrt(variance + node.get("epsilon", 1e-5))
    name = network.last(x, node) if x.places.ndim == 3 else network.plain(x)
    shape = network.values[name].shape
    for kind, vector in (("mul", scale), ("add", beta - mean * scale)):
        name = network.emit(kind, node, (name, network.weigh(Constant(vector), "norm")), shape, activation="none")
    network.put(node, name)


def _softmax(network: Network, node: Node) -> None:
    x = network.real(node.inputs[0])
    if x.places.ndim != 1 or node.get("axis", -1) not in (1, -1):
        raise node.unsupported("It takes the softmax of one vector")
    network.put(node, network.emit("softmax", node, (network.plain(x),), x.places.shape))


# Rounding


def _scaling(network: Network, node: Node) -> tuple[Array, Array]:
    """Scale and zero point of a (de)quantising node, checked."""
    scale = network.constant(node.inputs[1]).data
    zero = network.constant(node.inputs[2]).data if node.given(2) else np.zeros(scale.shape, np.uint8)
    if scale.size > MOST_CHANNELS or not (np.isfinite(scale) & (scale > 0)).all() or zero.shape != scale.shape:
        raise ValueError("its scales are not positive, or do not match its zero points")
    if node.get("block_size", 0):
        raise node.unsupported("It takes one scale for each channel, not for blocks")
    return scale, zero


def _quantization(network: Network, node: Node) -> Quantization:
    scale, zero = _scaling(network, node)
    if scale.size != 1 or str(zero.dtype) not in CODES:
        raise node.unsupported("It rounds activations to 8 bits with one scale")
    return Quantization((float(scale.item()),), (int(zero.item()),))


def _quantize(network: Network, node: Node) -> None:
    x, quantization = network.real(node.inputs[0]), _quantization(network, node)
    dtype = str(network.constant(node.given(2)).data.dtype) if node.given(2) else "uint8"
    name = network.emit("quantize", node, (x.value,), network.values[x.value].shape)
    network.values[name] = replace(network.values[name], dtype=dtype, quantization=quantization)
    network.put(node, name, x.places)


def _dequantize(network: Network, node: Node) -> None:
    codes = network.find(node.inputs[0])
    if isinstance(codes, Tensor):
        return _real(network, node, codes, _quantization(network, node))
    scale, zero = _scaling(network, node)
    shape = [1] * codes.data.ndim
    if scale.size > 1:
        shape[node.get("axis", 1)] = scale.size
    np.broadcast_to(scale.reshape(shape), codes.data.shape)
    if str(codes.data.dtype) not in (*CODES, "int32"):
        raise ValueError(f"it dequantises {codes.data.dtype}")
    network.tensors[node.outputs[0]] = Constant(codes.data, scale.reshape(shape or [1]), zero.reshape(shape or [1]))
    return None


def _real(network: Network, node: Node, codes: Tensor, quantization: Quantization) -> None:
    value = network.values[codes.value]
    if value.dtype not in CODES or value.quantization not in (None, quantization):
        raise node.unsupported("It reads 8-bit codes, always with the same scale")
    network.values[value.name] = replace(value, quantization=quantization)
    network.put(node, network.emit("dequantize", node, (value.name,), value.shape), codes.places)


def _cast(network: Network, node: Node) -> None:
    """An integer as a float is a code of scale 1."""
    x = network.tensor(node.inputs[0])
    if node.get("to", 0) != 1:
        raise node.unsupported("It casts to float32")
    if network.values[x.value].dtype == "float32":
        network.tensors[node.outputs[0]] = x
    else:
        _real(network, node, x, Quantization((1.0,), (0,)))


# Views


def _view(change: Callable[[Network, Node, tuple[int, ...]], Callable[[Array], Array]]) -> Callable[..., None]:
    """An operation that only looks at the same numbers in another way; `change` sees shapes with the batch."""

    def run(network: Network, node: Node) -> None:
        found = network.find(node.inputs[0])
        network.spend(found.data.size if isinstance(found, Constant) else found.places.size)
        if isinstance(found, Constant):
            if found.scale is not None and node.op != "Transpose":
                raise node.unsupported("It takes quantised weights in their final shape")
            changed = change(network, node, found.data.shape)
            parts = (None if part is None else changed(part) for part in (found.data, found.scale, found.zero))
            network.tensors[node.outputs[0]] = Constant(*parts)  # type: ignore[arg-type]
            return
        batched = found.places[np.newaxis]
        viewed = change(network, node, batched.shape)(batched)
        if viewed.ndim == 0 or viewed.shape[0] != 1:
            raise node.unsupported("It keeps the batch first")
        network.tensors[node.outputs[0]] = Tensor(found.value, viewed[0])

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
    network.tensors[node.outputs[0]] = network.find(node.inputs[0])


def _literal(network: Network, node: Node) -> None:
    if "value" in node.attributes:
        network.tensors[node.outputs[0]] = Constant(array(node.attributes["value"]))
        return
    ((name, value),) = node.attributes.items()
    dtypes = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    network.tensors[node.outputs[0]] = Constant(np.asarray(value, dtypes[name]))


# Several tensors, edges


def _concat(network: Network, node: Node) -> None:
    tensors = [network.real(name) for name in node.inputs]
    rank = tensors[0].places.ndim
    axis = node.attributes["axis"] % (rank + 1) - 1
    if axis < 0:
        raise node.unsupported("It joins within an example, not batches")
    image = rank == 3
    given = [network.last(one, node) if image else network.plain(one) for one in tensors]
    axis = (2, 0, 1)[axis] if image else axis
    shapes = [list(network.values[name].shape) for name in given]
    shape = [*shapes[0][:axis], sum(one[axis] for one in shapes), *shapes[0][axis + 1 :]]
    if any([*one[:axis], *one[axis + 1 :]] != [*shape[:axis], *shape[axis + 1 :]] for one in shapes):
        raise ValueError(f"tensors of {shapes} cannot be joined")
    network.put(node, network.emit("concat", node, given, shape, axis=axis))


def _pad(network: Network, node: Node) -> None:
    x, pads = network.real(node.inputs[0]), network.numbers(node, 1, "pads") or []
    rank = x.places.ndim
    value = float(network.constant(node.given(2)).data.item()) if node.given(2) else node.get("value", 0.0)
    if node.get("mode", b"constant") != b"constant" or value != 0 or node.given(3) or min(pads, default=-1) < 0:
        raise node.unsupported("It pads with zeros, on all axes")
    if len(pads) != 2 * rank + 2 or pads[0] or pads[rank + 1]:
        raise ValueError(f"pads are {pads}")
    order = (1, 2, 0) if rank == 3 else tuple(range(rank))
    before, after = (tuple(side[axis] for axis in order) for side in (pads[1 : rank + 1], pads[rank + 2 :]))
    source = network.last(x, node) if rank == 3 else network.plain(x)
    sizes = zip(network.values[source].shape, before, after, strict=True)
    network.put(node, network.emit("pad", node, (source,), [sum(one) for one in sizes], before=before, after=after))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _binary),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean"), _mean),
    **dict.fromkeys(("Identity", "Dropout"), _identity),
    **dict.fromkeys(("Gemm", "MatMul"), _gemm),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _literal,
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Flatten": _view(_flatten),
    "Pad": _pad,
    "QuantizeLinear": _quantize,
    "Reshape": _view(_reshape),
    "Softmax": _softmax,
    "Squeeze": _view(_squeeze),
    "Transpose": _view(_transpose),
    "Unsqueeze": _view(_unsqueeze),
}
