"""Functions of one, two and three numbers, element by element, with broadcasting."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler.importers._onnx_graph import LARGEST_FLOAT, Constant, Network, Node, Tensor, placed
from smidgen.compiler.importers._onnx_operations import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array

UNARY = {
    "Abs": "abs",
    "Elu": "elu",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "Gelu": "gelu",
    "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish",
    "LeakyRelu": "leaky_relu",
    "Log": "log",
    "Mish": "mish",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Selu": "elu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
}
BINARY = {
    "Add": "add",
    "And": "mul",
    "Div": "div",
    "Equal": "equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Max": "maximum",
    "Min": "minimum",
    "Mul": "mul",
    "Or": "maximum",
    "Pow": "pow",
    "Sub": "sub",
}
FUSING = ("add", "sub", "mul")  # kinds that take an activation
EITHER_WAY = ("add", "mul", "equal", "maximum", "minimum")
TURNED = {"greater": "less", "greater_equal": "less_equal", "less": "greater", "less_equal": "greater_equal"}
SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}


# For other modules: one operation more, tensors to a tensor


def apply(network: Network, node: Node, kind: str, x: Tensor, **attributes: Any) -> Tensor:
    """A function of one number."""
    name = network.emit(kind, node, (x.value,), network.values[x.value].shape, **attributes)
    return Tensor(name, x.places)


def combine(network: Network, node: Node, kind: str, first: Tensor | Constant, second: Tensor | Constant) -> Tensor:
    """A function of two numbers, at least one of them computed."""
    if isinstance(first, Constant) and (kind in EITHER_WAY or kind in TURNED):
        first, second, kind = second, first, TURNED.get(kind, kind)
    if kind == "div" and isinstance(second, Constant) and second.scale is None:
        kind, second = "mul", Constant(1 / second.data.astype(np.float32))
    attributes = {"activation": "none"} if kind in FUSING else {}
    direct = _in_place(network, first, second)
    if direct is not None:
        given, places = direct
        shape = np.broadcast_shapes(*(network.values[name].shape for name in given))
        return Tensor(network.emit(kind, node, given, shape, **attributes), places)
    return _broadcast(network, node, kind, (first, second), attributes)


def _in_place(
    network: Network, first: Tensor | Constant, second: Tensor | Constant
) -> tuple[tuple[str, str], Array] | None:
    """Two operands as they lie, and where the elements of the result lie: the constant follows the tensor's layout."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        alike = network.values[first.value].shape == network.values[second.value].shape
        if alike and np.array_equal(first.places, second.places):
            return (first.value, second.value), first.places
        return None
    tensor, constant = (first, second) if isinstance(first, Tensor) else (second, first)
    if not isinstance(tensor, Tensor) or not isinstance(constant, Constant):
        raise ValueError("both operands are constants")  # noqa: TRY004  of the file, not of a caller
    if constant.data.size > 1 and np.broadcast_shapes(constant.data.shape, tensor.places.shape) != tensor.places.shape:
        return None
    name = network.weigh(_laid(network, constant, tensor), "addend")
    places = tensor.places if constant.data.ndim <= tensor.places.ndim else _wide(tensor, constant.data.ndim)
    return ((tensor.value, name) if tensor is first else (name, tensor.value)), places


def _wide(tensor: Tensor, rank: int) -> Array:
    return tensor.places.reshape((1,) * (rank - tensor.places.ndim) + tensor.places.shape)


def _laid(network: Network, constant: Constant, tensor: Tensor) -> Constant:
    """A constant in the order in which a tensor lies, with one element along axes on which it does not change."""
    if constant.scale is not None and constant.scale.size != 1:
        raise ValueError("a constant has several scales")
    shape = network.values[tensor.value].shape
    if constant.data.size == 1:
        data = constant.data.reshape(1)
    else:
        network.spend(tensor.places.size)
        data = np.empty(tensor.places.size, constant.data.dtype)
        data[tensor.places.ravel()] = np.broadcast_to(constant.data, tensor.places.shape).ravel()
        data = data.reshape(shape)
        for axis in range(data.ndim):
            first = data.take([0], axis)
            data = first if np.array_equal(np.broadcast_to(first, data.shape), data) else data
    return _finite(replace(constant, data=data), data.ndim)


