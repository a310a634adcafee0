"""What a network costs on a device, from its graph alone: flash, RAM, multiply-accumulates.

Until networks are compiled, flash is the bytes of the weights as they ship (8-bit weights, 32-bit biases, a 32-bit
scale a channel, or 32-bit floats) and RAM is the peak of what is live while the graph runs, in execution order, with
activations and views in place. Code, stack and the runtime of the device are not in either number.
"""

import math
from dataclasses import dataclass

from torch import Tensor, fx, nn

from smidgen.compiler.graph import WEIGHTED, aten, capture, is_view, shape_of, tensor
from smidgen.types import Cost

IN_PLACE = (
    aten.relu.default,
    aten.relu6.default,
    aten.hardtanh.default,
    aten.leaky_relu.default,
    aten.sigmoid.default,
    aten.tanh.default,
    aten.hardswish.default,
    aten.gelu.default,
    aten.add.Tensor,
    aten.mul.Tensor,
    aten.sub.Tensor,
    aten._to_copy.default,
    aten.to.dtype,
)


@dataclass(frozen=True)
class Layer:
    """One step of a graph and what it holds: sizes in elements, for one example."""

    name: str
    operation: str
    weights: int
    biases: int
    macs: int
    output: int
    live: int  # elements live while it runs, its inputs and output among them


def price(network: nn.Module, raw: Tensor, bits: int = 8) -> Cost:
    """What `network` costs with weights and activations of `bits` (8, or 32 for float).

    Args:
        network: untrained or trained; it is left as it was.
        raw: an example input, (batch, ...).
    """
    layers = table(capture(network, raw))
    weights, biases = sum(layer.weights for layer in layers), sum(layer.biases for layer in layers)
    scales = biases if bits < 32 else 0
    element = bits // 8
    return Cost(
        parameters=weights + biases,
        flash_bytes=math.ceil(weights * bits / 8) + 4 * (biases + scales),
        ram_bytes=max((layer.live for layer in layers), default=0) * element,
        macs=sum(layer.macs for layer in layers),
        basis=f"{bits}-bit weights and the peak of live {bits}-bit activations; without code and stack",
    )


def table(graph: fx.GraphModule) -> list[Layer]:
    """The cost of each step of a captured graph, in execution order."""
    buffers = _buffers(graph)
    last_use = {
        buffers[source]: index
        for index, node in enumerate(graph.graph.nodes)
        for source in node.all_input_nodes
        if source in buffers
    }
    live: dict[fx.Node, int] = {}
    rows: list[Layer] = []
    for index, node in enumerate(graph.graph.nodes):
        if node not in buffers:
            continue
        live[buffers[node]] = max(live.get(buffers[node], 0), math.prod(shape_of(node)))
        if node.op == "call_function":
            rows.append(_row(graph, node, sum(live.values())))
        for buffer in [buffer for buffer in live if last_use.get(buffer, -1) <= index]:
            del live[buffer]
    return rows


def _buffers(graph: fx.GraphModule) -> dict[fx.Node, fx.Node]:
    """For each node the node whose memory it lives in: its own, or that of an input it may overwrite."""
    uses_left = {node: len(node.users) for node in graph.graph.nodes}
    home: dict[fx.Node, fx.Node] = {}
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            home[node] = node
        elif node.op == "call_function" and isinstance(node.meta.get("val"), Tensor):
            sources = [source for source in node.all_input_nodes if source in home]
            for source in sources:
                uses_left[source] -= 1
            home[node] = next(
                (
                    home[source]
                    for source in sources
                    if (is_view(node) or node.target in IN_PLACE)
                    and uses_left[source] == 0
                    and math.prod(shape_of(source)) == math.prod(shape_of(node))
                ),
                node,
            )
    return home


def _row(graph: fx.GraphModule, node: fx.Node, live: int) -> Layer:
    weights = biases = macs = 0
    if node.target in WEIGHTED:
        weight = tensor(graph, node.args[1])
        bias = tensor(graph, node.args[2]) if len(node.args) > 2 else None
        weights = 0 if weight is None else weight.numel()
        biases = 0 if bias is None else bias.numel()
        places = math.prod(shape_of(node)[1:]) if node.target is aten.conv2d.default else 1
        macs = weights * places
    operation = str(node.target).removeprefix("aten.").split(".")[0]
    return Layer(node.name, operation, weights, biases, macs, math.prod(shape_of(node)), live)
