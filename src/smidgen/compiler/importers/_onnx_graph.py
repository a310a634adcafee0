"""A graph of ONNX while it is read: what is known of its tensors, and the operations that were made of its nodes.

ONNX keeps channels first, the compiler keeps them last. Each tensor of the file is a view of a value: `places` says
where in the value each of its elements lies. Transposing and reshaping only change the view; an operation that needs
another order of memory gets a transpose in front of it, and a dense layer takes any order, by permuting its weights.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.errors import BundleError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from smidgen.types import Array

LARGEST_VALUE = 2**24  # elements of one tensor: more than any device that this is for
LARGEST_TOTAL = 2**26  # elements of all that is computed
MOST_AXES = 32
DTYPES = ("float32", "uint8", "int8", "int16", "int32", "int64", "bool")
ENTERING = ("float32", "uint8", "int8")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor that is computed: element i of it (without the batch) lies at places[i] of the flat value."""

    value: str
    places: Array


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor of the file. A dequantised one keeps its codes; `scale` and `zero` broadcast against `data`."""

    data: Array
    scale: Array | None = None
    zero: Array | None = None

    def transposed(self, order: Sequence[int]) -> Constant:
        """With other axes, as numpy.transpose."""
        turned = (None if part is None else part.transpose(order) for part in (self.scale, self.zero))
        return Constant(self.data.transpose(order), *turned)


@dataclass(frozen=True)
class Node:
    """A node of the file. `name` is that of its output, so that values can be compared; `label` is for messages."""

    op: str
    name: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str

    @classmethod
    def of(cls, proto: onnx.NodeProto) -> Node:
        from onnx import helper

        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in proto.attribute}
        name, label = (_harmless(text) for text in (proto.output[0], proto.name or proto.output[0]))
        return cls(proto.op_type, name, label, tuple(proto.input), tuple(proto.output), attributes, proto.domain)

    def get(self, name: str, default: Any) -> Any:
        return self.attributes.get(name, default)

    def pair(self, name: str) -> tuple[int, int]:
        """A positive attribute for height and width."""
        first, second = self.get(name, (1, 1))
        if not 0 < min(first, second) <= max(first, second) <= LARGEST_VALUE:
            raise ValueError(f"{name} is {first} and {second}")
        return first, second

    def given(self, position: int) -> str:
        """The name of an input, "" where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def unsupported(self, what_can: str) -> Unsupported:
        return Unsupported(f"{self.op} {self.label!r}", "The compiler", what_can)