def _finite(constant: Constant, rank: int) -> Constant:
    """Infinities, as masks of attention have them, become the largest numbers; scales get `rank` axes."""
    data = constant.data
    if constant.scale is None:
        data = np.clip(data.astype(np.float32), -LARGEST_FLOAT, LARGEST_FLOAT)
        return Constant(data)
    parts = (None if part is None else part.reshape((1,) * rank) for part in (constant.scale, constant.zero))
    return Constant(data, *parts)


def _broadcast(
    network: Network, node: Node, kind: str, operands: Sequence[Tensor | Constant], attributes: dict[str, Any]
) -> Tensor:
    """Operands of several shapes, laid out as one of them that has the shape of the result, if there is one."""
    shapes = [one.data.shape if isinstance(one, Constant) else one.places.shape for one in operands]
    shape = np.broadcast_shapes(*shapes)
    whole = [one for one in operands if isinstance(one, Tensor) and one.places.size == math.prod(shape)]
    leading = Tensor(whole[0].value, _wide(whole[0], len(shape))) if whole else None
    axes = network.axes(leading) if leading else [axis for axis, size in enumerate(shape) if size > 1]
    given = [_operand(network, one, axes, len(shape)) for one in operands]
    name = network.emit(kind, node, given, [shape[axis] for axis in axes], **attributes)
    return Tensor(name, placed(shape, axes))


def _operand(network: Network, operand: Tensor | Constant, axes: Sequence[int], rank: int) -> str:
    if isinstance(operand, Tensor):
        return network.ordered(Tensor(operand.value, _wide(operand, rank)), axes)
    if operand.scale is not None and operand.scale.size != 1:
        raise ValueError("a constant has several scales")
    data = operand.data.reshape((1,) * (rank - operand.data.ndim) + operand.data.shape)
    rest = [axis for axis in range(rank) if axis not in axes]
    data = data.transpose([*axes, *rest]).reshape([data.shape[axis] for axis in axes])
    return network.weigh(_finite(replace(operand, data=data), data.ndim), "addend")


# Nodes


def _unary(network: Network, node: Node) -> None:
    x, kind = network.real(node.inputs[0]), UNARY[node.op]
    attributes: dict[str, Any] = {}
    if kind == "leaky_relu":
        attributes["slope"] = float(node.get("alpha", 0.01))
        if not 0 <= attributes["slope"] <= 1:
            raise node.unsupported("It takes a slope from 0 to 1")
    if kind == "hard_sigmoid":
        attributes = {"alpha": float(node.get("alpha", 0.2)), "beta": float(node.get("beta", 0.5))}
    if kind == "elu":
        given = SELU if node.op == "Selu" else {"alpha": 1.0, "gamma": 1.0}
        attributes = {name: float(node.get(name, number)) for name, number in given.items()}
    if kind == "gelu" and node.get("approximate", b"none") != b"none":
        raise node.unsupported("Export GELU without approximation")
    if not all(math.isfinite(number) for number in attributes.values()):
        raise ValueError(f"its attributes are {attributes}")
    network.put(node, apply(network, node, kind, x, **attributes))


def _clip(network: Network, node: Node) -> None:
    x, (low, high) = network.real(node.inputs[0]), (_limit(network, node, 1, "min"), _limit(network, node, 2, "max"))
    if math.isnan(low + high) or low > high:
        raise ValueError(f"it clips from {low} to {high}")
    if low == 0 and (high == 6 or high >= LARGEST_FLOAT):
        return network.put(node, apply(network, node, "relu6" if high == 6 else "relu", x))
    limits = {"low": max(low, -LARGEST_FLOAT), "high": min(high, LARGEST_FLOAT)}
    return network.put(node, apply(network, node, "clip", x, **limits))


