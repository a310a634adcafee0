"""Convolutions, dense layers and pooling of a .tflite file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._tflite_graph import ACTIVATIONS, same_count
from smidgen.compiler.ir import Quantization, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.compiler.importers._tflite_file import Node
    from smidgen.compiler.importers._tflite_graph import Network
    from smidgen.types import Array

SAME = 0  # of Padding
MOST_STEP = 2**16  # of strides, dilations and kernels


def _conv(network: Network, node: Node) -> None:
    options = node.options("Conv2DOptions")
    weight = network.content(node, 1)
    if weight.ndim != 4:
        raise ValueError(f"its weights are {weight.shape}")
    x = network.computed(node, 0)
    _convolve(network, node, options, x, weight, 0, x.shape[-1] // weight.shape[3] if weight.shape[3] else 1)


def _depthwise(network: Network, node: Node) -> None:
    options = node.options("DepthwiseConv2DOptions")
    weight = network.content(node, 1)
    if weight.ndim != 4 or weight.shape[0] != 1:
        raise ValueError(f"its weights are {weight.shape}")
    x = network.computed(node, 0)
    _convolve(network, node, options, x, weight.transpose(3, 1, 2, 0), 3, x.shape[-1])


def _convolve(
    network: Network, node: Node, options: Any, x: Value, weight: Array, channel_axis: int, groups: int
) -> None:
    """A convolution with weights (out, height, width, in / groups); in the file, scales lie along `channel_axis`."""
    if len(x.shape) != 3:
        raise node.unsupported(f"It takes images of three dimensions and a batch, not {len(x.shape)}")
    outputs, *kernel, depth = weight.shape
    if depth * groups != x.shape[2] or outputs % groups:
        raise ValueError(f"its weights {weight.shape} do not suit {x.shape[2]} channels")
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    sizes, padding = _windows(options.Padding(), x.shape[:2], kernel, stride, dilation)
    weights = _weights(network, node, x, weight, channel_axis)
    network.emit(
        "conv2d",
        node,
        (x.name, *weights),
        (*sizes, outputs),
        stride=stride,
        dilation=dilation,
        padding=padding,
        groups=groups,
        activation=activation_of(node, options),
    )


def _dense(network: Network, node: Node) -> None:
    options = node.options("FullyConnectedOptions")
    x, weight = network.computed(node, 0), network.content(node, 1)
    if weight.ndim != 2 or options.WeightsFormat() != 0:
        raise node.unsupported("It takes plain weights of two dimensions")
    if x.count != weight.shape[1]:
        raise node.unsupported("It takes one row of as many numbers as the weights have columns")
    if len(x.shape) != 1:
        x = network.values[network.step("reshape", node, (x.name,), replace(x, shape=(x.count,)))]
    weights, outputs = _weights(network, node, x, weight, 0), weight.shape[0]
    activation = activation_of(node, options)
    y = network.file.tensor(node.outputs[0]).example
    if len(y) == 1:
        network.emit("dense", node, (x.name, *weights), (outputs,), activation=activation)
        return
    form = replace(network.form(node), shape=(outputs,))
    flat = network.step("dense", node, (x.name, *weights), form, activation=activation)
    network.emit("reshape", node, (flat,), same_count(y, outputs))


def _weights(network: Network, node: Node, x: Value, weight: Array, channel_axis: int) -> tuple[str, str]:
    """The names of weights and bias of a layer; the bias is "" where it is left out.

    Floats take weights of floats: int8 weights beside them become the numbers that they stand for.
    """
    bias = network.content(node, 2).ravel() if node.given(2) >= 0 else None
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"it has {bias.size} biases for {weight.shape[0]} outputs")
    types = (x.dtype, str(weight.dtype), "" if bias is None else str(bias.dtype))
    if types[:2] == ("float32", "float16"):
        weight = weight.astype(np.float32)
    elif types[:2] == ("float32", "int8"):
        steps = np.asarray(_channel_scales(network, node, channel_axis, weight.shape[0]).scales, np.float32)
        weight = weight * steps.reshape(-1, *[1] * (weight.ndim - 1))
        network.hybrid = True
    elif types[:2] not in (("float32", "float32"), ("int8", "int8")):
        what_can = "It takes layers that are float32, or int8 throughout: quantise activations too, or nothing"
        raise node.unsupported(f"{what_can}; these are {types[0]} with weights of {types[1]}")
    data = np.ascontiguousarray(weight)
    scales = None if x.dtype == "float32" else _channel_scales(network, node, channel_axis, weight.shape[0])
    made = network.constant(Value("", str(data.dtype), data.shape, scales, data), "weight")
    if bias is None:
        return made.name, ""
    if types[2] != ("float32" if x.dtype == "float32" else "int32"):
        raise node.unsupported(f"It takes biases of float32 or int32, not {types[2]}")
    given = network.tensor(node, 2).quantization if x.dtype == "int8" else None
    return made.name, network.constant(Value("", types[2], bias.shape, given, np.ascontiguousarray(bias)), "bias").name


def _channel_scales(network: Network, node: Node, channel_axis: int, outputs: int) -> Quantization:
    found = network.tensor(node, 1).quantization
    if found is None or any(found.zero_points):
        raise node.unsupported("It takes weights with scales, and zero points of 0")
    if len(found.scales) == 1:
        return Quantization(found.scales, (0,))
    if len(found.scales) != outputs or found.axis != channel_axis:
        raise ValueError(f"it has {len(found.scales)} scales along axis {found.axis} for {outputs} outputs")
    return Quantization(found.scales, found.zero_points, 0)


def _windows(
    padding: int, given: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, int, int, int]]:
    """Height and width of the output, and the padding (top, left, bottom, right).

    SAME gives ceil(size / stride) outputs; of an odd padding the larger half comes after.
    """
    if not 0 < min(*kernel, *stride, *dilation) <= max(*kernel, *stride, *dilation) <= MOST_STEP:
        raise ValueError(f"its windows are {kernel} with steps of {stride} and {dilation}")
    sizes, before, after = [], [], []
    for size, places, step, apart in zip(given, kernel, stride, dilation, strict=True):
        extent = (places - 1) * apart + 1
        count = -(-size // step) if padding == SAME else (size - extent) // step + 1
        total = max(0, (count - 1) * step + extent - size)
        sizes.append(count)
        before.append(total // 2)
        after.append(total - total // 2)
    if min(sizes) < 1:
        raise ValueError("its windows are larger than its input")
    return tuple(sizes), (before[0], before[1], after[0], after[1])


def activation_of(node: Node, options: Any) -> str:
    """The activation that is fused into a node."""
    found = ACTIVATIONS.get(options.FusedActivationFunction())
    if found is None:
        raise node.unsupported(f"Its fused activations are {', '.join(ACTIVATIONS.values())}")
    return found


def _pool(network: Network, node: Node) -> None:
    options, x = node.options("Pool2DOptions"), network.computed(node, 0)
    if len(x.shape) != 3:
        raise node.unsupported(f"It takes images of three dimensions and a batch, not {len(x.shape)}")
    kernel = (options.FilterHeight(), options.FilterWidth())
    stride = (options.StrideH(), options.StrideW())
    sizes, padding = _windows(options.Padding(), x.shape[:2], kernel, stride, (1, 1))
    network.same_scale(node, x)
    kind = {"MAX_POOL_2D": "max_pool2d", "AVERAGE_POOL_2D": "average_pool2d"}[node.op]
    attributes = {"kernel": kernel, "stride": stride, "padding": padding, "activation": activation_of(node, options)}
    network.emit(kind, node, (x.name,), (*sizes, x.shape[2]), **attributes)


LAYERS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _pool),
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
}