class Network:
    """What is known so far: values, operations, and how each tensor of the file lies in a value."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.operations: list[Operation] = []
        self.tensors: dict[str, Tensor | Constant] = {}
        self.total = 0

    def enter(self, proto: onnx.ValueInfoProto) -> str:
        """An input of the graph; its name."""
        from onnx import helper

        name, form = checked_name(proto.name), proto.type.tensor_type
        batch, *sizes = form.shape.dim
        if batch.HasField("dim_value") and batch.dim_value != 1:
            raise Unsupported(f"input {name!r}", "The compiler", "Export it with a batch of one, or of any size")
        if not all(size.dim_value > 0 for size in sizes):
            raise Unsupported(f"input {name!r}", "The compiler", "Export it with fixed sizes but for the batch")
        dtype = str(helper.tensor_dtype_to_np_dtype(form.elem_type))
        if dtype not in ENTERING:
            raise Unsupported(f"input {name!r} of {dtype}", "The compiler", f"It takes {', '.join(ENTERING)}")
        value = self._add(Value(name, dtype, tuple(size.dim_value for size in sizes)))
        self.tensors[name] = Tensor(name, np.arange(value.count, dtype=np.int32).reshape(value.shape))
        return name

    def emit(self, kind: str, node: Node, inputs: Sequence[str], shape: Sequence[int], **attributes: Any) -> str:
        """One more operation that gives float32; the name of its value."""
        name = f"{kind}_{len(self.values)}"
        self._add(Value(name, "float32", tuple(int(size) for size in shape)))
        self.operations.append(Operation(kind, node.name, tuple(inputs), (name,), attributes))
        return name

    def put(self, node: Node, value: str, places: Array | None = None) -> None:
        """The first output of a node: `places` are as they lie where left out, channels last where there are three."""
        if places is None:
            places = lying(self.values[value].shape)
        self.tensors[node.outputs[0]] = Tensor(value, places)

    def find(self, name: str) -> Tensor | Constant:
        """What an earlier node, an input or a constant has given."""
        if name not in self.tensors:
            raise ValueError(f"nothing before it is called {name!r}")
        return self.tensors[name]

    def tensor(self, name: str) -> Tensor:
        """A tensor that is computed."""
        found = self.find(name)
        if isinstance(found, Constant):
            raise ValueError(f"{name} is a constant")  # noqa: TRY004
        return found

    def real(self, name: str) -> Tensor:
        """A float tensor that is computed."""
        found = self.tensor(name)
        if self.values[found.value].dtype != "float32":
            raise ValueError(f"{name} is not float")
        return found

    def constant(self, name: str) -> Constant:
        """A tensor of the file."""
        found = self.find(name)
        if isinstance(found, Tensor):
            raise ValueError(f"{name} is computed, where a constant should be")  # noqa: TRY004
        return found

    def numbers(self, node: Node, position: int, name: str) -> list[int] | None:
        """Integers of a constant input, or of the attribute that older versions have in its place."""
        given = node.given(position)
        found = self.constant(given).data.ravel() if given else node.get(name, None)
        if found is not None and len(found) > MOST_AXES:
            raise ValueError(f"{name} has {len(found)} numbers")
        return None if found is None else [int(number) for number in found]

    def weigh(self, constant: Constant, name: str) -> str:
        """A constant of the program: float32, or 8-bit codes whose scales lie along the first axis; its name."""
        data, scale = constant.data, constant.scale
        quantization = None
        if scale is None:
            data = np.asarray(data, np.float32)
        else:
            if scale.size != scale.shape[0]:
                raise ValueError("weights have scales along an axis that is not that of their outputs")
            wide = data.astype(np.int64) - (0 if constant.zero is None else constant.zero.astype(np.int64))
            kind = np.int32 if data.dtype == np.int32 else np.int8
            if wide.size and not np.iinfo(kind).min <= wide.min() <= wide.max() <= np.iinfo(kind).max:
                raise ValueError("weights have zero points that do not fit signed codes")
            data, scales = wide.astype(kind), tuple(float(one) for one in scale.ravel())
            quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
        if not np.isfinite(data).all():
            raise ValueError("weights are not all finite")
        data = np.ascontiguousarray(data)
        value = self._add(Value(f"{name}_{len(self.values)}", str(data.dtype), data.shape, quantization, data))
        return value.name

    def last(self, tensor: Tensor, node: Node) -> str:
        """An image (c, h, w) as a value (h, w, c)."""
        if tensor.places.ndim != 3:
            raise node.unsupported(f"It takes images, not {tensor.places.ndim} dimensions and a batch")
        return self._arranged(tensor.places.transpose(1, 2, 0), tensor.value)

    def plain(self, tensor: Tensor) -> str:
        """A tensor as a value of the same shape."""
        return self._arranged(tensor.places, tensor.value)

    def flat(self, tensor: Tensor, node: Node) -> str:
        """A tensor as a value of one dimension, in the order in which it lies."""
        return self._shaped(tensor.value, (tensor.places.size,), node.name)

    def _arranged(self, places: Array, name: str) -> str:
        self.spend(places.size)
        value, wanted = self.values[name], places.ravel()
        straight = np.arange(value.count, dtype=np.int32).reshape(value.shape)
        for order in permutations(range(straight.ndim)) if straight.ndim <= 4 else ():
            if np.array_equal(straight.transpose(order).ravel(), wanted):
                if order != tuple(range(straight.ndim)):
                    name = self._transposed(name, order)
                return self._shaped(name, places.shape, name)
        raise Unsupported(f"order of {name!r}", "The compiler", "Transpose fewer axes between reshapes")

    def _transposed(self, name: str, order: Sequence[int]) -> str:
        value = self.values[name]
        turned = self._move("transpose", value, tuple(value.shape[axis] for axis in order), name)
        self.operations.append(Operation("transpose", turned, (name,), (turned,), {"order": tuple(order)}))
        return turned

    def _shaped(self, name: str, shape: tuple[int, ...], label: str) -> str:
        value = self.values[name]
        if value.shape == shape:
            return name
        shaped = self._move("reshape", value, shape, label)
        self.operations.append(Operation("reshape", shaped, (name,), (shaped,)))
        return shaped

    def _move(self, kind: str, value: Value, shape: tuple[int, ...], name: str) -> str:
        return self._add(replace(value, name=f"{kind}_{len(self.values)}_{name}"[:64], shape=shape)).name

    def _add(self, value: Value) -> Value:
        if not all(size > 0 for size in value.shape) or math.prod(value.shape) > LARGEST_VALUE:
            raise ValueError(f"a tensor of shape {value.shape} is empty or too large")
        if value.name in self.values:
            raise ValueError(f"two tensors are called {value.name}")
        self.spend(value.count)
        self.values[value.name] = value
        return value

    def spend(self, count: int) -> None:
        """Account for memory and time: a small file can ask for much of both."""
        self.total += count
        if self.total > LARGEST_TOTAL:
            raise ValueError(f"its tensors have more than {LARGEST_TOTAL} elements in all")


def _harmless(text: str) -> str:
    """Letters, digits, _ and dots, whatever the file says: it ends up in comments of C."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text)[:64]


def checked_name(name: str) -> str:
    """The name of an input or output, which ends up in C."""
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]{1,200}", name):
        raise ValueError(f"{name!r} is not a name of letters, digits and _ . : / -")
    return name


def array(tensor: onnx.TensorProto) -> Array:
    """The content of a constant, of a size that it really has; it is never read from another file."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        raise BundleError(f"The weights {tensor.name!r} are in another file", "Save the model as one file")
    if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) > LARGEST_VALUE:
        raise ValueError(f"the constant {tensor.name!r} has the shape {list(tensor.dims)}")
    found: Array = np.asarray(numpy_helper.to_array(tensor))
    if str(found.dtype) in ("float16", "float64"):
        found = found.astype(np.float32)
    if str(found.dtype) not in DTYPES:
        raise Unsupported(f"constant {tensor.name!r} of {found.dtype}", "The compiler", f"It takes {', '.join(DTYPES)}")
    return found


def lying(shape: tuple[int, ...]) -> Array:
    """Where the elements of a fresh value lie: images are channels first in ONNX, channels last in memory."""
    straight = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    return straight.transpose(2, 0, 1) if len(shape) == 3 else straight
