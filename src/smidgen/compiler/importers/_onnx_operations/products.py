"""Products of matrices: with constants, which are layers, and of two computed tensors, as attention has them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor, placed, straight

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.compiler.ir import Quantization

POINTWISE = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "groups": 1, "activation": "none"}


def quantized(network: Network, name: str, dtype: str, quantization: Quantization) -> None:
    """A value that turns out to hold codes."""
    network.values[name] = replace(network.values[name], dtype=dtype, quantization=quantization)


def linear(network: Network, node: Node, x: Tensor, weight: Constant, bias: str = "") -> Tensor:
    """x (..., in) times weight (out, in), transposed: a dense layer, or of several rows a convolution of one pixel."""
    *leading, inputs = x.places.shape
    outputs = weight.data.shape[0]
    if weight.data.ndim != 2 or weight.data.shape[1] != inputs:
        raise ValueError(f"weights {weight.data.shape} do not suit {inputs} inputs")
    rows = math.prod(leading)
    if rows == 1:
        permuted = np.empty_like(weight.data)
        permuted[:, x.places.ravel()] = weight.data
        weights = network.weigh(replace(weight, data=permuted), "weight")
        name = network.emit("dense", node, (network.flat(x), weights, bias), (outputs,), activation="none")
        return Tensor(name, straight((*leading, outputs)))
    last = len(leading)
    axes = [*(axis for axis in network.axes(x) if axis != last), last]
    source = network.shaped(x, axes, (1, rows, inputs))
    pointwise = weight.mapped(lambda part: part.reshape(part.shape[0], 1, 1, part.shape[1]))
    given = (source, network.weigh(pointwise, "weight"), bias)
    name = network.emit("conv2d", node, given, (1, rows, outputs), **POINTWISE)
    return Tensor(name, placed((*leading, outputs), axes))


def _gemm(network: Network, node: Node) -> None:
    if node.get("transA", 0) or node.get("alpha", 1.0) != 1 or node.get("beta", 1.0) != 1:
        raise node.unsupported("Export it with alpha and beta of 1 and without transA")
    x, weight = network.real(node.inputs[0]), network.constant(node.inputs[1])
    if x.places.ndim != 2 or weight.data.ndim != 2:
        raise node.unsupported("It multiplies by a constant matrix")
    weight = weight if node.get("transB", 0) else weight.transposed((1, 0))
    network.put(node, linear(network, node, x, weight, network.bias(node, len(weight.data))))


def _matmul(network: Network, node: Node) -> None:
    first, second = (network.find(name) for name in node.inputs)
    if isinstance(second, Constant) and second.data.ndim == 2:
        return network.put(node, linear(network, node, network.real(node.inputs[0]), second.transposed((1, 0))))
    if isinstance(first, Constant) and first.data.ndim == 2:
        x = network.real(node.inputs[1])
        turned = linear(network, node, Tensor(x.value, x.places.swapaxes(-1, -2)), first)
        return network.put(node, Tensor(turned.value, turned.places.swapaxes(-1, -2)))
    if isinstance(first, Constant) or isinstance(second, Constant):
        raise node.unsupported("It multiplies by constant matrices, and tensors by each other")
    return network.put(node, product(network, node, network.real(node.inputs[0]), network.real(node.inputs[1])))


def product(network: Network, node: Node, a: Tensor, b: Tensor) -> Tensor:
    """a (..., n, k) times b (..., k, m); neither moves, the kernel reads them as they lie."""
    if min(a.places.ndim, b.places.ndim) < 2 or a.places.shape[-1] != b.places.shape[-2]:
        raise ValueError(f"matrices {a.places.shape} and {b.places.shape} do not suit each other")
    leading = np.broadcast_shapes(a.places.shape[:-2], b.places.shape[:-2])
    batch, rows, columns = math.prod(leading), a.places.shape[-2], b.places.shape[-1]
    given, orders = [], []
    for one in (a, b):
        flat = Tensor(one.value, one.places.reshape(-1, *one.places.shape[-2:]))
        if len(flat.places) not in (1, batch):
            raise node.unsupported("It multiplies as many matrices by as many, or by one")
        axes = network.axes(flat, (0, 1, 2))
        given.append(network.ordered(flat, axes))
        orders.append(tuple(axes.index(axis) for axis in range(3)))
    shape = (batch, rows, columns)
    name = network.emit("matmul", node, given, shape, a_order=orders[0], b_order=orders[1])
    return Tensor(name, straight((*leading, rows, columns)))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {"Gemm": _gemm, "MatMul": _matmul}
