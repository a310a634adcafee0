"""The graph of a network: captured, with batch normalisation folded and what has no effect taken out.

One form serves quantisation and the exporters: a `torch.fx.GraphModule` of ATen calls, one placeholder
for the raw input and parameters as `get_attr` nodes.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler import recurrent

aten = torch.ops.aten

WEIGHTED = (aten.conv2d.default, aten.linear.default)
VIEWS = (
    aten.flatten.using_ints,
    aten.view.default,
    aten.reshape.default,
    aten.permute.default,
    aten.transpose.int,
    aten.squeeze.dim,
    aten.unsqueeze.default,
    aten.select.int,
)
IDENTITIES = (aten.dropout.default, aten.clone.default, aten.contiguous.default, aten.detach.default)


def capture(network: nn.Module, raw: Tensor) -> fx.GraphModule:
    """The graph of `network` in inference mode, for any batch size.

    Args:
        network: a module of one input; it is left as it was.
        raw: an example input, (batch, ...); only its shape and type matter.
    """
    was_training = network.training
    network.eval()
    try:
        batch = torch.export.Dim("batch", min=1)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The tensor attributes")  # recurrent modules keep a list of their weights
            two = torch.cat([raw[:1], raw[:1]])  # a batch of one would be taken for a constant
            program = torch.export.export(network, (two,), dynamic_shapes=({0: batch},), strict=False)
    finally:
        network.train(was_training)
    graph = program.module()
    _mark_floats(graph, network)
    _drop_guards(graph)
    recurrent.split(graph)
    _fold_batch_norm(graph)
    _drop_identities(graph)
    graph.graph.eliminate_dead_code()
    return fx.GraphModule(graph, graph.graph)  # with only the tensors that are used


def tensor(graph: fx.GraphModule, node: Any) -> Tensor | None:
    """The parameter or buffer behind a `get_attr` node."""
    if not isinstance(node, fx.Node) or node.op != "get_attr":
        return None
    value: Any = graph
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return cast("Tensor", value)


def calls(graph: fx.GraphModule, *targets: Callable[..., Any]) -> Iterator[fx.Node]:
    """The nodes that call one of `targets`, in order of execution."""
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and node.target in targets:
            yield node


def argument(node: fx.Node, position: int, default: Any = None) -> Any:
    """A positional argument, or its default where the graph leaves it out."""
    return node.args[position] if len(node.args) > position else default


def attach(graph: fx.GraphModule, name: str, value: Tensor) -> fx.Node:
    """A new parameter under a name of its own, as a `get_attr` node at the insertion point."""
    graph.register_parameter(name, nn.Parameter(value))
    return graph.graph.get_attr(name)


def _mark_floats(graph: fx.GraphModule, network: nn.Module) -> None:
    """Note which nodes come from modules that say `floats = True`: they compute in float in quantised networks too."""
    floats = {name for name, module in network.named_modules() if getattr(module, "floats", False)}
    for node in graph.graph.nodes:
        inside = (node.meta.get("nn_module_stack") or {}).values()
        node.meta["floats"] = any(path in floats for path, _ in inside)


def _drop_guards(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        guards = node.op == "call_module" and node.target == "_guards_fn"
        if guards or node.target is aten._assert_tensor_metadata.default:
            graph.graph.erase_node(node)


def _drop_identities(graph: fx.GraphModule) -> None:
    for node in calls(graph, *IDENTITIES):
        node.replace_all_uses_with(cast("fx.Node", node.args[0]))
        graph.graph.erase_node(node)


def _fold_batch_norm(graph: fx.GraphModule) -> None:
    """Batch normalisation after a convolution or linear layer becomes part of its weight and bias."""
    for index, norm in enumerate(calls(graph, aten.batch_norm.default)):
        layer = norm.args[0]
        if not isinstance(layer, fx.Node) or layer.target not in WEIGHTED or len(layer.users) != 1:
            continue
        gamma, beta, mean, variance = (tensor(graph, norm.args[i]) for i in range(1, 5))
        weight, bias = tensor(graph, layer.args[1]), tensor(graph, argument(layer, 2))
        if weight is None or mean is None or variance is None:
            continue
        with torch.no_grad():
            scale = torch.rsqrt(variance + float(cast("float", norm.args[7])))
            scale = scale if gamma is None else scale * gamma
            folded = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
            shift = (0.0 if bias is None else bias) - mean
            shifted = shift * scale if beta is None else shift * scale + beta
        with graph.graph.inserting_before(layer):
            rest = layer.args[3:]
            new = (layer.args[0], attach(graph, f"weight_{index}", folded), attach(graph, f"bias_{index}", shifted))
        layer.args = (*new, *rest)
        norm.replace_all_uses_with(layer)
        graph.graph.erase_node(norm)
