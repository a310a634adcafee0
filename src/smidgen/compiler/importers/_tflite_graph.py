"""What is known while a .tflite file is read: the values and operations that were made of its tensors and nodes."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.importers._tflite_file import File, Node, Tensor
    from smidgen.types import Array

ACTIVATIONS = {0: "none", 1: "relu", 3: "relu6"}  # of ActivationFunctionType
COMPUTED = ("float32", "int8", "uint8")
LARGEST_CODE = {"int8": (-128, 127), "uint8": (0, 255)}


class Network:
    """Values and operations so far.

    Attributes:
        names: which value each tensor of the file is.
        hybrid: whether float layers have int8 weights: LiteRT then rounds what they take to int8 while it runs.
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self.values: dict[str, Value] = {}
        self.operations: list[Operation] = []
        self.names: dict[int, str] = {}
        self.hybrid = False
        self.stored: dict[int, Array] = {}  # the content of constants that nodes unpack
        self.outputs = {index: self._end_name(index) for index in file.outputs}
        if len(self.outputs) != len(file.outputs):
            raise ValueError("a tensor is two outputs")

    def enter(self, index: int) -> str:
        """An input of the graph; its name."""
        name = self._end_name(index)
        if index in self.names or index in self.outputs:
            raise ValueError(f"{name} is more than one input or output")
        self.names[index] = self._add(self._form(self.file.tensor(index)), name)
        return name

    def emit(self, kind: str, node: Node, inputs: Sequence[str], shape: Sequence[int], **attributes: Any) -> None:
        """The operation that gives the first output of a node, of a shape that is computed from those of its inputs."""
        self.put(kind, node, inputs, shape, 0, **attributes)

    def put(
        self, kind: str, node: Node, inputs: Sequence[str], shape: Sequence[int], position: int, **attributes: Any
    ) -> None:
        """The same for any output of a node."""
        index = node.outputs[position]
        form = self.form(node, position)
        if tuple(shape) != form.shape:
            raise ValueError(f"its output is {form.shape}, where its inputs make {tuple(shape)}")
        if index in self.names:
            raise ValueError("it gives a tensor that is there already")
        name = self._add(form, self.outputs.get(index) or self._fresh(kind))
        self.operations.append(Operation(kind, node.label, tuple(inputs), (name,), attributes))
        self.names[index] = name

    def step(self, kind: str, node: Node, inputs: Sequence[str], form: Value, **attributes: Any) -> str:
        """An operation in between, whose output is like `form`; the name of its value."""
        name = self._add(form, self._fresh(kind))
        self.operations.append(Operation(kind, node.label, tuple(inputs), (name,), attributes))
        return name

    def leave(self, index: int) -> str:
        """The name of an output of the graph."""
        if index not in self.names:
            raise ValueError(f"nothing gives the output {self.outputs[index]}")
        return self.names[index]

    def form(self, node: Node, position: int = 0) -> Value:
        """What an output of a node is in the program, without a name."""
        return self._form(self.file.tensor(node.outputs[position]))

    def computed(self, node: Node, position: int) -> Value:
        """An input of a node that earlier nodes compute."""
        index = node.given(position)
        if index not in self.names:
            raise node.unsupported("It takes constants beside what is computed only")
        return self.values[self.names[index]]

    def operand(self, node: Node, position: int) -> Value:
        """An input of a node, computed or constant."""
        index = node.given(position)
        if index in self.names:
            return self.computed(node, position)
        form = self._form(self.tensor(node, position))
        data = np.ascontiguousarray(self.content(node, position).reshape(form.shape))
        return self.constant(replace(form, data=data), f"input_{position}")

    def constant(self, value: Value, role: str) -> Value:
        """A constant of the operation that comes next."""
        if value.data is not None and not np.isfinite(value.data).all():
            raise ValueError("its constants are not all finite")
        name = self._add(value, self._free(f"{role}_{len(self.operations)}"))
        return self.values[name]

    def tensor(self, node: Node, position: int) -> Tensor:
        """The tensor of an input that is not left out."""
        if node.given(position) < 0:
            raise ValueError(f"it lacks input {position}")
        return self.file.tensor(node.given(position))

    def content(self, node: Node, position: int) -> Array:
        """The data of a constant input."""
        found = self.tensor(node, position)
        data = self.stored.get(found.index, found.data)
        if data is None or found.index in self.names:
            raise node.unsupported("It takes constants as weights, biases and settings")
        return data

    def numbers(self, node: Node, position: int, most: int = 64) -> list[int]:
        """Integers of a constant input."""
        found = self.content(node, position)
        if found.dtype.kind != "i" or found.size > most:
            raise ValueError(f"input {position} is {found.size} numbers of {found.dtype}")
        return [int(number) for number in found.ravel()]

    def axis(self, node: Node, position: int, axis: int) -> int:
        """An axis of an input of the file as one of its value. Raises Unsupported where it is that of the batch."""
        tensor = self.tensor(node, position)
        rank = len(tensor.shape)
        if not -rank <= axis < rank:
            raise ValueError(f"there is no axis {axis}")
        found = axis % rank - (rank - len(tensor.example))
        if found < 0:
            raise node.unsupported("It works within an example, not along batches")
        return found

    def one_type(self, node: Node, *given: Value) -> None:
        """All inputs and the output are float32, or all are int8; raises Unsupported."""
        types = {value.dtype for value in (*given, self.form(node))}
        if types not in ({"float32"}, {"int8"}):
            raise node.unsupported(f"It takes float32, or int8, throughout, not {' and '.join(sorted(types))}")

    def same_scale(self, node: Node, *given: Value, outputs: int = 1) -> None:
        """What only moves codes gives the codes that it takes; raises Unsupported."""
        forms = [*given, *(self.form(node, position) for position in range(outputs))]
        if len({(form.dtype, form.quantization) for form in forms}) != 1:
            raise node.unsupported("It takes inputs and outputs of one type and scale")

    def _form(self, tensor: Tensor) -> Value:
        """What a tensor that is computed is in the program."""
        if tensor.dtype not in COMPUTED:
            raise Unsupported(f"tensor {tensor.name!r} of {tensor.dtype}", "The compiler", f"It takes {COMPUTED}")
        quantization = tensor.quantization
        if tensor.dtype == "float32":
            return Value("", tensor.dtype, tensor.example)
        if quantization is None or len(quantization.scales) != 1:
            raise ValueError(f"the codes of {tensor.name!r} have no scale, or several")
        least, most = LARGEST_CODE[tensor.dtype]
        if not least <= quantization.zero_point <= most:
            raise ValueError(f"the zero point {quantization.zero_point} is not a code")
        return Value("", tensor.dtype, tensor.example, Quantization(quantization.scales, quantization.zero_points))

    def _end_name(self, index: int) -> str:
        """The name of an input or output, in characters that C and files take."""
        name = re.sub(r"[^A-Za-z0-9_.:/-]+", "_", self.file.tensor(index).name)
        return name or f"tensor_{index}"

    def _fresh(self, kind: str) -> str:
        return self._free(f"{kind}_{len(self.operations)}")

    def _free(self, name: str) -> str:
        while name in self.values or name in self.outputs.values():
            name += "_"
        return name

    def _add(self, value: Value, name: str) -> str:
        if name in self.values:
            raise ValueError(f"two tensors are called {name}")
        self.file.spend(math.prod(value.shape))
        self.values[name] = replace(value, name=name)
        return name


def same_count(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """A shape, which is one of this many elements."""
    if math.prod(shape) != count:
        raise ValueError(f"{count} numbers do not make {shape}")
    return shape
