"""An operation while `compiler.reference` executes it."""

from typing import Protocol

import numpy as np

from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.types import Array


class Rounding(Protocol):
    """How integers are rounded: `_reference_onnx` and `_reference_litert`. Arrays have the batch first."""

    def layer(self, step: "Step", sums: Array) -> Array:
        """Codes of the sums of a conv2d or dense, channels last."""
        ...

    def mean(self, step: "Step", sums: Array, count: int) -> Array:
        """Codes of sums over `count` codes less their zero point."""
        ...

    def pool(self, step: "Step", sums: Array, counts: Array) -> Array:
        """The same for windows over different numbers of codes."""
        ...

    def add(self, step: "Step", a: Array, b: Array) -> Array:
        """Codes of a sum or difference of codes less their zero points."""
        ...

    def mul(self, step: "Step", a: Array, b: Array) -> Array:
        """Codes of a product of codes less their zero points."""
        ...

    def rescale(self, step: "Step", x: Array) -> Array:
        """Codes of codes less their zero point in another scale: relu, relu6 and requantize."""
        ...

    def table(self, step: "Step") -> Array:
        """The code for each 8-bit input code of a function of one number, the smallest code first."""
        ...

    def softmax(self, step: "Step", x: Array) -> Array:
        """Codes of a softmax of codes along the last axis."""
        ...

    def quantize(self, step: "Step", x: Array) -> Array:
        """Codes of floats."""
        ...


class Step:
    """An operation with its values at hand. Arrays have the batch first; constants have none."""

    def __init__(self, operation: Operation, given: list[Value | None], y: Value, rounding: Rounding) -> None:
        self.kind, self.attributes = operation.kind, operation.attributes
        self.given, self.y, self.rounding = given, y, rounding
        self.integer = y.quantization is not None

    def value(self, position: int) -> Value:
        """An input that is not left out."""
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

    @property
    def activation(self) -> str:
        """The fused activation."""
        return str(self.attributes.get("activation", "none"))

    def clamped(self, rounded: Array, bounds: tuple[int, int]) -> Array:
        """A rounded accumulator as codes of the output, from the first to the second of `bounds`."""
        return np.asarray(np.clip(rounded + self.target.zero_point, *bounds))
