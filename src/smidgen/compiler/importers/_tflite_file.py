"""A .tflite file as tensors and nodes, each looked at when it is asked for. It is data: sizes are checked before use.

The layout is schema.fbs of TensorFlow Lite, a FlatBuffer; the package tflite has its accessors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._file import MOST_NODES, harmless
from smidgen.compiler.ir import Quantization
from smidgen.errors import BundleError, Unsupported

if TYPE_CHECKING:
    from smidgen.types import Array

IDENTIFIER = b"TFL3"
MOST_TENSORS = 60_000
MOST_EDGES = 1_000  # inputs or outputs of one node or of the graph
MOST_CHANNELS = 2**16
MOST_AXES = 8
LONGEST_NAME = 200
LARGEST_VALUE = 2**24  # elements of one tensor: more than any device that this is for
LARGEST_TOTAL = 2**26  # elements of all tensors that are looked at
DTYPES = {
    "FLOAT32": "float32",
    "FLOAT16": "float16",
    "INT32": "int32",
    "UINT8": "uint8",
    "INT64": "int64",
    "BOOL": "bool",
    "INT16": "int16",
    "INT8": "int8",
}


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file: computed where `data` is None."""

    index: int
    name: str
    dtype: str  # of numpy
    shape: tuple[int, ...]
    quantization: Quantization | None
    data: Array | None

    @property
    def example(self) -> tuple[int, ...]:
        """The shape without the batch of one that it begins with, if it does."""
        return self.shape[1:] if self.shape[:1] == (1,) else self.shape


