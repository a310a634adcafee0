"""What a program computes, in numpy: the definition that every compiled form is checked against.

Integer operations follow `compiler.arithmetic` or `compiler.litert` to the bit, as the program's rounding says; float
operations are float32, in numpy's order of summation.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from smidgen.compiler import _reference_litert, _reference_onnx, arithmetic
from smidgen.compiler._fixed_point import shares
from smidgen.compiler._reference_recurrent import KINDS as RECURRENT
from smidgen.compiler._reference_sequence import KINDS as SEQUENCE
from smidgen.compiler._reference_step import Rounding, Step
from smidgen.compiler.arithmetic import UNARY, bounds, limits
from smidgen.compiler.ir import Program
from smidgen.errors import Unsupported, UsageError
from smidgen.types import Array, Arrays


def run(program: Program, inputs: Arrays) -> dict[str, Array]:
    """One batch through a program: the outputs by name, each (batch, ...).

    Args:
        program: of rounding "onnx" or "litert".
        inputs: by name, in the types of the program's inputs, (batch, ...).

    Raises:
        UsageError: inputs that do not suit the program.
        Unsupported: another rounding, or an operation that is not known.
    """
    found, batch = trace(program, inputs), len(next(iter(inputs.values())))
    return {
        name: np.broadcast_to(found[name], (batch, *program.values[name].shape)).copy()  # it may be made of constants
        for name in program.outputs
    }


def trace(program: Program, inputs: Arrays) -> dict[str, Array]:
    """The same, with every value that is computed on the way: which layer differs, and what does it hold?"""
    if program.rounding not in ROUNDINGS:
        raise Unsupported(f"rounding {program.rounding!r}", "The reference executor", f"It knows {[*ROUNDINGS]}")
    _suit(program, inputs)
    arrays: dict[str, Array] = {name: np.asarray(inputs[name]) for name in program.inputs}
    for operation in program.steps():
        if operation.kind not in KINDS:
            raise Unsupported(f"{operation.kind} {operation.name!r}", "The reference executor", f"It knows {[*KINDS]}")
        given, (y, *_) = program.of(operation)
        known = [None if value is None else arrays.get(value.name, value.data) for value in given]
        result = KINDS[operation.kind](Step(operation, given, y, ROUNDINGS[program.rounding]), *known)
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


def _activated(step: Step, x: Array) -> Array:
    """The fused activation of a float operation."""
    return x if step.activation == "none" else _function(step.activation, x, step.attributes)


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


def _layer(step: Step, sums: Array) -> Array:
    """Sums of a convolution or dense layer, channels last, bias included: rounded to codes, or scaled to float32."""
    x, weight = step.value(0), step.value(1)
    if x.quantization is None:
        return _activated(step, sums)
    if not step.integer:
        return _activated(step, sums.astype(np.float32) * arithmetic.accumulator_scales(x, weight).astype(np.float32))
    return step.rounding.layer(step, sums)


def _product(windows: Array, weight: Array, bias: Array | None) -> Array:
    """windows (..., k) @ weight (out, k).T + bias: exact on integers, as 32-bit sums fit a float64."""
    if windows.dtype == np.float32:
        sums = windows @ weight.T
        return np.asarray(sums if bias is None else sums + bias)
    exact = np.rint(windows.astype(np.float64) @ weight.T.astype(np.float64)).astype(np.int64)
    return exact if bias is None else exact + bias


def _dense(step: Step, x: Array, weight: Array, bias: Array | None) -> Array:
    return _layer(step, _product(step.shifted(0, x), weight, bias))


def _conv2d(step: Step, x: Array, weight: Array, bias: Array | None) -> Array:
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


def _windows(step: Step, x: Array, kernel: tuple[int, ...], dilation: tuple[int, int], filler: Any) -> Array:
    """What each place of the output sees: (batch, y, x, kernel y, kernel x, channels)."""
    top, left, bottom, right = step.attributes["padding"]
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=filler)
    extent = [(size - 1) * by + 1 for size, by in zip(kernel, dilation, strict=True)]
    down, across = step.attributes["stride"]
    seen = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    strided = seen[:, ::down, ::across, :, :: dilation[0], :: dilation[1]]
    return np.asarray(np.moveaxis(strided, 3, 5))


def _max_pool2d(step: Step, x: Array) -> Array:
    least = -np.inf if x.dtype == np.float32 else limits(step.value(0))[0]
    windows = _windows(step, x, step.attributes["kernel"], (1, 1), least)
    most = np.asarray(windows.max(axis=(3, 4)))
    if not step.integer:
        return _activated(step, most)
    return np.asarray(np.clip(most, *bounds(step.activation, step.y)))


def _average_pool2d(step: Step, x: Array) -> Array:
    shifted = step.shifted(0, x)
    kernel = step.attributes["kernel"]
    sums = _windows(step, shifted, kernel, (1, 1), 0).sum(axis=(3, 4))
    inside = _windows(step, np.ones((1, *x.shape[1:3], 1), np.int64), kernel, (1, 1), 0).sum(axis=(3, 4))
    if not step.integer:
        return _activated(step, np.asarray(sums / inside.astype(np.float32)))
    return step.rounding.pool(step, sums, inside)


def _mean(step: Step, x: Array) -> Array:
    axes = tuple(axis + 1 for axis in step.attributes["axes"])
    sums = step.shifted(0, x).sum(axis=axes)
    count = math.prod(x.shape[axis] for axis in axes)
    if not step.integer:
        return _activated(step, np.asarray(sums / np.float32(count)))
    return step.rounding.mean(step, sums, count)


def _aligned(step: Step, *arrays: Array) -> list[Array]:
    """Operands that broadcast: the batch stands in front of as many axes as the output has."""
    rank = len(step.y.shape)
    shaped = []
    for position, array in enumerate(arrays):
        value = step.value(position)
        batch = () if value.data is not None else (len(array),)
        shaped.append(step.shifted(position, array).reshape((*batch, *[1] * (rank - len(value.shape)), *value.shape)))
    return shaped


def _add(step: Step, a: Array, b: Array) -> Array:
    first, second = _aligned(step, a, b)
    if step.integer:
        return step.rounding.add(step, first, second)
    return _activated(step, first - second if step.kind == "sub" else first + second)


def _mul(step: Step, a: Array, b: Array) -> Array:
    first, second = _aligned(step, a, b)
    return step.rounding.mul(step, first, second) if step.integer else _activated(step, first * second)


def _rescale(step: Step, x: Array) -> Array:
    """relu, relu6 and requantize."""
    if not step.integer:
        return _function(step.kind, x, step.attributes)
    return step.rounding.rescale(step, step.shifted(0, x))


def _unary(step: Step, x: Array) -> Array:
    if not step.integer:
        return _function(step.kind, x, step.attributes)
    return np.asarray(step.rounding.table(step)[x.astype(np.int64) - limits(step.value(0))[0]])


def _softmax(step: Step, x: Array) -> Array:
    if step.integer:
        return step.rounding.softmax(step, x)
    if step.value(0).quantization is not None:
        return shares(x)
    exponents = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))


def _quantize(step: Step, x: Array) -> Array:
    return step.rounding.quantize(step, x)


def _dequantize(step: Step, x: Array) -> Array:
    return np.asarray(step.shifted(0, x).astype(np.float32) * np.float32(step.scaling(0).scale))


def _pad(step: Step, x: Array) -> Array:
    zero = 0 if step.value(0).quantization is None else step.scaling(0).zero_point
    edges = [(0, 0), *zip(step.attributes["before"], step.attributes["after"], strict=True)]
    return np.pad(x, edges, constant_values=zero)


ROUNDINGS: dict[str, Rounding] = {"onnx": _reference_onnx, "litert": _reference_litert}

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
    **RECURRENT,
    **SEQUENCE,
}