def _limit(network: Network, node: Node, position: int, name: str) -> float:
    if node.given(position):
        return float(network.constant(node.given(position)).data.item())
    return float(node.get(name, LARGEST_FLOAT if name == "max" else -LARGEST_FLOAT))


def _operands(network: Network, node: Node) -> list[Tensor | Constant]:
    """The inputs of a node; integers, which are compared only, as floats."""
    found = [network.find(name) for name in node.inputs]
    return [one if isinstance(one, Constant) else network.floating(one, node) for one in found]


def _binary(network: Network, node: Node) -> None:
    if whole.suits(network, node):
        return whole.whole(network, node)
    first, *others = _operands(network, node)
    if not others:
        return network.put(node, first)
    for other in others:
        first = combine(network, node, BINARY[node.op], first, other)
    return network.put(node, first)


def _power(network: Network, node: Node) -> None:
    x, exponent = _operands(network, node)
    number = float(exponent.data.item()) if isinstance(exponent, Constant) and exponent.data.size == 1 else None
    if isinstance(x, Constant) or number not in (0.5, 1, 2, 3):
        return network.put(node, combine(network, node, "pow", x, exponent))
    if number == 0.5:
        return network.put(node, apply(network, node, "sqrt", x))
    result = x
    for _ in range(int(number) - 1):
        result = combine(network, node, "mul", result, x)
    return network.put(node, result)


def _not(network: Network, node: Node) -> None:
    """Truths are floats, 0 or 1."""
    one = Constant(np.ones((), np.float32))
    network.put(node, combine(network, node, "sub", one, network.real(node.inputs[0])))


def _is_nan(network: Network, node: Node) -> None:
    """Only what is not a number does not equal itself."""
    x = network.real(node.inputs[0])
    same = combine(network, node, "equal", x, x)
    network.put(node, combine(network, node, "sub", Constant(np.ones((), np.float32)), same))


def _where(network: Network, node: Node) -> None:
    condition, first, second = _operands(network, node)
    network.put(node, _broadcast(network, node, "where", (condition, first, second), {}))


def _prelu(network: Network, node: Node) -> None:
    """max(x, 0) + slope * min(x, 0); one slope for all is a leaky ReLU."""
    x, slope = network.real(node.inputs[0]), network.constant(node.inputs[1])
    if slope.data.size == 1 and 0 <= slope.data.item() <= 1:
        return network.put(node, apply(network, node, "leaky_relu", x, slope=float(slope.data.item())))
    below = apply(network, node, "clip", x, low=-LARGEST_FLOAT, high=0.0)
    scaled = combine(network, node, "mul", below, slope)
    return network.put(node, combine(network, node, "add", apply(network, node, "relu", x), scaled))


def _swish(network: Network, node: Node) -> None:
    x, alpha = network.real(node.inputs[0]), Constant(np.asarray(node.get("alpha", 1.0), np.float32))
    scaled = x if alpha.data == 1 else combine(network, node, "mul", x, alpha)
    network.put(node, combine(network, node, "mul", x, apply(network, node, "sigmoid", scaled)))


def _batch_norm(network: Network, node: Node) -> None:
    """Times one vector plus another, which a layer in front takes into its weights."""
    x = network.real(node.inputs[0])
    gamma, beta, mean, variance = (network.constant(name).real().ravel() for name in node.inputs[1:5])
    if x.places.ndim < 2 or gamma.size != x.places.shape[1] or node.get("training_mode", 0):
        raise node.unsupported("It normalises channels in inference")
    scale = gamma / np.sqrt(variance + node.get("epsilon", 1e-5))
    for kind, vector in (("mul", scale), ("add", beta - mean * scale)):
        x = combine(network, node, kind, x, Constant(vector.reshape(-1, *[1] * (x.places.ndim - 2))))
    network.put(node, x)


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "IsNaN": _is_nan,
    "Not": _not,
    "PRelu": _prelu,
    "Pow": _power,
    "Swish": _swish,
    "Where": _where,
}
