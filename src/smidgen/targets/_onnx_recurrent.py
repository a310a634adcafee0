"""Recurrent layers as GRU, LSTM and RNN of ONNX, one node for each direction; their weights may be integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler.recurrent import GATES, QuantizedRecurrent, layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

OPSET = 18
NODES = {"gru": "GRU", "lstm": "LSTM", "rnn_tanh": "RNN", "rnn_relu": "RNN"}
ORDER = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}  # z r h of torch's r z n, and i o f c of its i f g o


class Recurrent(nn.Module):
    """Emits one node of ONNX, which the eager interpreter cannot run and the exporter writes as it is."""

    def __init__(
        self, weights: Sequence[Tensor], scales: Sequence[Tensor], cell: str, reverse: bool, last: bool
    ) -> None:
        """Args as those of `compiler.recurrent.layer`; `scales` of the rows of weight and recurrent, where integers."""
        super().__init__()
        self.cell, self.reverse, self.last, self.units = cell, reverse, last, weights[1].shape[1]
        weight, recurrent, *biases = (self._ordered(one) for one in weights)
        self.register_buffer("weight", weight[None])
        self.register_buffer("recurrent", recurrent[None])
        self.register_buffer("bias", torch.cat(biases)[None].float())
        self.register_buffer("scales", torch.stack([self._ordered(one) for one in scales]) if scales else None)

    def _ordered(self, rows: Tensor) -> Tensor:
        """Rows (gates * units, ...) with the gates in the order of ONNX."""
        gates = rows.detach().reshape(GATES[self.cell], -1, *rows.shape[1:])
        return gates[list(ORDER.get(self.cell, (0,)))].reshape(rows.shape).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, in) -> (batch, time, units), or (batch, units) of the last step."""
        time_first = x.transpose(0, 1)
        attributes: dict[str, Any] = {"hidden_size": self.units, "direction": "reverse" if self.reverse else "forward"}
        if self.cell == "gru":
            attributes["linear_before_reset"] = 1
        if self.cell == "rnn_relu":
            attributes["activations"] = ["Relu"]
        inputs = [time_first, self._real("weight", 0), self._real("recurrent", 1), cast("Tensor", self.bias)]
        batch, steps = x.shape[0], x.shape[1]
        y, h = torch.onnx.ops.symbolic_multi_out(
            NODES[self.cell],
            inputs,
            attributes,
            dtypes=[torch.float32] * 2,
            shapes=[(steps, 1, batch, self.units), (1, batch, self.units)],
            version=OPSET,
        )
        return h.squeeze(0) if self.last else y.squeeze(1).transpose(0, 1)

    def _real(self, name: str, index: int) -> Tensor:
        codes = cast("Tensor", getattr(self, name))
        scales = self._buffers["scales"]
        if scales is None:
            return codes
        inputs = [codes, scales[index]]
        return torch.onnx.ops.symbolic(
            "DequantizeLinear", inputs, {"axis": 1}, dtype=torch.float32, shape=codes.shape, version=OPSET
        )


def symbol(module: QuantizedRecurrent) -> Recurrent:
    """What stands for a layer with integer weights."""
    coded = [module.weight, module.recurrent]
    weights = [*(one.codes().to(torch.int8) for one in coded), module.bias, module.recurrent_bias]
    return Recurrent(weights, [one.scale.float() for one in coded], module.cell, module.reverse, module.last)


def needs_graph(network: nn.Module) -> bool:
    """Whether a float network has layers that the exporter of torch would take apart."""
    return not isinstance(network, fx.GraphModule) and any(isinstance(one, nn.RNNBase) for one in network.modules())


def replace_calls(graph: fx.GraphModule) -> None:
    """Layers with float weights as what stands for them."""
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target is not layer:
            continue
        x, *weights, cell, reverse, last = node.args
        constants = [graph.get_parameter(str(cast("fx.Node", one).target)) for one in weights]
        name = f"symbol_{node.name}"
        graph.add_submodule(name, Recurrent(constants, [], cast("str", cell), bool(reverse), bool(last)))
        with graph.graph.inserting_before(node):
            made = graph.graph.call_module(name, (x,))
        node.replace_all_uses_with(made)
        graph.graph.erase_node(node)


def drop_unread(model: onnx.ModelProto) -> None:
    """Leave out the states of recurrent nodes that nothing reads, so that runtimes need not keep them."""
    read = {name for node in model.graph.node for name in node.input} | {value.name for value in model.graph.output}
    for node in model.graph.node:
        if node.op_type in NODES.values():
            node.output[:] = [name if name in read else "" for name in node.output]
            while not node.output[-1]:
                del node.output[-1]
