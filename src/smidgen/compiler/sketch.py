"""The program of an untrained network in a few milliseconds: what it will cost is read off it, before any training.

The module is run once on tensors that have a shape and one single number, and the functions that it calls are written
down instead of being computed. Weights have their shapes and bits, but made up values and scales. So flash and RAM are
those of the network that ships, its answers are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from smidgen.compiler import _sketch_recurrent, _sketch_rows, _sketch_text
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.errors import Unsupported
from smidgen.types import Array

BITS = (8, 4, 2, 32)
ZERO = np.zeros(1, np.int8)
RAW = ("uint8", "int8", "int16")
FUSED = ("relu", "relu6", "leaky_relu")
SCALE = 2.0**-4  # of activations and, squared, of weights: any will do


def sketch(network: nn.Module, raw: Tensor, bits: int = 8) -> Program:
    """The program that a network becomes.

    Args:
        network: trained or not; it is left as it was.
        raw: an example input, (batch, ...); only its shape and type matter.
        bits: of the weights, one of BITS. With 32 activations are floats too, else 8-bit codes.

    Raises:
        Unsupported: the network calls a function that has no kind of operation here; the message names it.
    """
    notes = _Notes(bits)
    was_training = network.training
    network.eval()
    hooks = [hook for module in network.modules() if getattr(module, "floats", False) for hook in notes.watch(module)]
    try:
        with torch.no_grad():
            source = notes.enter(raw)
            with notes:
                result = network(source)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return notes.program(result)


class _Notes(TorchFunctionMode):
    """Writes down the functions that are called on tensors: for each tensor the value that it stands for.

    A tensor here has the axes of torch, (1, channels, height, width); its value has no batch and the channels last.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits
        self.values: dict[str, Value] = {}
        self.operations: list[Operation] = []
        self.names: dict[int, str] = {}
        self.kept: list[Tensor] = []  # alive, so that no two have the same id

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if function.__name__ in FUNCTIONS:
            return FUNCTIONS[function.__name__](self, *args, **given)
        result = function(*args, **given)
        if isinstance(result, Tensor) and any(id(arg) in self.names for arg in args):
            can = f"It knows {', '.join(sorted(FUNCTIONS))}"
            raise Unsupported(f"the function {function.__name__}", "The price before training", can)
        return result

    def watch(self, module: nn.Module) -> list[RemovableHandle]:
        """See to it that a module that says `floats = True` is noted in floats."""
        before: list[int] = []

        def enter(*_: Any) -> None:
            before.append(self.bits)
            self.bits = 32

        def leave(*_: Any) -> None:
            self.bits = before.pop()

        return [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]

    def enter(self, raw: Tensor) -> Tensor:
        """The input, as the sensor gives it: channels last already."""
        tensor = torch.zeros(1, dtype=raw.dtype).expand(1, *raw.shape[1:])
        dtype = str(raw.dtype).removeprefix("torch.")
        self.record(tensor, Value("input", dtype, tuple(raw.shape[1:]), self._codes() if dtype in RAW else None))
        return tensor

    def program(self, result: Tensor) -> Program:
        return Program(self.values, self.operations, ("input",), (self.names[id(result)],), "onnx")

    def value(self, tensor: Tensor) -> Value:
        return self.values[self.names[id(tensor)]]

    def alias(self, source: Tensor, shape: tuple[int, ...] | None = None) -> Tensor:
        """Another tensor for the same value."""
        tensor = torch.zeros(1).expand(*(source.shape if shape is None else shape))
        self.kept.append(tensor)
        self.names[id(tensor)] = self.names[id(source)]
        return tensor

    def add(self, kind: str, inputs: list[str], shape: tuple[int, ...], **attributes: Any) -> Tensor:
        """A further operation; `shape` is that of torch."""
        inputs = [self.suiting(name) for name in inputs]
        name = f"{kind}_{len(self.operations)}"
        inside = (*shape[2:], shape[1]) if len(shape) == 4 else shape[1:]
        quantization = None if self.bits == 32 else self._codes()
        tensor = torch.zeros(1).expand(*shape)
        self.record(tensor, Value(name, "float32" if self.bits == 32 else "uint8", inside, quantization))
        self.operations.append(Operation(kind, name, tuple(inputs), (name,), attributes))
        return tensor

    def suiting(self, name: str) -> str:
        """A value as what reads it wants it: as codes, or as floats."""
        value, codes = self.values[name] if name else None, self.bits < 32
        if value is None or value.data is not None or value.dtype not in (("float32",) if codes else RAW):
            return name
        made = f"{name}_{'codes' if codes else 'real'}"
        if made not in self.values:
            dtype, quantization = ("uint8", self._codes()) if codes else ("float32", None)
            self.values[made] = Value(made, dtype, value.shape, quantization)
            self.operations.append(Operation("quantize" if codes else "dequantize", made, (name,), (made,)))
        return made

    def constant(self, tensor: Tensor, rank: int) -> str:
        """A weight or buffer that meets a value of `rank` axes, batch included; laid out as that value is."""
        name, shape = f"constant_{len(self.values)}", tuple(tensor.shape)
        inside = (*shape[-2:], shape[-3]) if len(shape) == 4 else shape[max(0, len(shape) - rank + 1) :]
        real = self.bits == 32
        dtype, data = ("float32", np.broadcast_to(ZERO, inside)) if real else ("int8", _codes(inside, 8))
        self.values[name] = Value(name, dtype, inside, None if real else self._codes(), data)
        return name

    def layer(self, kind: str, x: Tensor, weight: Tensor, shape: tuple[int, ...], **attributes: Any) -> Tensor:
        """A convolution or dense layer, without biases."""
        count, *rest = weight.shape
        inside = (count, *rest[1:], rest[0]) if len(rest) == 3 else (count, *rest)
        name = f"weight_{len(self.operations)}"
        scales = Quantization((SCALE**2,) * count, (0,) * count, 0)
        whole = self.bits == 32
        dtype, data = ("float32", np.broadcast_to(ZERO, inside)) if whole else ("int8", _codes(inside, self.bits))
        self.values[name] = Value(name, dtype, inside, None if whole else scales, data)
        names = [self.names[id(x)], name, ""]
        return self.add(kind, names, shape, activation="none", **attributes)

    def biased(self, x: Tensor) -> Tensor:
        """Biases for the layer that gives x: its own, or what normalisation becomes."""
        last = self.operations[-1]
        source, weight, bias = last.inputs
        if last.outputs[0] == self.names[id(x)] and not bias:
            bias, count = f"{weight}_bias", self.values[weight].shape[0]
            dtype = "float32" if self.bits == 32 else "int32"
            self.values[bias] = Value(bias, dtype, (count,), None, np.broadcast_to(ZERO, (count,)))
            self.operations[-1] = replace(last, inputs=(source, weight, bias))
        return x

    def activate(self, x: Tensor, kind: str, **attributes: Any) -> Tensor:
        """Becomes part of the layer before, where that can take it and nothing else reads what it gives."""
        last = self.operations[-1] if self.operations else None
        open_to_it = last and last.outputs[0] == self.names[id(x)] and last.attributes.get("activation") == "none"
        if last and open_to_it and kind in FUSED:
            fused = {**last.attributes, "activation": kind, **attributes}
            self.operations[-1] = Operation(last.kind, last.name, last.inputs, last.outputs, fused)
            return self.alias(x)
        return self.add(kind, [self.names[id(x)]], tuple(x.shape), **attributes)

    def _codes(self) -> Quantization:
        return Quantization((SCALE,), (0,))

    def record(self, tensor: Tensor, value: Value) -> None:
        """A tensor stands for a value."""
        self.kept.append(tensor)
        self.values[value.name] = value
        self.names[id(tensor)] = value.name


