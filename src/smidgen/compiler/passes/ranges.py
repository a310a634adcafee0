"""Which codes each channel of each value can take, whatever the input is: interval analysis.

Every bound is computed by the reference executor, so that it is exact to the code in whichever rounding a program has.
An operation that never falls when an operand rises is run at the ends of its operands' ranges; a function of one number
at every code in between; a layer's sums, which weights of both signs make rise and fall, are bounded channel by channel
(Moore 1966, Interval Analysis) and then rounded as the layer rounds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from smidgen.compiler import reference
from smidgen.compiler.arithmetic import UNARY, limits
from smidgen.compiler.ir import BITS, LAYERS, Operation, Program, Value
from smidgen.types import Array

OF_TWO = ("add", "sub", "mul")  # monotone in each operand, but not always rising
RISING = (
    *("relu", "relu6", "requantize", "max_pool2d", "average_pool2d", "mean", "sum", "resize"),
    *("reshape", "transpose", "pad", "concat", "slice"),
)
SUMS = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Range:
    """The least and greatest integer of each channel, the last axis: (channels,) int64 each."""

    low: Array
    high: Array

    @property
    def constant(self) -> Array:
        """Which channels are the same for every input: (channels,) bool."""
        return np.asarray(self.low == self.high)


def ranges(program: Program) -> dict[str, Range]:
    """What the codes of every quantised value that is computed lie within, its type's limits at worst."""
    found = {name: _whole(program.values[name]) for name in program.inputs if _coded(program.values[name])}
    for operation in program.operations:
        _, wanted = program.of(operation)
        found |= {y.name: _range(program, operation, y, found) for y in wanted if _coded(y)}
    return found


def sums(program: Program, operation: Operation, x: Range) -> Range:
    """What the sums of a conv2d or dense layer on codes lie within, bias included: (out,).

    Args:
        program: that the layer is of.
        operation: the layer.
        x: the range of its input.
    """
    (source, weight, bias), _ = program.of(operation)
    if source is None or source.quantization is None or weight is None or weight.data is None:
        raise ValueError(f"{operation.name} is not a layer on codes")
    data = weight.data.astype(np.int64)
    outputs, depth = len(data), data.shape[-1]
    groups = operation.attributes.get("groups", 1)
    channels = np.arange(outputs)[:, None] // (outputs // groups) * depth + np.arange(depth)  # that each output reads
    zero, shape = source.quantization.zero_point, (outputs, *[1] * (data.ndim - 2), depth)
    low, high = ((end - zero)[channels].reshape(shape) for end in (x.low, x.high))
    above, below = np.maximum(data, 0), np.minimum(data, 0)
    least, most = ((above * one + below * other).sum(-1) for one, other in ((low, high), (high, low)))
    seen = windows(operation, source, weight).reshape(-1, least[0].size).T.astype(np.int64)
    start = 0 if bias is None or bias.data is None else bias.data.astype(np.int64)
    return Range(
        np.asarray((least.reshape(outputs, -1) @ seen).min(1) + start),
        np.asarray((most.reshape(outputs, -1) @ seen).max(1) + start),
    )


def windows(operation: Operation, x: Value, weight: Value) -> Array:
    """Which places of a kernel lie inside of the image, each combination that occurs once: (n, *kernel) bool.

    A dense layer has one, of no axes.
    """
    if operation.kind == "dense":
        return np.ones(1, bool)
    given = operation.attributes
    ends = given["padding"][:2], given["padding"][2:]
    axes = zip(x.shape[:2], weight.shape[1:3], given["stride"], given["dilation"], *ends, strict=True)
    inside = []
    for size, taps, stride, dilation, before, after in axes:
        starts = np.arange(-before, size + after - (taps - 1) * dilation, stride)
        places = starts[:, None] + np.arange(taps) * dilation
        inside.append(np.unique((places >= 0) & (places < size), axis=0))
    down, across = inside
    both = down[:, None, :, None] & across[None, :, None, :]
    return np.asarray(both.reshape(-1, *weight.shape[1:3]))


def _coded(value: Value) -> bool:
    return value.quantization is not None and np.issubdtype(np.dtype(value.dtype), np.integer)


def _whole(value: Value) -> Range:
    least, most = limits(value)
    return Range(*(np.full(value.shape[-1:], end, np.int64) for end in (least, most)))


