"""ONNX: one file from the sensor to the answer, which runs with onnxruntime alone.

Torch's exporter writes every operation; the integer modules stand in for themselves as QuantizeLinear and
DequantizeLinear, with their weights as 8-bit initialisers, so that onnxruntime fuses each layer into integer kernels.
"""

from __future__ import annotations

import copy
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler.embedding import QuantizedEmbedding
from smidgen.compiler.graph import capture
from smidgen.compiler.integer import ActivationQuantizer, InputScale, QuantizedLayer
from smidgen.compiler.network import Answering, example
from smidgen.compiler.recurrent import QuantizedRecurrent
from smidgen.targets import _onnx_embedding, _onnx_recurrent, _onnx_sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import onnx

    from smidgen.types import Answer, Array, Signal

OPSET = 18
IR_VERSION = 9  # what opset 18 was published with: older runtimes read the file too


def write(network: nn.Module, signal: Signal, answer: Answer, metadata: Mapping[str, str]) -> bytes:
    """The ONNX file of a float network or of a quantised graph.

    Args:
        network: raw input -> raw outputs; the answer's head is put behind it.
        signal: names and shapes the input.
        answer: names and shapes the output.
        metadata: goes into the file as it is (labels, units).
    """
    raw = example(signal, batch=2)
    with _quiet(), torch.no_grad():
        body = copy.deepcopy(network).cpu().eval()
        if _onnx_recurrent.needs_graph(body):
            body = capture(body, raw)
        shipped = Answering(body, answer.head())
        if isinstance(shipped.network, fx.GraphModule):
            _as_symbols(shipped.network)
        program = torch.onnx.export(
            shipped,
            (raw,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[signal.input.name],
            output_names=[answer.output.name],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            optimize=True,
            verbose=False,
            custom_translation_table=_onnx_sound.translations(),
        )
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    _onnx_sound.expand(model)
    _tidy(model, metadata)
    return bytes(model.SerializeToString(deterministic=True))


class _Symbol(nn.Module):
    """Emits one ONNX node, which the eager interpreter cannot run and the exporter writes as it is."""

    @staticmethod
    def emit(operation: str, inputs: list[Tensor], shape: Any, dtype: torch.dtype, axis: int | None = None) -> Tensor:
        attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
        return torch.onnx.ops.symbolic(operation, inputs, attributes, dtype=dtype, shape=shape, version=OPSET)


class _Dequantize(_Symbol):
    def __init__(self, scale: float, zero_point: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.register_buffer("zero", torch.tensor(zero_point, dtype=torch.uint8))

    def forward(self, codes: Tensor) -> Tensor:
        inputs = [codes, cast("Tensor", self.scale), cast("Tensor", self.zero)]
        return self.emit("DequantizeLinear", inputs, codes.shape, torch.float32)


class _Round(_Dequantize):
    def forward(self, x: Tensor) -> Tensor:
        inputs = [x, cast("Tensor", self.scale), cast("Tensor", self.zero)]
        return super().forward(self.emit("QuantizeLinear", inputs, x.shape, torch.uint8))


class _Layer(_Symbol):
    """A quantised layer whose weight and bias are integer initialisers, dequantised per output channel."""

    def __init__(self, layer: QuantizedLayer, log_scale_in: Tensor) -> None:
        super().__init__()
        self.operation, self.rest = layer.operation, layer.rest
        self.register_buffer("weight", layer.codes().detach().to(torch.int8))
        self.register_buffer("scale", layer.scale.detach().float())
        self.register_buffer("zero", torch.zeros(len(layer.weight), dtype=torch.int8))
        self.register_buffer("bias", layer.bias_codes(log_scale_in).detach().to(torch.int32))
        self.register_buffer("bias_scale", layer.scale.detach().float() * log_scale_in.detach().exp().float())

    def forward(self, x: Tensor, log_scale_in: Tensor) -> Tensor:  # noqa: ARG002 - the graph passes it
        weight, scale, zero, bias, bias_scale = self.buffers()
        # onnxruntime makes integer kernels of convolutions without a zero point, but not of Gemm
        given = [weight, scale, zero] if weight.ndim == 2 else [weight, scale]
        dequantized = self.emit("DequantizeLinear", given, weight.shape, torch.float32, axis=0)
        shift = self.emit("DequantizeLinear", [bias, bias_scale], bias.shape, torch.float32, axis=0)
        output: Tensor = self.operation(x, dequantized, shift, *self.rest)
        return output


def _as_symbols(graph: fx.GraphModule) -> None:
    """Replace the integer modules of a quantised graph by the ONNX nodes that they stand for."""
    _onnx_recurrent.replace_calls(graph)
    for node in list(graph.graph.nodes):
        if node.op != "call_module":
            continue
        module: nn.Module = graph.get_submodule(str(node.target))
        if isinstance(module, QuantizedLayer):
            scale_node = cast("fx.Node", node.args[1])
            owner, _, name = str(scale_node.target).rpartition(".")
            log_scale = getattr(graph.get_submodule(owner), name)
            graph.add_submodule(f"symbol_{node.name}", _Layer(module, log_scale))
            node.target = f"symbol_{node.name}"
            node.args = (node.args[0], node.args[0])
        elif isinstance(module, QuantizedRecurrent):
            graph.add_submodule(f"symbol_{node.name}", _onnx_recurrent.symbol(module))
            node.target = f"symbol_{node.name}"
        elif isinstance(module, QuantizedEmbedding):
            graph.add_submodule(f"symbol_{node.name}", _onnx_embedding.Lookup(module))
            node.target = f"symbol_{node.name}"
        elif isinstance(module, InputScale | ActivationQuantizer):
            scale = float(module.log_scale.detach().exp())
            kind = _Round if isinstance(module, ActivationQuantizer) else _Dequantize
            graph.add_submodule(f"symbol_{node.name}", kind(scale, module.zero_point))
            node.target = f"symbol_{node.name}"
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()


def _tidy(model: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
    """Leave what a runtime needs: no traces of the exporter, short names, our metadata."""
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "smidgen", "", ""
    graph = model.graph
    graph.name, graph.doc_string = "smidgen", ""
    del graph.value_info[:]
    del graph.metadata_props[:]
    del model.metadata_props[:]
    del model.functions[:]
    for key in sorted(metadata):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, metadata[key]
    _pool_globally(model)
    _onnx_recurrent.drop_unread(model)
    kept = {value.name for value in (*graph.input, *graph.output)}
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
    short: dict[str, str] = {name: name for name in kept} | {"": ""}
    for tensor in graph.initializer:
        tensor.name = short.setdefault(tensor.name, f"c{len(short):x}")
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    for node in graph.node:
        node.name, node.doc_string = "", ""
        del node.metadata_props[:]
        node.input[:] = [short.setdefault(name, f"v{len(short):x}") for name in node.input]
        node.output[:] = [short.setdefault(name, f"v{len(short):x}") for name in node.output]


def _pool_globally(model: onnx.ModelProto) -> None:
    """The exporter writes global average pooling as ReduceMean, for which runtimes have no integer kernel."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "ReduceMean" or len(node.input) != 2 or node.input[1] not in constants:
            continue
        axes = numpy_helper.to_array(constants[node.input[1]]).tolist()
        keeps = next((attribute.i for attribute in node.attribute if attribute.name == "keepdims"), 1)
        if keeps and sorted(axes) in ([2, 3], [-2, -1]):
            node.op_type = "GlobalAveragePool"
            del node.input[1:], node.attribute[:]
    used = {name for node in model.graph.node for name in node.input}
    unused = [tensor for tensor in model.graph.initializer if tensor.name not in used]
    for tensor in unused:
        model.graph.initializer.remove(tensor)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's progress and deprecation notes are not the user's business."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.getLogger("torch.onnx").setLevel(level)


def inside(model: bytes, raw: Array) -> list[Array]:
    """The values behind every QuantizeLinear of a shipped file, dequantised, in order of execution; each (batch, ...).

    Args:
        model: a file that `write` made.
        raw: a batch of inputs.
    """
    import onnx
    import onnxruntime

    proto = onnx.load_model_from_string(model)
    codes = [node.output[0] for node in proto.graph.node if node.op_type == "QuantizeLinear"]
    values = {node.input[0]: node.output[0] for node in proto.graph.node if node.op_type == "DequantizeLinear"}
    wanted = [values[code] for code in codes]
    if not wanted:
        return []  # only weights are integers; a session that is asked for nothing gives everything
    for name in wanted:
        proto.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[Array] = session.run(wanted, {proto.graph.input[0].name: raw})
    return found


def export(bundle: Path, folder: Path) -> list[Path]:
    """The bundle's model.onnx by itself; `Target.export`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    path.write_bytes((bundle / "model.onnx").read_bytes())
    return [path]
