"""A model of int8 as onnxruntime likes it best: QDQ, activations of uint8, weights of int8, channels first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from smidgen.compiler.ir import Operation, Program, Value
    from smidgen.types import Array


class Graph:
    """Collects nodes and constants. Activations are known by the name of their value; NAME_q has their codes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One node; its output."""
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, data: Array | np.generic) -> str:
        """One constant; its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(data, order="C"), name))
        return name

    def scale(self, value: Value) -> list[str]:
        """Scale and zero point of an activation, as codes of uint8."""
        assert value.quantization is not None
        zero = np.uint8(value.quantization.zero_point + 128)
        return [self.constant(np.float32(value.quantization.scale)), self.constant(zero)]

    def rounded(self, real: str, value: Value) -> None:
        """The activation `value`: `real`, rounded to codes."""
        scale = self.scale(value)
        codes = self.node("QuantizeLinear", [real, *scale], f"{value.name}_q")
        self.node("DequantizeLinear", [codes, *scale], value.name)

    def weight(self, value: Value, data: Array) -> str:
        """A weight of int8 or a bias of int32."""
        assert value.quantization is not None
        scales = np.array(value.quantization.scales, np.float32)
        zeros = np.zeros(scales.shape, data.dtype)
        inputs = [self.constant(data), self.constant(scales if len(scales) > 1 else scales[0])]
        inputs.append(self.constant(zeros if len(scales) > 1 else zeros[0]))
        axis = {"axis": 0} if len(scales) > 1 else {}
        return self.node("DequantizeLinear", inputs, f"real_{len(self.nodes)}", **axis)

    def layer(self, operation: Operation) -> None:
        """A convolution or a dense layer."""
        (x, weight, bias, *_), (y,) = self.program.of(operation)
        assert x is not None
        assert weight is not None
        assert bias is not None
        assert weight.data is not None
        assert bias.data is not None
        turned = weight.data.transpose(0, 3, 1, 2) if operation.kind == "conv2d" else weight.data
        inputs = [x.name, self.weight(weight, turned), self.weight(bias, bias.data)]
        if operation.kind == "conv2d":
            known = operation.attributes
            names = {"strides": known["stride"], "pads": known["padding"], "group": known["groups"]}
            real = self.node("Conv", inputs, f"{y.name}_real", **names)
        else:
            real = self.node("Gemm", inputs, f"{y.name}_real", transB=1)
        self.rounded(real, y)

    def other(self, operation: Operation) -> None:
        """An operation that does not have weights."""
        given, (y,) = self.program.of(operation)
        inputs = [value.name for value in given if value is not None]
        attributes = {
            "average_pool2d": {"kernel_shape": operation.attributes.get("kernel", ())},
            "reshape": {"axis": 1},
            "softmax": {"axis": 1},
        }
        names = {"average_pool2d": "AveragePool", "reshape": "Flatten", "softmax": "Softmax", "add": "Add"}
        kind = operation.kind
        self.rounded(self.node(names[kind], inputs, f"{y.name}_real", **attributes.get(kind, {})), y)


def convert(program: Program) -> bytes:
    """The file; its input `codes` is of uint8, (1, ...) with channels first, its output `answer` of uint8."""
    graph = Graph(program)
    (x,), (y,) = ([program.values[name] for name in names] for names in (program.inputs, program.outputs))
    graph.node("DequantizeLinear", ["codes", *graph.scale(x)], x.name)
    for operation in program.operations:
        (graph.layer if operation.kind in ("conv2d", "dense") else graph.other)(operation)
    graph.node("Identity", [f"{y.name}_q"], "answer")
    shape = [x.shape[-1], *x.shape[:-1]] if len(x.shape) == 3 else [*x.shape]
    given = helper.make_tensor_value_info("codes", TensorProto.UINT8, [1, *shape])
    wanted = helper.make_tensor_value_info("answer", TensorProto.UINT8, [1, *y.shape])
    whole = helper.make_graph(graph.nodes, "int8", [given], [wanted], graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def codes(given: Array) -> Array:
    """An example of int8, channels last, as the file wants it."""
    unsigned = (given.astype(np.int16) + 128).astype(np.uint8)
    return np.ascontiguousarray(unsigned.transpose(2, 0, 1) if unsigned.ndim == 3 else unsigned)[None]
