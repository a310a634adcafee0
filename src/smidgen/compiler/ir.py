"""The compiler's own form of a network: values and operations in order of execution, one example at a time.

Importers make it, passes simplify it, the planner places it in memory, operations write it as C. Shapes leave out the
batch; images are channels last, (height, width, channels), as sensors give them and microcontrollers want them.

Kinds of operation, their inputs and attributes; a module of `ops/` implements each:

| kind | inputs | attributes |
|---|---|---|
| conv2d | x (h, w, in), weight (out, kh, kw, in / groups), bias or "" | stride, dilation, padding, groups, activation |
| dense | x (in,), weight (out, in), bias (out,) or "" | activation |
| add, sub, mul | a, b; equal shapes, or one is broadcast | activation |
| max_pool2d, average_pool2d | x (h, w, c) | kernel, stride: (y, x); padding; activation |
| mean, sum, max, min | x | axes, which are dropped |
| slice | x | begin, size, stride: for each axis |
| band_powers | x (n,), window (size,), weight (bands, size / 2 + 1) | step: from frame to frame |
| scatter | places (n,), constants (n,): a row of zeros but for these | |
| resize | x (h, w, c) | mode: "nearest" or "bilinear"; align_corners, half_pixel |
| reshape | x | |
| transpose | x | order |
| pad | x | before, after: for each axis |
| concat | one or more | axis |
| relu, relu6, sigmoid, tanh, hard_swish, gelu | x | |
| leaky_relu; hard_sigmoid | x | slope; alpha, beta |
| softmax | x, along the last axis | |
| rnn, gru, lstm | see ops/_recurrent.py; they give (t, units), or the last (units,) | reverse; linear_before_reset |
| embedding | numbers of rows, table (rows, depth) | |
| whole | a, b of int32; or one number for b | function: "add", "mul" or "mod" |
| quantize, dequantize, requantize | x | |
| stream | what its steps read | steps, ...: several operations row by row, see ops/stream.py |

stride, dilation and kernel are (y, x), padding is (top, left, bottom, right). Average pooling leaves
padding out of its count. `activation` is "none", "relu", "relu6" or "leaky_relu" (with a slope) and is applied to the
accumulator before it is rounded.

The operations of a program that rounds as LiteRT does say so themselves, for those who see them without their program:
`rounding` is one more attribute.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from smidgen.types import Array

BITS = {"float32": 32, "int32": 32, "int16": 16, "uint8": 8, "int8": 8, "int4": 4, "int2": 2}
LAYERS = ("conv2d", "dense")  # kinds of operation that have weights and sum products
RECURRENT = ("gru", "lstm", "rnn")


@dataclass(frozen=True)
class Quantization:
    """real = scale * (code - zero_point): one pair for all, or one for each index along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    @property
    def scale(self) -> float:
        """The scale of a value that has one."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The zero point of a value that has one."""
        (zero_point,) = self.zero_points
        return zero_point


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor: an input, what an operation gives, or a constant (`data`, of the value's shape)."""

    name: str
    dtype: str  # a key of BITS
    shape: tuple[int, ...]
    quantization: Quantization | None = None
    data: Array | None = None

    @property
    def count(self) -> int:
        """Elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        """Bytes in memory or flash, sub-byte codes packed."""
        return (self.count * BITS[self.dtype] + 7) // 8


@dataclass(frozen=True)
class Operation:
    """One step. `inputs` and `outputs` name values; "" is an optional input that is not there."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rounding(self) -> str:
        """Whose integer arithmetic it follows: "onnx" or "litert"."""
        return str(self.attributes.get("rounding", "onnx"))


@dataclass
class Program:
    """A whole network.

    Attributes:
        values: all that are used, by name.
        operations: in order of execution.
        inputs: names of values.
        outputs: names of distinct values that operations give; `reshape` makes one of an input or a constant.
        rounding: whose arithmetic the integer operations follow, to the bit: "litert" or "onnx".
        metadata: text that the file carries, such as the labels of its classes.
    """

    values: dict[str, Value]
    operations: list[Operation]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rounding: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operations = [
            operation
            if operation.rounding == self.rounding
            else replace(operation, attributes={**operation.attributes, "rounding": self.rounding})
            for operation in self.operations
        ]

    def of(self, operation: Operation) -> tuple[list[Value | None], list[Value]]:
        """An operation's input values (None where left out) and output values."""
        given = [self.values[name] if name else None for name in operation.inputs]
        return given, [self.values[name] for name in operation.outputs]

    def steps(self) -> Iterator[Operation]:
        """The operations, those that a stream is made of instead of the stream."""
        for operation in self.operations:
            yield from operation.attributes.get("steps", (operation,))

    def constants(self) -> Iterator[Value]:
        """The values that ship: weights, biases, tables."""
        used = {name for operation in self.steps() for name in operation.inputs}
        return (value for name, value in self.values.items() if value.data is not None and name in used)

    def with_value(self, value: Value) -> "Program":
        """A copy with one value added or replaced."""
        return replace(self, values={**self.values, value.name: value})
