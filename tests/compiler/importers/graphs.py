"""Small ONNX graphs, by hand or as torch exports them, and what onnxruntime makes of them."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from smidgen.compiler.ir import Program
from smidgen.compiler.reference import run
from smidgen.types import Array

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
DICE = np.random.default_rng(3)


class Graph:
    """Collects nodes; each call of `add` gives the name of the node's output."""

    def __init__(self, shape: Sequence[int], dtype: int = FLOAT) -> None:
        self.input = helper.make_tensor_value_info("x", dtype, ["batch", *shape])
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """Inputs are names, or arrays that become constants; None is one that is left out."""
        names = [
            one if isinstance(one, str) else "" if one is None else self.constant(np.asarray(one)) for one in inputs
        ]
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [name], name=f"node/{name}", **attributes))
        return name

    def rounded(self, x: str, scale: float, zero_point: int, dtype: type = np.uint8) -> str:
        """QuantizeLinear and DequantizeLinear."""
        given = (np.float32(scale), dtype(zero_point))
        return self.add("DequantizeLinear", self.add("QuantizeLinear", x, *given), *given)

    def weight(self, codes: Array, scales: Any, axis: int = 0) -> str:
        """Dequantised constant codes."""
        return self.add("DequantizeLinear", codes, np.asarray(scales, np.float32), axis=axis)

    def bytes(self, *outputs: str) -> bytes:
        """The file, with the named values as outputs."""
        results = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs or (f"v{len(self.nodes) - 1}",)]
        graph = helper.make_graph(self.nodes, "g", [self.input], results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        return bytes(model.SerializeToString())


def theirs(model: bytes, x: Array) -> list[Array]:
    """What onnxruntime computes, without its optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(None, {"x": x})
    return found


def quantized_convolution() -> Graph:
    """Two convolutions with a residual sum, pooling and a dense layer, all in integers but the end."""
    dice = np.random.default_rng(0)
    graph = Graph((6, 5, 2), UINT8)
    image = graph.add("Transpose", "x", perm=[0, 3, 1, 2])
    x = graph.add("DequantizeLinear", image, np.float32(0.02), np.uint8(120))
    for channels, scale, zero_point in ((2, 0.05, 130), (4, 0.04, 0)):
        codes = dice.integers(-127, 128, (4, channels, 3, 3)).astype(np.int8)
        scales = dice.uniform(0.004, 0.01, 4).astype(np.float32)
        bias = graph.weight(
            dice.integers(-999, 999, 4).astype(np.int32), scales * np.float32(0.02 if channels == 2 else 0.05)
        )
        y = graph.add("Conv", x, graph.weight(codes, scales), bias, pads=[1, 1, 1, 1])
        y = graph.rounded(y, scale, zero_point)
        x = y if channels == 2 else graph.rounded(graph.add("Relu", graph.add("Add", x, y)), 0.03, 0)
    x = graph.rounded(graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), 0.03, 0)
    flat = graph.rounded(graph.add("Flatten", x), 0.03, 0)
    codes = dice.integers(-127, 128, (3, 24)).astype(np.int8)
    graph.add("Softmax", graph.add("Gemm", flat, graph.weight(codes, [0.003, 0.004, 0.005]), transB=1), axis=1)
    return graph


def ours(program: Program, x: Array) -> Array:
    """What the reference executor computes, where there is one output."""
    (found,) = run(program, {"x": x}).values()
    return found


def normal(*shape: int) -> Any:
    return DICE.normal(size=shape).astype(np.float32)


def gelu(graph: Graph, x: str, half_first: bool) -> str:
    inner = graph.add("Add", graph.add("Erf", graph.add("Div", x, np.float32(2**0.5))), np.float32(1))
    if half_first:
        return graph.add("Mul", x, graph.add("Mul", np.float32(0.5), inner))
    return graph.add("Mul", graph.add("Mul", x, inner), np.float32(0.5))


def flattened(graph: Graph) -> str:
    """The dense layer's weights are in the order of channels first."""
    image = graph.add("Relu", graph.add("Conv", "x", normal(3, 4, 3, 3), normal(3)))
    return graph.add("Gemm", graph.add("Flatten", image), normal(3 * 4 * 5, 7), normal(7))


def exported(network: nn.Module, x: torch.Tensor) -> bytes:
    """The ONNX file that torch makes of a network and an example of its input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        made = torch.onnx.export(network.eval(), (x,), dynamo=True, opset_version=18, verbose=False)
        logging.disable(logging.NOTSET)
    assert made is not None
    return bytes(made.model_proto.SerializeToString())
