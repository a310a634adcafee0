"""A graph of ONNX while it is read: what is known of its tensors, and the operations that were made of its nodes.

ONNX keeps channels first, the compiler keeps them last. Each tensor of the file is a view of a value: `places` says
where in the value each of its elements lies. Transposing and reshaping only change the view; an operation that needs
another order of memory gets a transpose in front of it, and a dense layer takes any order, by permuting its weights.

The batch is one example: an axis of one element, which a file may move as any other (recurrent networks do).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._file import harmless
from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.errors import BundleError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import onnx

    from smidgen.types import Array

LARGEST_VALUE = 2**24  # elements of one tensor: more than any device that this is for
LARGEST_TOTAL = 2**26  # elements of all that is computed
MOST_AXES = 32
WIDER = {"float16": "float32", "float64": "float32", "int4": "int8", "uint4": "uint8", "int2": "int8", "uint2": "uint8"}
DTYPES = ("float32", "uint8", "int8", "int16", "int32", "int64", "bool")
ENTERING = {
    "float32": "float32",
    "uint8": "uint8",
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "int64": "int32",
}
LARGEST_FLOAT = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor that is computed: element i of it lies at places[i] of the flat value, which has no other elements."""

    value: str
    places: Array


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor of the file. A dequantised one keeps its codes; `scale` and `zero` broadcast against `data`."""

    data: Array
    scale: Array | None = None
    zero: Array | None = None

    def real(self) -> Array:
        """The numbers that it stands for, float32."""
        if self.scale is None:
            return np.asarray(self.data, np.float32)
        zero = 0 if self.zero is None else self.zero.astype(np.int64)
        return np.asarray((self.data.astype(np.int64) - zero) * self.scale, np.float32)

    def mapped(self, change: Callable[[Array], Array]) -> Constant:
        """With the same change of shape made to data, scale and zero."""
        parts = (None if part is None else change(part) for part in (self.scale, self.zero))
        return Constant(change(self.data), *parts)

    def transposed(self, order: Sequence[int]) -> Constant:
        """With other axes, as numpy.transpose."""
        return self.mapped(lambda part: part.transpose(order))


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
        first = next((name for name in proto.output if name), "")
        name, label = (harmless(text) for text in (first, proto.name or first))
        return cls(proto.op_type, name, label, tuple(proto.input), tuple(proto.output), attributes, proto.domain)

    def get(self, name: str, default: Any) -> Any:
        return self.attributes.get(name, default)

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
        value = self._add(Value(name, ENTERING[dtype], tuple(size.dim_value for size in sizes)))
        self.tensors[name] = Tensor(name, straight((1, *value.shape)))
        return name

    def emit(self, kind: str, node: Node, inputs: Sequence[str], shape: Sequence[int], **attributes: Any) -> str:
        """One more operation that gives float32; the name of its value."""
        name = f"{kind}_{len(self.values)}"
        self._add(Value(name, "float32", tuple(int(size) for size in shape)))
        self.operations.append(Operation(kind, node.name, tuple(inputs), (name,), attributes))
        return name

    def put(self, node: Node, tensor: Tensor | Constant) -> None:
        """The first output of a node."""
        self.tensors[node.outputs[0]] = tensor

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

    def floating(self, tensor: Tensor, node: Node) -> Tensor:
        """A tensor as floats: integers of an input become codes of scale 1."""
        value = self.values[tensor.value]
        if value.dtype == "float32":
            return tensor
        self.values[value.name] = replace(value, quantization=value.quantization or Quantization((1.0,), (0,)))
        return Tensor(self.emit("dequantize", node, (value.name,), value.shape), tensor.places)

    def like(self, name: str, other: str) -> str:
        """The same value with the type and scale of another one, whose elements it holds."""
        self.values[name] = replace(self.values[other], name=name, shape=self.values[name].shape)
        return name

    def constant(self, name: str) -> Constant:
        """A tensor of the file."""
        found = self.find(name)
        if isinstance(found, Tensor):
            raise ValueError(f"{name} is computed, where a constant should be")  # noqa: TRY004
        return found

    def straight(self, name: str) -> Array:
        """Where the elements of a value lie."""
        return straight(self.values[name].shape)

    def numbers(self, node: Node, position: int, name: str) -> list[int] | None:
        """Integers of a constant input, or of the attribute that older versions have in its place."""
        given = node.given(position)
        if not given and name not in node.attributes:
            return None
        found = np.ravel(self.constant(given).data if given else node.attributes[name])
        if len(found) > MOST_AXES:
            raise ValueError(f"{name} has {len(found)} numbers")
        return [int(number) for number in found]

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

    def keep(self, data: Array, name: str) -> str:
        """A constant of integers as it is, without a scale; its name."""
        data = np.ascontiguousarray(data, "int32" if data.dtype == np.int64 else data.dtype)
        return self._add(Value(f"{name}_{len(self.values)}", str(data.dtype), data.shape, None, data)).name

    def bias(self, node: Node, outputs: int) -> str:
        """The third input of a layer, one number for each output; "" where there is none."""
        if not node.given(2):
            return ""
        bias = self.constant(node.given(2))
        data = np.broadcast_to(bias.data, (*bias.data.shape[:-1], outputs)).reshape(outputs)
        scale, zero = (None if part is None else part.ravel() for part in (bias.scale, bias.zero))
        return self.weigh(Constant(data, scale, zero), "bias")

    def last(self, tensor: Tensor, node: Node) -> str:
        """An image (1, c, h, w) as a value (h, w, c)."""
        if tensor.places.ndim != 4 or len(tensor.places) != 1:
            raise node.unsupported(f"It takes images and a batch of one, not a tensor {tensor.places.shape}")
        return self._arranged(tensor.places[0].transpose(1, 2, 0), tensor.value)

    def result(self, name: str) -> str:
        """An output of the graph as a value of the same shape without the batch."""
        tensor = self.tensor(name)
        if tensor.places.shape[:1] != (1,):
            shape = tensor.places.shape
            raise Unsupported(f"the output {name!r} of shape {shape}", "The compiler", "It keeps the batch first")
        return self._arranged(tensor.places[0], tensor.value)

    def flat(self, tensor: Tensor) -> str:
        """A tensor as a value of one dimension, in the order in which it lies."""
        return self._shaped(tensor.value, (tensor.places.size,))

    def shaped(self, tensor: Tensor, axes: Sequence[int], shape: Sequence[int]) -> str:
        """A tensor with its axes in another order as a value of this shape, of as many elements."""
        return self._shaped(self.ordered(tensor, axes), tuple(shape))

    def ordered(self, tensor: Tensor, axes: Sequence[int]) -> str:
        """A tensor with these of its axes in this order as a value; the others have one element."""
        turned = tensor.places.transpose([*axes, *(axis for axis in range(tensor.places.ndim) if axis not in axes)])
        return self._arranged(turned.reshape(turned.shape[: len(axes)]), tensor.value)

    def axes(self, tensor: Tensor, keep: Sequence[int] = ()) -> list[int]:
        """The axes of a tensor of more than one element, and those to keep, in the order in which they lie in memory.

        Where they do not lie one inside the other: in their own order.
        """
        shape = tensor.places.shape
        steps = _steps(tensor.places) or [0] * len(shape)
        chosen = [axis for axis, size in enumerate(shape) if size > 1 or axis in keep]
        return sorted(chosen, key=lambda axis: -steps[axis])

    def _arranged(self, places: Array, name: str) -> str:
        """A value with the elements at `places` of another one, in this order."""
        self.spend(places.size)
        value, wanted = self.values[name], places.ravel()
        own = straight(value.shape)
        for order in permutations(range(own.ndim)) if own.ndim <= 4 else ():
            if np.array_equal(own.transpose(order).ravel(), wanted):
                if order != tuple(range(own.ndim)):
                    name = self._transposed(name, order)
                return self._shaped(name, places.shape)
        runs = _runs(wanted)
        if runs is None:
            raise Unsupported(f"order of {name!r}", "The compiler", "Transpose fewer axes between reshapes")
        inside = sorted(range(len(runs)), key=lambda axis: -runs[axis][1])
        name = self._shaped(name, tuple(runs[axis][0] for axis in inside))
        return self._shaped(self._transposed(name, [inside.index(axis) for axis in range(len(runs))]), places.shape)

    def _transposed(self, name: str, order: Sequence[int]) -> str:
        value = self.values[name]
        turned = self._move("transpose", value, tuple(value.shape[axis] for axis in order), name)
        self.operations.append(Operation("transpose", turned, (name,), (turned,), {"order": tuple(order)}))
        return turned

    def _shaped(self, name: str, shape: tuple[int, ...]) -> str:
        value = self.values[name]
        if value.shape == shape:
            return name
        if value.count != math.prod(shape):
            raise ValueError(f"a tensor of shape {value.shape} is not one of {shape}")
        shaped = self._move("reshape", value, shape, name)
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
    found = found.astype(WIDER.get(str(found.dtype), found.dtype))
    if str(found.dtype) not in DTYPES:
        raise Unsupported(f"constant {tensor.name!r} of {found.dtype}", "The compiler", f"It takes {', '.join(DTYPES)}")
    return found


def straight(shape: Sequence[int]) -> Array:
    """Where the elements of a value of this shape lie."""
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


def image(shape: Sequence[int]) -> Array:
    """Where the elements of an image lie: (1, c, h, w) in ONNX, (h, w, c) in memory."""
    return straight(shape).transpose(2, 0, 1)[np.newaxis]


def placed(shape: Sequence[int], axes: Sequence[int]) -> Array:
    """Where the elements of a tensor lie whose axes are in this order in memory; those left out have one element."""
    lying = straight([shape[axis] for axis in axes])
    return lying.transpose(np.argsort(axes)).reshape(shape)


def _steps(places: Array) -> list[int] | None:
    """How far apart neighbours along each axis lie, where that is the same everywhere.

    An axis of one element goes in front of the next axis.
    """
    steps: list[int] = []
    for axis, size in reversed([*enumerate(places.shape)]):
        after = steps[0] if steps else 0
        steps.insert(0, int(places.take(1, axis).flat[0]) if size > 1 else after)
    grid = np.meshgrid(*(np.arange(size) for size in places.shape), indexing="ij", sparse=True)
    lies = sum((step * index for step, index in zip(steps, grid, strict=True)), np.zeros(places.shape, np.int64))
    return steps if np.array_equal(lies, places) else None


def _runs(places: Array) -> list[tuple[int, int]] | None:
    """The fewest axes, outermost first, that give `places` as sums of index * step: (size, step) of each."""
    runs: list[tuple[int, int]] = []
    rest = places.astype(np.int64)
    while rest.size > 1:
        step = rest[1] - rest[0]
        breaks = np.flatnonzero(np.diff(rest) != step)
        size = int(breaks[0]) + 1 if breaks.size else rest.size
        if rest.size % size or not np.array_equal(rest.reshape(-1, size), rest[::size, None] + step * np.arange(size)):
            return None
        runs.insert(0, (size, int(step)))
        rest = rest[::size]
    return runs