@dataclass(frozen=True, eq=False)
class Node:
    """An operator of the file. Inputs that are left out are -1."""

    op: str
    label: str  # the name of its first output, for messages and comments of C
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    table: Any  # of flatbuffers, with the options; None where there are none
    options_type: int

    def options(self, name: str) -> Any:
        """The options of an operator, such as "Conv2DOptions"."""
        import tflite

        if self.table is None or self.options_type != getattr(tflite.BuiltinOptions, name):
            raise ValueError(f"it has no {name}")
        found = getattr(tflite, name)()
        found.Init(self.table.Bytes, self.table.Pos)
        return found

    def given(self, position: int) -> int:
        """The index of an input, -1 where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else -1

    def unsupported(self, what_can: str) -> Unsupported:
        """The error for a form of the operator that the compiler does not have."""
        return Unsupported(f"{self.op} {self.label!r}", "The compiler", what_can)


class File:
    """The first graph of a file.

    Attributes:
        inputs: indices of tensors.
        outputs: indices of tensors.
        nodes: how many there are.
    """

    def __init__(self, content: bytes) -> None:
        import tflite

        if content[4:8] != IDENTIFIER:
            raise BundleError("The file is not a .tflite model: it does not say TFL3 at byte 4")
        self._model = tflite.Model.GetRootAs(content, 0)
        if (graphs := self._model.SubgraphsLength()) != 1:
            raise Unsupported(f"control flow ({graphs} graphs)", "The compiler", "It takes models of one graph")
        self._graph = self._model.Subgraphs(0)
        if self._graph.TensorsLength() > MOST_TENSORS or self._graph.OperatorsLength() > MOST_NODES:
            raise ValueError(f"it has more than {MOST_TENSORS} tensors or {MOST_NODES} nodes")
        self.inputs, self.outputs = (_edges(self._graph, side) for side in ("Inputs", "Outputs"))
        self.nodes = self._graph.OperatorsLength()
        self._known: dict[int, Tensor] = {}
        self._total = 0

    def node(self, position: int) -> Node:
        """The node that is executed at this position."""
        found = self._graph.Operators(position)
        if not 0 <= found.OpcodeIndex() < self._model.OperatorCodesLength():
            raise ValueError("its operator is not in the list of operators")
        code = self._model.OperatorCodes(found.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        op = _names("BuiltinOperator").get(number, f"operator {number}")
        inputs, outputs = (_edges(found, side) for side in ("Inputs", "Outputs"))
        if not outputs:
            raise ValueError("it has no output")
        label = harmless(self._name(outputs[0])) or f"node {position}"
        return Node(op, label, inputs, outputs, found.BuiltinOptions(), found.BuiltinOptionsType())

    def tensor(self, index: int) -> Tensor:
        """A tensor by its index."""
        if index not in self._known:
            self._known[index] = self._read(index)
        return self._known[index]

    def spend(self, count: int) -> None:
        """Account for memory and time: a small file can ask for much of both."""
        self._total += count
        if self._total > LARGEST_TOTAL:
            raise ValueError(f"its tensors have more than {LARGEST_TOTAL} elements in all")

    def _tensor(self, index: int) -> Any:
        if not 0 <= index < self._graph.TensorsLength():
            raise ValueError(f"there is no tensor {index}")
        return self._graph.Tensors(index)

    def _name(self, index: int) -> str:
        name = self._tensor(index).Name() or b""
        self.spend(len(name))
        return str(name[:LONGEST_NAME], "utf-8", "replace")

    def _read(self, index: int) -> Tensor:
        found, name = self._tensor(index), self._name(index)
        kind = _names("TensorType").get(found.Type(), str(found.Type()))
        if kind not in DTYPES:
            raise Unsupported(f"tensor {harmless(name)!r} of {kind}", "The compiler", f"It takes {', '.join(DTYPES)}")
        shape = tuple(_vector(found, "Shape", MOST_AXES))
        if not all(size > 0 for size in shape) or math.prod(shape) > LARGEST_VALUE:
            raise ValueError(f"the tensor {harmless(name)!r} has the shape {shape}")
        if any(size < 0 for size in _vector(found, "ShapeSignature", MOST_AXES)[1:]):
            raise Unsupported(f"tensor {harmless(name)!r}", "The compiler", "Export fixed sizes for all but the batch")
        if found.IsVariable() or found.Sparsity() is not None:
            what = "Export a model without state and with dense tensors"
            raise Unsupported(f"tensor {harmless(name)!r}", "The compiler", what)
        self.spend(math.prod(shape))
        data = self._data(found.Buffer(), DTYPES[kind], shape)
        return Tensor(index, name, DTYPES[kind], shape, self._quantization(found.Quantization()), data)

    def _data(self, buffer: int, dtype: str, shape: tuple[int, ...]) -> Array | None:
        if not 0 <= buffer < self._model.BuffersLength():
            raise ValueError(f"there is no buffer {buffer}")
        found = self._model.Buffers(buffer)
        if found.Offset() > 1 or found.Size() > 1:
            raise Unsupported("a buffer behind the model", "The compiler", "Export a file of less than 2 GB")
        if found.DataLength() == 0:
            return None
        data: Array = found.DataAsNumpy().view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
        return data

    def _quantization(self, found: Any) -> Quantization | None:
        scales = [] if found is None else _vector(found, "Scale", MOST_CHANNELS)
        if not scales:
            return None
        zeros = _vector(found, "ZeroPoint", MOST_CHANNELS) or [0] * len(scales)
        self.spend(len(scales))
        if len(zeros) == 1:
            zeros = zeros * len(scales)
        if len(zeros) != len(scales) or not all(math.isfinite(scale) and scale > 0 for scale in scales):
            raise ValueError("its scales are not positive, or do not match its zero points")
        axis = found.QuantizedDimension() if len(scales) > 1 else None
        return Quantization(tuple(scales), tuple(zeros), axis)


def _vector(table: Any, field: str, most: int) -> list[Any]:
    """A vector of numbers; none where it is left out."""
    length = getattr(table, f"{field}Length")()
    if length > most:
        raise ValueError(f"its {field} has {length} numbers; the compiler reads at most {most}")
    if length == 0:
        return []
    found: list[Any] = getattr(table, f"{field}AsNumpy")().tolist()
    return found


def _edges(table: Any, side: str) -> tuple[int, ...]:
    return tuple(_vector(table, side, MOST_EDGES))


@cache
def _names(enumeration: str) -> dict[int, str]:
    """The names of the numbers of an enumeration of the schema."""
    import tflite

    return {number: name for name, number in vars(getattr(tflite, enumeration)).items() if isinstance(number, int)}
