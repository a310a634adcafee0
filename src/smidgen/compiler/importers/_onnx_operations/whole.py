"""Sums, products and remainders of whole numbers of 32 bits, as hashes are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor, placed

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS = {"Add": "add", "Mul": "mul", "Mod": "mod"}


def suits(network: Network, node: Node) -> bool:
    """Whether a node adds or multiplies whole numbers of 32 bits, at least one of them computed."""
    found = [network.tensors.get(name) for name in node.inputs]
    computed = [one for one in found if isinstance(one, Tensor)]
    constant = [one for one in found if isinstance(one, Constant)]
    return (
        node.op in FUNCTIONS
        and bool(computed)
        and len(computed) + len(constant) == len(found) == 2
        and all(_plain(network, one) for one in computed)
        and all(one.scale is None and one.data.dtype.kind in "iu" for one in constant)
    )


def _plain(network: Network, tensor: Tensor) -> bool:
    value = network.values[tensor.value]
    return value.dtype == "int32" and value.quantization is None


def whole(network: Network, node: Node) -> None:
    """One operation on two tensors of one shape, or on a tensor and one number."""
    first, second = (network.find(name) for name in node.inputs)
    if isinstance(first, Constant) and node.op != "Mod":
        first, second = second, first
    if not isinstance(first, Tensor):
        raise node.unsupported("It divides what is computed")
    axes, shape = network.axes(first), first.places.shape
    if isinstance(second, Constant):
        if second.data.size != 1 or not -(2**31) <= int(second.data.item()) < 2**31:
            raise node.unsupported("Of whole numbers it takes one constant, of 32 bits")
        other = network.keep(second.data.reshape(1).astype(np.int32), "number")
    else:
        if second.places.shape != shape:
            raise node.unsupported("It takes whole numbers of one shape")
        other = network.ordered(second, axes)
    given, sizes = (network.ordered(first, axes), other), [shape[axis] for axis in axes]
    made = network.emit("whole", node, given, sizes, function=FUNCTIONS[node.op])
    network.values[made] = replace(network.values[made], dtype="int32")
    network.put(node, Tensor(made, placed(shape, axes)))


def _mod(network: Network, node: Node) -> None:
    divisor = network.find(node.inputs[1])
    positive = isinstance(divisor, Constant) and divisor.data.size == 1 and divisor.data.item() > 0
    if not suits(network, node) or not positive or node.get("fmod", 0):
        raise node.unsupported("It takes whole numbers of 32 bits and a constant above 0")
    whole(network, node)


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {"Mod": _mod}
