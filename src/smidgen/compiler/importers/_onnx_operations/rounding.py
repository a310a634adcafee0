"""Real numbers to codes and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor
from smidgen.compiler.ir import Quantization

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.types import Array

MOST_CHANNELS = 2**16
CODES = ("uint8", "int8")
INTEGERS = (*CODES, "int16", "int32")
FLOAT, BOOL, INTEGER_TYPES = 1, 9, (6, 7)


def _scaling(network: Network, node: Node) -> tuple[Array, Array]:
    """Scale and zero point of a (de)quantising node, checked."""
    scale = network.constant(node.inputs[1]).data
    zero = network.constant(node.inputs[2]).data if node.given(2) else np.zeros(scale.shape, np.uint8)
    if scale.size > MOST_CHANNELS or not (np.isfinite(scale) & (scale > 0)).all() or zero.shape != scale.shape:
        raise ValueError("its scales are not positive, or do not match its zero points")
    if node.get("block_size", 0):
        raise node.unsupported("It takes one scale for each channel, not for blocks")
    return scale, zero


def _quantization(network: Network, node: Node) -> Quantization:
    scale, zero = _scaling(network, node)
    if scale.size != 1 or str(zero.dtype) not in CODES:
        raise node.unsupported("It rounds activations to 8 bits with one scale")
    return Quantization((float(scale.item()),), (int(zero.item()),))


def _quantize(network: Network, node: Node) -> None:
    x, quantization = network.real(node.inputs[0]), _quantization(network, node)
    dtype = str(network.constant(node.given(2)).data.dtype) if node.given(2) else "uint8"
    name = network.emit("quantize", node, (x.value,), network.values[x.value].shape)
    network.values[name] = replace(network.values[name], dtype=dtype, quantization=quantization)
    network.put(node, Tensor(name, x.places))


def _dequantize(network: Network, node: Node) -> None:
    codes = network.find(node.inputs[0])
    if isinstance(codes, Tensor):
        return _real(network, node, codes, _quantization(network, node), CODES)
    scale, zero = _scaling(network, node)
    shape = [1] * codes.data.ndim
    if scale.size > 1:
        shape[node.get("axis", 1)] = scale.size
    np.broadcast_to(scale.reshape(shape), codes.data.shape)
    if str(codes.data.dtype) not in (*CODES, "int32"):
        raise ValueError(f"it dequantises {codes.data.dtype}")
    return network.put(node, Constant(codes.data, scale.reshape(shape or [1]), zero.reshape(shape or [1])))


def _real(network: Network, node: Node, codes: Tensor, quantization: Quantization, dtypes: tuple[str, ...]) -> None:
    value = network.values[codes.value]
    if value.dtype not in dtypes or value.quantization not in (None, quantization):
        raise node.unsupported("It reads 8-bit codes, always with the same scale")
    network.values[value.name] = replace(value, quantization=quantization)
    network.put(node, Tensor(network.emit("dequantize", node, (value.name,), value.shape), codes.places))


def _cast(network: Network, node: Node) -> None:
    """An integer as a float is a code of scale 1; a truth is 0 or 1 already, and all integers have 32 bits."""
    x, to = network.tensor(node.inputs[0]), node.get("to", 0)
    real = network.values[x.value].dtype == "float32"
    if (real and to in (FLOAT, BOOL)) or (not real and to in INTEGER_TYPES):
        network.put(node, x)
    elif to == FLOAT:
        _real(network, node, x, Quantization((1.0,), (0,)), INTEGERS)
    else:
        raise node.unsupported("It casts to float32")


OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    "Cast": _cast,
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
}