@cache
def _numbers(bits: int) -> Array:
    """Codes of so many bits, each as often as any other: symmetric about 0, as those of weights are."""
    most = 2 ** (bits - 1) - 1
    return np.resize(np.arange(-most, most + 1, dtype=np.int8), 2**20)


def _codes(shape: tuple[int, ...], bits: int) -> Array:
    count = prod(shape)
    known = _numbers(bits)
    return (known[:count] if count <= len(known) else np.resize(known, count)).reshape(shape)


def _pair(value: int | tuple[int, int] | list[int] | None, default: int = 1) -> tuple[int, int]:
    if value is None or value == []:
        return default, default
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _sides(
    x: Tensor, kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int], step: tuple[int, int]
) -> list[int]:
    sizes = zip(x.shape[2:], kernel, stride, pad, step, strict=True)
    return [(size + 2 * around - by * (width - 1) - 1) // down + 1 for size, width, down, around, by in sizes]


def _conv2d(
    notes: _Notes,
    x: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    kernel = (weight.shape[2], weight.shape[3])
    down, by = _pair(stride), _pair(dilation)
    around = (by[0] * (kernel[0] - 1) // 2, by[1] * (kernel[1] - 1) // 2) if padding == "same" else _pair(padding)
    shape = (1, weight.shape[0], *_sides(x, kernel, down, around, by))
    y = notes.layer("conv2d", x, weight, shape, stride=down, dilation=by, padding=around * 2, groups=groups)
    return y if bias is None else notes.biased(y)


def _linear(notes: _Notes, x: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
    y = notes.layer("dense", x, weight, (*x.shape[:-1], weight.shape[0]))
    return y if bias is None else notes.biased(y)


def _pool(kind: str) -> Callable[..., Tensor]:
    def pool(
        notes: _Notes, x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, *_: Any, **__: Any
    ) -> Tensor:
        kernel, around = _pair(kernel_size), _pair(padding)
        down = kernel if stride is None or stride == [] else _pair(stride)
        shape = (1, x.shape[1], *_sides(x, kernel, down, around, (1, 1)))
        windows = {"kernel": kernel, "stride": down, "padding": around * 2, "activation": "none"}
        return notes.add(kind, [notes.names[id(x)]], shape, **windows)

    return pool


def _mean(notes: _Notes, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Of maps over all places; of rows, as one number."""
    if x.ndim == 2:
        return notes.add("mean", [notes.names[id(x)]], (1, 1), axes=(0,), activation="none")
    flat = notes.add("mean", [notes.names[id(x)]], (1, x.shape[1]), axes=(0, 1), activation="none")
    return notes.alias(flat, (1, x.shape[1], 1, 1))


def _square(notes: _Notes, x: Tensor) -> Tensor:
    name = notes.names[id(x)]
    return notes.add("mul", [name, name], tuple(x.shape), activation="none")


def _flatten(notes: _Notes, x: Tensor, *_: Any, **__: Any) -> Tensor:
    shape = (1, x.numel())
    if len(notes.value(x).shape) == 1:
        return notes.alias(x, shape)
    return notes.add("reshape", [notes.names[id(x)]], shape)


def _reshape(notes: _Notes, x: Tensor, *shape: Any) -> Tensor:
    wanted = shape[0] if len(shape) == 1 else shape
    if len(wanted) != 4:
        return _flatten(notes, x)
    return notes.add("reshape", [notes.names[id(x)]], (1, *map(int, wanted[1:])))


def _slice(notes: _Notes, x: Tensor, where: Any) -> Tensor:
    """Part of a row, or of a sequence in the order of its raw input."""
    given = where if isinstance(where, tuple) else (where,)
    if x.ndim == 4 or not all(isinstance(one, slice) for one in given):
        raise Unsupported("an index that is no range", "The price before training", "It knows ranges of rows")
    ranges = [range(*one.indices(side)) for one, side in zip(given[1:], x.shape[1:], strict=False)]
    ranges += [range(side) for side in x.shape[1 + len(ranges) :]]
    form = {"begin": tuple(one.start for one in ranges), "size": tuple(map(len, ranges))}
    steps = tuple(one.step for one in ranges)
    return notes.add("slice", [notes.names[id(x)]], (1, *form["size"]), **form, stride=steps)


def _binary(kind: str) -> Callable[..., Tensor]:
    def binary(notes: _Notes, a: Any, b: Any, **_: Any) -> Tensor:
        known = [side for side in (a, b) if id(side) in notes.names]
        if len(known) == 1 and not (notes.bits == 32 and isinstance(a, Tensor) and isinstance(b, Tensor)):
            return notes.alias(known[0])  # the scaling of raw input is part of its quantisation
        shape = np.broadcast_shapes(tuple(a.shape), tuple(b.shape))
        names = [notes.names.get(id(one)) or notes.constant(one, len(shape)) for one in (a, b)]
        return notes.add(kind, names, shape, activation="none")

    return binary


def _unary(kind: str) -> Callable[..., Tensor]:
    return lambda notes, x, *_, **__: notes.activate(x, kind)


def _leaky(notes: _Notes, x: Tensor, negative_slope: float = 0.01, *_: Any, **__: Any) -> Tensor:
    return notes.activate(x, "leaky_relu", slope=negative_slope)


def _same(notes: _Notes, x: Tensor, *_: Any, **__: Any) -> Tensor:
    return notes.alias(x)


def _log_mel(notes: _Notes, x: Tensor, size: int, step: int, edges: Any, *_: Any) -> Tensor:
    """The front end of sound: floats from the samples themselves; only its map is rounded."""
    bits, notes.bits = notes.bits, 32
    bands, frames = len(edges) - 2, (x.shape[1] - size) // step + 1
    places = np.arange(size // 2 + 1)
    weight = np.greater.outer(places, edges[:-2]) & np.less.outer(places, edges[2:])
    constants = {"window": np.hanning(size + 1)[:-1], "filters": weight.T, "number": np.ones(1)}
    for name, data in constants.items():
        notes.values[name] = Value(name, "float32", data.shape, None, data.astype(np.float32))
    y = notes.add("band_powers", [], (1, frames, bands), step=step)
    notes.operations[-1] = replace(notes.operations[-1], inputs=(notes.names[id(x)], "window", "filters"))
    for kind in ("add", "log", "sub", "mul"):
        other = {} if kind == "log" else {"activation": "none"}
        y = notes.add(kind, [notes.names[id(y)], *(["number"] if other else [])], (1, frames, bands), **other)
    notes.bits = bits
    y = notes.add("transpose", [notes.names[id(y)]], (1, bands, frames), order=(1, 0))
    return notes.add("reshape", [notes.names[id(y)]], (1, 1, bands, frames))


def _scatter(notes: _Notes, x: Tensor, _: int, index: Tensor, source: Tensor) -> Tensor:
    inputs = [notes.names[id(index)], notes.constant(source, 2)]
    return notes.add("scatter", inputs, (1, *x.shape[1:]))


def _narrow(notes: _Notes, x: Tensor, _: int, start: int, length: int) -> Tensor:
    form = {"begin": (start,), "size": (length,), "stride": (1,)}
    return notes.add("slice", [notes.names[id(x)]], (1, length), **form)


def _permute(notes: _Notes, x: Tensor, *order: Any) -> Tensor:
    axes = order[0] if len(order) == 1 else order
    return notes.alias(x, tuple(x.shape[axis] for axis in axes))


def _softmax(notes: _Notes, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Probabilities are floats, in every program, and so are the sums of the layer before."""
    bits, notes.bits = notes.bits, 32
    value = notes.value(x)
    notes.values[value.name] = replace(value, dtype="float32", quantization=None)
    result = notes.add("softmax", [value.name], tuple(x.shape))
    notes.bits = bits
    return result


FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "max_pool2d": _pool("max_pool2d"),
    "boolean_dispatch": _pool("max_pool2d"),
    "avg_pool2d": _pool("average_pool2d"),
    "adaptive_avg_pool2d": _mean,
    "mean": _mean,
    "batch_norm": lambda notes, x, *_, **__: notes.biased(x),
    "square": _square,
    "__getitem__": _slice,
    "flatten": _flatten,
    "reshape": _reshape,
    "narrow": _narrow,
    "scatter": _scatter,
    "div": _binary("div"),
    "sqrt": _unary("sqrt"),
    "permute": _permute,
    "softmax": _softmax,
    **{name: _binary(name.strip("_")) for name in ("add", "sub", "mul", "__add__", "__sub__", "__mul__")},
    **{name: _unary(name) for name in ("abs", "relu", "relu6", "sigmoid", "tanh", "gelu")},
    "hardswish": _unary("hard_swish"),
    "hardtanh": _unary("relu6"),
    "leaky_relu": _leaky,
    "log_mel": _log_mel,
    **_sketch_recurrent.FUNCTIONS,
    **_sketch_text.FUNCTIONS,
    **_sketch_rows.FUNCTIONS,
    **dict.fromkeys(("dropout", "to", "float", "long", "contiguous"), _same),
}
"""What each function of torch becomes; the scaling of raw input and normalisation become part of what they follow."""
