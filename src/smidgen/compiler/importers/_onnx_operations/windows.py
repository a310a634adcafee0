"""Convolutions, pooling and resizing: operations on images and, as images of one row, on sequences."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._onnx_graph import LARGEST_VALUE, Constant, Network, Node, Tensor, image
from smidgen.compiler.resizing import positions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array


def _image(tensor: Tensor) -> Tensor:
    """A sequence (1, c, n) as an image of one row; an image as it is."""
    return Tensor(tensor.value, tensor.places[:, :, np.newaxis]) if tensor.places.ndim == 3 else tensor


def _put(network: Network, node: Node, name: str) -> None:
    """The first output, an image or, where the first input was one, a sequence."""
    places = image(network.values[name].shape)
    sequence = network.tensor(node.inputs[0]).places.ndim == 3
    network.put(node, Tensor(name, places[:, :, 0] if sequence else places))


def _pair(node: Node, name: str) -> tuple[int, int]:
    """A positive attribute for height and width; of a sequence, for its length."""
    given = node.get(name, (1, 1))
    first, second = given if len(given) == 2 else (1, *given)
    if not 0 < min(first, second) <= max(first, second) <= LARGEST_VALUE:
        raise ValueError(f"{name} is {first} and {second}")
    return first, second


def _padding(node: Node, sizes: Sequence[int], extent: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    """(top, left, bottom, right)"""
    mode = node.get("auto_pad", b"NOTSET")
    if mode in (b"SAME_UPPER", b"SAME_LOWER"):
        along = zip(sizes, extent, stride, strict=True)
        missing = [max(0, (-(-size // step) - 1) * step + wide - size) for size, wide, step in along]
        less, more = [gap // 2 for gap in missing], [gap - gap // 2 for gap in missing]
        return (*less, *more) if mode == b"SAME_UPPER" else (*more, *less)
    pads = tuple(node.get("pads", (0, 0, 0, 0))) if mode == b"NOTSET" else (0, 0, 0, 0)
    if len(pads) == 2:
        pads = (0, pads[0], 0, pads[1])
    if len(pads) != 4 or min(pads) < 0:
        raise ValueError(f"pads are {pads}")
    return pads


def _window(node: Node, shape: Sequence[int], kernel: Sequence[int]) -> tuple[dict[str, Any], tuple[int, int]]:
    """The attributes of a window that moves over an image (1, c, h, w), and the height and width that it gives."""
    stride, dilation = _pair(node, "strides"), _pair(node, "dilations")
    _, channels, *sizes = shape
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
    x, weight = _image(network.real(node.inputs[0])), network.constant(node.inputs[1])
    if weight.data.ndim == 3:
        weight = weight.mapped(lambda part: part[:, :, np.newaxis])
    source = network.last(x, node)
    outputs, per_group, *kernel = weight.data.shape
    groups = node.get("group", 1)
    if groups < 1 or outputs % groups or per_group * groups != x.places.shape[1]:
        raise ValueError(f"weights {weight.data.shape} in {groups} groups do not suit {x.places.shape[1]} channels")
    window, sides = _window(node, x.places.shape, kernel)
    weights = network.weigh(weight.transposed((0, 2, 3, 1)), "weight")
    inputs = (source, weights, network.bias(node, outputs))
    shape = (*sides, outputs)
    _put(network, node, network.emit("conv2d", node, inputs, shape, **window, groups=groups, activation="none"))


def _conv_transpose(network: Network, node: Node) -> None:
    """A convolution with the kernel turned round over the input with zeros between its elements."""
    x, weight = _image(network.real(node.inputs[0])), network.constant(node.inputs[1])
    if weight.data.ndim == 3:
        weight = weight.mapped(lambda part: part[:, :, np.newaxis])
    inputs, outputs, *kernel = weight.data.shape
    if node.get("group", 1) != 1 or _pair(node, "dilations") != (1, 1) or node.get("output_shape", None):
        raise node.unsupported("It takes one group, no dilation and no output_shape")
    stride, sides = _pair(node, "strides"), x.places.shape[2:]
    pads, extra = _padding(node, sides, kernel, stride), node.get("output_padding", (0, 0))
    extra = extra if len(extra) == 2 else (0, *extra)
    if node.get("auto_pad", b"NOTSET") != b"NOTSET" or inputs != x.places.shape[1] or min(extra) < 0:
        raise node.unsupported("It takes explicit pads")
    before = [kernel[i] - 1 - pads[i] for i in range(2)]
    after = [kernel[i] - 1 - pads[i + 2] + extra[i] for i in range(2)]
    if min(*before, *after) < 0:
        raise node.unsupported("It takes pads smaller than the kernel")
    spread = [(side - 1) * step + 1 for side, step in zip(sides, stride, strict=True)]
    source = network.last(x, node)
    if stride != (1, 1):
        source = network.emit("spread", node, (source,), (*spread, inputs), stride=stride)
    turned = weight.mapped(lambda part: part[:, :, ::-1, ::-1] if part.size > 1 else part).transposed((1, 2, 3, 0))
    shape = [
        size + less + more - wide + 1 for size, less, more, wide in zip(spread, before, after, kernel, strict=True)
    ]
    if math.prod(shape) * outputs > LARGEST_VALUE:
        raise ValueError(f"it gives an image of {shape}")
    attributes = {"stride": (1, 1), "dilation": (1, 1), "padding": (*before, *after), "groups": 1, "activation": "none"}
    given = (source, network.weigh(turned, "weight"), network.bias(node, outputs))
    _put(network, node, network.emit("conv2d", node, given, (*shape, outputs), **attributes))


def _stft(network: Network, node: Node) -> None:
    """Short-time Fourier transform of a real signal (1, n) or (1, n, 1): a convolution with windowed sines.

    It gives (1, frames, frequencies, 2); https://onnx.ai/onnx/operators/onnx__STFT.html.
    """
    x = network.real(node.inputs[0])
    (step,), length = network.numbers(node, 1, "frame_step") or [0], network.numbers(node, 3, "frame_length")
    window = network.constant(node.given(2)).data.ravel() if node.given(2) else None
    size = length[0] if length else len(window) if window is not None else 0
    if not 0 < step <= LARGEST_VALUE or not 0 < size <= min(2**14, x.places.size) or len(x.places) != 1:
        raise ValueError(f"it has frames of {size} every {step}")
    window = np.ones(size, np.float32) if window is None else window
    if len(window) != size:
        raise ValueError(f"it has frames of {size} and a window of {len(window)}")
    bins = size // 2 + 1 if node.get("onesided", 1) else size
    network.spend(bins * size * 4)
    angle = 2 * np.pi * (np.arange(bins)[:, None] * np.arange(size) % size) / size
    waves = np.stack([np.cos(angle), -np.sin(angle)], 1).reshape(2 * bins, 1, size, 1) * window[:, np.newaxis]
    source = network.shaped(x, network.axes(x), (1, x.places.size, 1))
    frames = (x.places.size - size) // step + 1
    attributes = {"stride": (1, step), "dilation": (1, 1), "padding": (0,) * 4, "groups": 1, "activation": "none"}
    given = (source, network.weigh(Constant(waves), "waves"), "")
    note = {"window": network.weigh(Constant(window), "window")} if node.get("onesided", 1) else {}  # for the passes
    name = network.emit("conv2d", node, given, (1, frames, 2 * bins), **attributes, **note)
    network.put(node, Tensor(name, network.straight(name).reshape(1, frames, bins, 2)))


def _pool(network: Network, node: Node) -> None:
    x = _image(network.tensor(node.inputs[0]))
    kernel = _pair(node, "kernel_shape")
    source = network.last(x, node)
    window, sides = _window(node, x.places.shape, kernel)
    if window.pop("dilation") != (1, 1) or any(node.outputs[1:]):
        raise node.unsupported("It takes windows without dilation and gives no indices")
    if any(pad >= size for pad, size in zip(window["padding"], kernel * 2, strict=True)):
        raise ValueError("its windows can lie outside of the image")
    average = node.op == "AveragePool"
    if average and node.get("count_include_pad", 0) and any(window["padding"]):
        raise node.unsupported("Export it with count_include_pad off")
    kind = "average_pool2d" if average else "max_pool2d"
    shape = (*sides, x.places.shape[1])
    name = network.emit(kind, node, (source,), shape, kernel=kernel, **window, activation="none")
    if not average:
        network.values[name] = replace(network.values[source], name=name, shape=shape)
    _put(network, node, name)


# Resizing

MODES: tuple[dict[str, bool], ...] = (
    {"align_corners": False, "half_pixel": True},
    {"align_corners": False, "half_pixel": False},
    {"align_corners": True, "half_pixel": False},
)
ROUNDINGS: dict[bytes, Callable[[Array], Array]] = {
    b"round_prefer_floor": lambda x: np.ceil(x - 0.5),
    b"round_prefer_ceil": lambda x: np.floor(x + 0.5),
    b"floor": np.floor,
    b"ceil": np.ceil,
}


def _resize(network: Network, node: Node) -> None:
    x = _image(network.real(node.inputs[0]))
    source = network.last(x, node)
    given = network.tensor(node.inputs[0]).places.shape
    sizes = _sizes(network, node, given)
    mode = {b"nearest": "nearest", b"linear": "bilinear"}.get(node.get("mode", b"nearest"))
    if mode is None or sizes[:2] != [*given[:2]] or node.get("antialias", 0) or node.get("axes", None):
        raise node.unsupported("It resizes height and width, to the nearest or linearly, without antialias")
    height, width = sizes[2:] if len(given) == 4 else (1, sizes[2])
    if not 0 < height * width * given[1] <= LARGEST_VALUE:
        raise ValueError(f"it resizes to {sizes}")
    wanted = [_sampled(network, node, axis, given[axis], sizes[axis]) for axis in range(2, len(given))]
    pairs = [*zip(given, sizes, strict=True)][2:]
    for form in MODES:
        places = [positions(before, after, mode, **form) for before, after in pairs]
        if all(np.allclose(one, other, atol=1e-4) for one, other in zip(places, wanted, strict=True)):
            name = network.emit("resize", node, (source,), (height, width, given[1]), mode=mode, **form)
            return _put(network, node, name)
    raise node.unsupported("It takes half_pixel, asymmetric or align_corners, with the rounding that torch has")


def _sizes(network: Network, node: Node, shape: Sequence[int]) -> list[int]:
    sizes = network.numbers(node, 3, "sizes")
    if sizes:
        return sizes
    scales = network.constant(node.given(2)).data.ravel()
    return [math.floor(size * float(scale)) for size, scale in zip(shape, scales, strict=True)]


def _sampled(network: Network, node: Node, axis: int, before: int, after: int) -> Array:
    """Where ONNX reads along an axis: https://onnx.ai/onnx/operators/onnx__Resize.html."""
    scales = network.constant(node.given(2)).data.ravel() if node.given(2) else np.zeros(0)
    scale = float(scales[axis]) if scales.size else after / before
    at: Array = np.arange(after)
    x: Array
    form = node.get("coordinate_transformation_mode", b"half_pixel")
    if form == b"pytorch_half_pixel" and after == 1:
        x = np.zeros(1)
    elif form in (b"half_pixel", b"pytorch_half_pixel"):
        x = (at + 0.5) / scale - 0.5
    elif form == b"asymmetric":
        x = at / scale
    elif form == b"align_corners":
        x = at * (before - 1) / max(1, after - 1)
    else:
        raise node.unsupported("It takes half_pixel, asymmetric or align_corners")
    if node.get("mode", b"nearest") == b"nearest":
        x = ROUNDINGS[node.get("nearest_mode", b"round_prefer_floor")](np.round(x, 5))
    return np.clip(x, 0, before - 1)


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Resize": _resize,
    "STFT": _stft,
}
