"""What a program computes, in numpy: the definition that every compiled form is checked against.

Integer operations follow `compiler.arithmetic` to the bit; float operations are float32, in numpy's order of summation.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.arithmetic import UNARY, bounds, limits, multiplier, requantize
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.errors import Unsupported, UsageError
from smidgen.types import Array, Arrays


def run(program: Program, inputs: Arrays) -> dict[str, Array]:
    """One batch through a program: the outputs by name, each (batch, ...).

    Args:
        program: of rounding "onnx".
        inputs: by name, in the types of the program's inputs, (batch, ...).

    Raises:
        UsageError: inputs that do not suit the program.
        Unsupported: another rounding, or an operation that is not known.
    """
    found = trace(program, inputs)
    return {name: found[name] for name in program.outputs}


def trace(program: Program, inputs: Arrays) -> dict[str, Array]:
    """The same, with every value that is computed on the way: which layer differs, and what does it hold?"""
    if program.rounding != "onnx":
        raise Unsupported(f"rounding {program.rounding!r}", "The reference executor", "It follows the rounding of onnx")
    _suit(program, inputs)
    arrays: dict[str, Array] = {name: np.asarray(inputs[name]) for name in program.inputs}
    for operation in program.operations:
        if operation.kind not in KINDS:
            raise Unsupported(f"{operation.kind} {operation.name!r}", "The reference executor", f"It knows {[*KINDS]}")
        given, (y, *_) = program.of(operation)
        known = [None if value is None else arrays.get(value.name, value.data) for value in given]
        result = KINDS[operation.kind](_Step(operation, given, y), *known)
        arrays[y.name] = np.asarray(result).astype(y.dtype, copy=False)
    return arrays


def _suit(program: Program, inputs: Arrays) -> None:
    if inputs.keys() != set(program.inputs):
        raise UsageError(f"The program takes the inputs {sorted(program.inputs)}, not {sorted(inputs)}")
    for name, array in inputs.items():
        value = program.values[name]
        if str(array.dtype) != value.dtype or array.shape[1:] != value.shape:
            raise UsageError(
                f"Input {name!r} is {value.dtype} of shape (batch, {', '.join(map(str, value.shape))}), "
                f"not {array.dtype} of shape {array.shape}"
            )


class _Step:
    """An operation with its values at hand. Arrays have the batch first; constants have none."""

    def __init__(self, operation: Operation, given: list[Value | None], y: Value) -> None:
        self.kind, self.attributes = operation.kind, operation.attributes
        self.given, self.y = given, y
        self.integer = y.quantization is not None

    def value(self, position: int) -> Value:
        value = self.given[position]
        if value is None:
            raise ValueError(f"{self.kind} lacks input {position}")
        return value

    def scaling(self, position: int) -> Quantization:
        """The quantisation of an input."""
        quantization = self.value(position).quantization
        if quantization is None:
            raise ValueError(f"{self.value(position).name} is not quantised")
        return quantization

    @property
    def target(self) -> Quantization:
        """The quantisation of the output."""
        if self.y.quantization is None:
            raise ValueError(f"{self.y.name} is not quantised")
        return self.y.quantization

    def shifted(self, position: int, array: Array) -> Array:
        """Codes less their zero point, int64; floats as they are."""
        if self.value(position).quantization is None:
            return array
        return np.asarray(array.astype(np.int64) - self.scaling(position).zero_point)

    def clamped(self, rounded: Array) -> Array:
        """A rounded accumulator as codes of the output."""
        least, most = bounds(self.attributes.get("activation", "none"), self.y)
        return np.asarray(np.clip(rounded + self.target.zero_point, least, most))

    def activated(self, x: Array) -> Array:
        """The fused activation of a float operation."""
        kind = self.attributes.get("activation", "none")
        return x if kind == "none" else _function(kind, x, self.attributes)


def _function(kind: str, x: Array, attributes: Mapping[str, Any]) -> Array:
    simple: dict[str, Callable[[], Any]] = {
        "relu": lambda: np.maximum(x, 0),
        "relu6": lambda: np.clip(x, 0, 6),
        "leaky_relu": lambda: np.where(x < 0, x * np.float32(attributes["slope"]), x),
        "tanh": lambda: np.tanh(x),
    }
    if kind in simple:
        return np.asarray(simple[kind](), x.dtype)
    function = np.vectorize(lambda number: UNARY[kind](number, attributes), otypes=[np.float32])
    return np.asarray(function(x.astype(np.float64)))


def _layer(step: _Step, sums: Array) -> Array:
    """Sums of a convolution or dense layer, channels last, bias included: rounded to codes, or scaled to float32."""
    x, weight = step.value(0), step.value(1)
    if x.quantization is None:
        return step.activated(sums)
    if not step.integer:
        return step.activated(sums.astype(np.float32) * arithmetic.accumulator_scales(x, weight).astype(np.float32))
    rounded = requantize(sums, *arithmetic.channel_multipliers(x, weight, step.y))
    if step.attributes["activation"] == "leaky_relu":
        slope = step.attributes["slope"]
        below = requantize(sums, *arithmetic.channel_multipliers(x, weight, step.y, slope))
        rounded = np.where(sums < 0, below, rounded)
    return step.clamped(rounded)


def _product(windows: Array, weight: Array, bias: Array | None) -> Array:
    """windows (..., k) @ weight (out, k).T + bias: exact on integers, as 32-bit sums fit a float64."""
    if windows.dtype == np.float32:
        sums = windows @ weight.T
        return np.asarray(sums if bias is None else sums + bias)
    exact = np.rint(windows.astype(np.float64) @ weight.T.astype(np.float64)).astype(np.int64)
    return exact if bias is None else exact + bias


def _dense(step: _Step, x: Array, weight: Array, bias: Array | None) -> Array:
    return _layer(step, _product(step.shifted(0, x), weight, bias))


def _conv2d(step: _Step, x: Array, weight: Array, bias: Array | None) -> Array:
    groups, dilation = step.attributes["groups"], step.attributes["dilation"]
    outputs, *kernel, depth = weight.shape
    windows = _windows(step, step.shifted(0, x), tuple(kernel), dilation, 0)  # (n, y, x, kh, kw, c)
    sums = []
    for group in range(groups):
        ours = slice(group * outputs // groups, (group + 1) * outputs // groups)
        part = windows[..., group * depth : (group + 1) * depth]
        flat = part.reshape(*part.shape[:3], -1)
        sums.append(_product(flat, weight[ours].reshape(outputs // groups, -1), None if bias is None else bias[ours]))
    return _layer(step, np.concatenate(sums, axis=-1))


def _windows(step: _Step, x: Array, kernel: tuple[int, ...], dilation: tuple[int, int], filler: Any) -> Array:
    """What each place of the output sees: (batch, y, x, kernel y, kernel x, channels)."""
    top, left, bottom, right = step.attributes["padding"]
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=filler)
    extent = [(size - 1) * by + 1 for size, by in zip(kernel, dilation, strict=True)]
    down, across = step.attributes["stride"]
    seen = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    strided = seen[:, ::down, ::across, :, :: dilation[0], :: dilation[1]]
    return np.asarray(np.moveaxis(strided, 3, 5))


def _max_pool2d(step: _Step, x: Array) -> Array:
    least = -np.inf if x.dtype == np.float32 else limits(step.value(0))[0]
    windows = _windows(step, x, step.attributes["kernel"], (1, 1), least)
    most = np.asarray(windows.max(axis=(3, 4)))
    if not step.integer:
        return step.activated(most)
    return np.asarray(np.clip(most, *bounds(step.attributes.get("activation", "none"), step.y)))


def _average_pool2d(step: _Step, x: Array) -> Array:
    shifted = step.shifted(0, x)
    kernel = step.attributes["kernel"]
    sums = _windows(step, shifted, kernel, (1, 1), 0).sum(axis=(3, 4))
    inside = _windows(step, np.ones((1, *x.shape[1:3], 1), np.int64), kernel, (1, 1), 0).sum(axis=(3, 4))
    return _averaged(step, sums, inside)


def _mean(step: _Step, x: Array) -> Array:
    axes = tuple(axis + 1 for axis in step.attributes["axes"])
    sums = step.shifted(0, x).sum(axis=axes)
    return _averaged(step, sums, np.asarray(math.prod(x.shape[axis] for axis in axes)))


def _averaged(step: _Step, sums: Array, counts: Array) -> Array:
    if not step.integer:
        return step.activated(np.asarray(sums / counts.astype(np.float32)))
    ratio = step.scaling(0).scale / step.target.scale
    pairs = np.array([multiplier(ratio / int(count)) for count in counts.ravel()])
    scaled = (pairs[:, part].reshape(counts.shape) for part in range(2))
    return step.clamped(requantize(sums, *scaled))


def _aligned(step: _Step, *arrays: Array) -> list[Array]:
    """Operands that broadcast: the batch stands in front of as many axes as the output has."""
    rank = len(step.y.shape)
    shaped = []
    for position, array in enumerate(arrays):
        value = step.value(position)
        batch = () if value.data is not None else (len(array),)
        shaped.append(step.shifted(position, array).reshape((*batch, *[1] * (rank - len(value.shape)), *value.shape)))
    return shaped


def _add(step: _Step, a: Array, b: Array) -> Array:
    first, second = _aligned(step, a, b)
    sign = -1 if step.kind == "sub" else 1
    if not step.integer:
        return step.activated(first + sign * second)
    scales = [step.scaling(position).scale / step.target.scale for position in range(2)]
    (ma, mb), shift = arithmetic.common_multipliers(scales)
    total = first * ma + sign * second * mb
    rounded = arithmetic.rounded_shift(total, shift)
    if step.attributes["activation"] == "leaky_relu":
        below = requantize(total, *multiplier(step.attributes["slope"] / 2**shift))
        rounded = np.where(total < 0, below, rounded)
    return step.clamped(rounded)


def _mul(step: _Step, a: Array, b: Array) -> Array:
    first, second = _aligned(step, a, b)
    if not step.integer:
        return step.activated(first * second)
    scale = step.scaling(0).scale * step.scaling(1).scale / step.target.scale
    return step.clamped(requantize(first * second, *multiplier(scale)))


def _rescale(step: _Step, x: Array) -> Array:
    """relu, relu6 and requantize."""
    if not step.integer:
        return _function(step.kind, x, step.attributes)
    rounded = requantize(step.shifted(0, x), *multiplier(step.scaling(0).scale / step.target.scale))
    return np.asarray(np.clip(rounded + step.target.zero_point, *bounds(step.kind, step.y)))


def _unary(step: _Step, x: Array) -> Array:
    if not step.integer:
        return _function(step.kind, x, step.attributes)
    table = arithmetic.table(step.kind, step.value(0), step.y, step.attributes)
    return np.asarray(table[x.astype(np.int64) - limits(step.value(0))[0]])


def _softmax(_: _Step, x: Array) -> Array:
    exponents = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))


def _quantize(step: _Step, x: Array) -> Array:
    rounded = np.floor(x / np.float32(step.target.scale) + np.float32(0.5)).astype(np.float64)
    return np.clip(np.nan_to_num(rounded) + step.target.zero_point, *limits(step.y))


def _dequantize(step: _Step, x: Array) -> Array:
    return np.asarray(step.shifted(0, x).astype(np.float32) * np.float32(step.scaling(0).scale))


def _pad(step: _Step, x: Array) -> Array:
    zero = 0 if step.value(0).quantization is None else step.scaling(0).zero_point
    edges = [(0, 0), *zip(step.attributes["before"], step.attributes["after"], strict=True)]
    return np.pad(x, edges, constant_values=zero)


KINDS: dict[str, Callable[..., Array]] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "add": _add,
    "sub": _add,
    "mul": _mul,
    "max_pool2d": _max_pool2d,
    "average_pool2d": _average_pool2d,
    "mean": _mean,
    "reshape": lambda step, x: x.reshape(-1, *step.y.shape),
    "transpose": lambda step, x: x.transpose(0, *(axis + 1 for axis in step.attributes["order"])),
    "pad": _pad,
    "concat": lambda step, *parts: np.concatenate(parts, axis=step.attributes["axis"] + 1),
    **dict.fromkeys(("relu", "relu6", "requantize"), _rescale),
    **dict.fromkeys(UNARY, _unary),
    "softmax": _softmax,
    "quantize": _quantize,
    "dequantize": _dequantize,
}