def _range(program: Program, operation: Operation, y: Value, found: Mapping[str, Range]) -> Range:
    given, _ = program.of(operation)
    computed = [value for value in given if value is not None and value.data is None]
    known = computed and y.shape and all(value.name in found and value.shape for value in computed)
    kind, falling = operation.kind, operation.attributes.get("slope", 0) < 0
    if known and kind in LAYERS and not falling:
        return _of_layer(program, operation, y, found)
    if known and kind in UNARY and BITS[computed[0].dtype] == 8:
        return _of_function(program, operation, found)
    if known and kind in (*OF_TWO, *RISING) and not falling:
        return _of_ends(program, operation, found)
    return _whole(y)


def _of_layer(program: Program, operation: Operation, y: Value, found: Mapping[str, Range]) -> Range:
    total = sums(program, operation, found[operation.inputs[0]])
    if total.low.min() < SUMS.min or total.high.max() > SUMS.max:
        return _whole(y)
    return Range(*(_rounded(program, operation, end) for end in (total.low, total.high)))


def _rounded(program: Program, operation: Operation, total: Array) -> Array:
    """The code that a layer makes of a sum for each output: what it gives with them as biases and weights of zero."""
    (x, weight, _), (y,) = program.of(operation)
    if x is None or x.quantization is None or weight is None:
        raise ValueError(f"{operation.name} is not a layer on codes")
    place, outputs, zero = (1,) * (len(weight.shape) - 2), len(total), x.quantization.zero_point
    x, y = replace(x, name="x", shape=(*place, 1)), replace(y, name="y", shape=(*place, outputs))
    nothing = np.zeros((outputs, *place, 1), np.int8)
    weight = replace(weight, name="weight", shape=nothing.shape, data=nothing)
    bias = Value("bias", "int32", (outputs,), None, total.astype(np.int32))
    plain = {"padding": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "groups": 1}
    attributes = {name: plain.get(name, value) for name, value in operation.attributes.items()}
    step = replace(operation, inputs=("x", "weight", "bias"), outputs=("y",), attributes=attributes)
    one = Program({v.name: v for v in (x, weight, bias, y)}, [step], ("x",), ("y",), program.rounding)
    codes = reference.run(one, {"x": np.full((1, *x.shape), zero, x.dtype)})["y"]
    return np.asarray(codes.reshape(outputs), np.int64)


def _of_function(program: Program, operation: Operation, found: Mapping[str, Range]) -> Range:
    """A function of one number: its least and greatest value over all codes of a range."""
    x, y = (program.values[name] for name in (operation.inputs[0], operation.outputs[0]))
    least, most = limits(x)
    codes = np.arange(least, most + 1)[:, None].clip(found[x.name].low, found[x.name].high)
    vectors = {value.name: replace(value, shape=value.shape[-1:]) for value in (x, y)}
    return _spanned(replace(program, values=vectors), operation, [codes])


def _of_ends(program: Program, operation: Operation, found: Mapping[str, Range]) -> Range:
    """A function that is monotone in each operand: its values at the ends of their ranges."""
    operands = [found[name] for name in operation.inputs if name in found]
    ends = ((one.low, one.high) for one in operands)
    corners = product(*ends) if operation.kind in OF_TWO else zip(*ends, strict=True)
    return _spanned(program, operation, [np.stack(part) for part in zip(*corners, strict=True)])


def _spanned(program: Program, operation: Operation, operands: list[Array]) -> Range:
    """The least and greatest of what an operation gives for codes (n, channels) of each computed operand."""
    (y,) = operation.outputs
    values, names = {y: program.values[y]}, []
    arrays: dict[str, Array] = {}
    for position, name in enumerate(operation.inputs):
        value = replace(program.values[name], name=f"{position} {name}")
        values[value.name] = value
        names.append(value.name)
        if value.data is None:
            codes = operands[len(arrays)].astype(value.dtype)
            shaped = codes.reshape(len(codes), *[1] * (len(value.shape) - 1), codes.shape[-1])
            arrays[value.name] = np.broadcast_to(shaped, (len(codes), *value.shape))
    one = Program(values, [replace(operation, inputs=tuple(names))], tuple(arrays), (y,), program.rounding)
    codes = reference.run(one, arrays)[y].astype(np.int64)
    flat = codes.reshape(-1, codes.shape[-1])
    return Range(np.asarray(flat.min(0)), np.asarray(flat.max(0)))
