"""Quantisation: a trained network to integers, with scales at the least squared error on calibration data."""

from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler import embedding, recurrent
from smidgen.compiler.embedding import QuantizedEmbedding
from smidgen.compiler.graph import VIEWS, WEIGHTED, argument, aten, calls, capture, tensor
from smidgen.compiler.integer import LEVELS, ActivationQuantizer, InputScale, QuantizedLayer, quantizers

SAME_SCALE = (aten.max_pool2d.default, *VIEWS)
FUSED = (aten.relu.default, aten.relu6.default, aten.hardtanh.default, aten.leaky_relu.default)
CASTS = (aten.to.dtype, aten._to_copy.default, aten.to.dtype_layout)
SHARES = torch.linspace(1.003, 0.3, 36).tolist()  # not 1: a pooled value at its input's scale would round in ties
KEPT = 100_000  # calibration values kept for each activation


def quantize(network: nn.Module, raw: Tensor, bits: int = 8) -> fx.GraphModule:
    """The integer form of a trained network: raw input in, raw outputs out, ready to be trained further or exported.

    Args:
        network: trained; it is left as it was.
        raw: calibration inputs from the training part, (n, ...); a few hundred are enough.
        bits: of the weights, 2 to 8.
    """
    graph = capture(network, raw)
    _enter_integers(graph)
    embedding.quantize(graph, bits)
    values = _observe(graph, raw)
    for index, node in enumerate(_rounded(graph)):
        _insert_quantizer(graph, node, index, values[node.name])
    for index, node in enumerate(calls(graph, *WEIGHTED)):
        _quantize_layer(graph, node, f"layer_{index}", bits)
    recurrent.quantize(graph, bits)
    _drop_absorbed_relu(graph)
    graph.graph.eliminate_dead_code()
    return fx.GraphModule(graph, graph.graph)  # without the float weights


def rounded_names(graph: fx.GraphModule) -> list[str]:
    """For each rounding of a quantised graph, the name its value has in the graph of the float network."""
    return [str(node.meta["float"]) for node, _ in quantizers(graph)]


def activations(network: nn.Module, raw: Tensor, names: list[str]) -> dict[str, Tensor]:
    """Values inside a float network, by the names of its captured graph; each (batch, ...)."""
    graph = capture(network, raw)
    return dict(_run(graph, raw, set(names)))


def _enter_integers(graph: fx.GraphModule) -> None:
    """A front end that is (raw - zero_point) * scale becomes one `InputScale`."""
    for multiply in calls(graph, aten.mul.Tensor):
        shift = multiply.args[0]
        if not isinstance(shift, fx.Node) or shift.target is not aten.sub.Tensor:
            continue
        cast_node = shift.args[0]
        scale, zero_point = multiply.args[1], shift.args[1]
        if not isinstance(cast_node, fx.Node) or cast_node.target not in CASTS:
            continue
        if not isinstance(scale, float | int) or not isinstance(zero_point, float | int):
            continue
        graph.add_submodule("input_scale", InputScale(float(scale), round(zero_point)))
        with graph.graph.inserting_before(cast_node):
            entered = graph.graph.call_module("input_scale", (cast_node.args[0],))
        entered.meta = dict(multiply.meta)
        multiply.replace_all_uses_with(entered)
        graph.graph.eliminate_dead_code()
        graph.recompile()
        return


def _rounded(graph: fx.GraphModule) -> list[fx.Node]:
    """The nodes whose values are rounded.

    Every float value but what only feeds a fused activation, what only modules that stay in float read, and outputs.
    """
    after_input = [node for node in graph.graph.nodes if node.op == "call_module"]
    before_input = {source for node in after_input for source in node.all_input_nodes}
    rounded = []
    for node in graph.graph.nodes:
        if node.op != "call_function" or node in before_input:
            continue
        users = [user for user in node.users if not user.meta.get("floats")]
        fused = len(users) == 1 and users[0].target in FUSED
        last = any(user.op == "output" for user in users)
        value = node.meta.get("val")
        if users and isinstance(value, Tensor) and value.is_floating_point() and not fused and not last:
            rounded.append(node)
    return rounded


def _insert_quantizer(graph: fx.GraphModule, node: fx.Node, index: int, values: Tensor) -> None:
    source = node.all_input_nodes[0]
    while node.target in SAME_SCALE and source.target in SAME_SCALE:
        source = source.all_input_nodes[0]
    if node.target in SAME_SCALE and source.op == "call_module":
        target = str(source.target)  # the values are on its grid already: the same scale, rounded again for the record
        if isinstance(graph.get_submodule(target), InputScale | QuantizedEmbedding):
            return
    else:
        target = f"activation_{index}"
        graph.add_submodule(target, ActivationQuantizer(*_activation_scale(values)))
    with graph.graph.inserting_after(node):
        quantizer = graph.graph.call_module(target, (node,))
    quantizer.meta = {**node.meta, "float": node.name}
    node.replace_all_uses_with(
        quantizer, delete_user_cb=lambda user: user is not quantizer and not user.meta.get("floats")
    )


def _quantize_layer(graph: fx.GraphModule, node: fx.Node, name: str, bits: int) -> None:
    weight, bias = tensor(graph, node.args[1]), tensor(graph, argument(node, 2))
    values = source = cast("fx.Node", node.args[0])
    while source.target in SAME_SCALE:  # the sensor's integers in another shape
        source = source.all_input_nodes[0]
    if weight is None or source.op != "call_module" or node.meta.get("floats"):
        return  # a weight that is computed, an input that was never rounded, or the module wants it: it stays in float
    graph.add_submodule(name, QuantizedLayer(node.target, weight, bias, tuple(node.args[3:]), bits))
    with graph.graph.inserting_before(node):
        scale = graph.graph.get_attr(f"{source.target}.log_scale")
        layer = graph.graph.call_module(name, (values, scale))
    layer.meta = dict(node.meta)
    node.replace_all_uses_with(layer)
    graph.graph.erase_node(node)


def _drop_absorbed_relu(graph: fx.GraphModule) -> None:
    """A ReLU in front of a rounding whose lowest level is 0 does nothing that the rounding does not."""
    for node, quantizer in quantizers(graph):
        source = cast("fx.Node", node.args[0])
        if source.target is aten.relu.default and quantizer.zero_point == 0 and len(source.users) == 1:
            node.args = (source.args[0],)


def _observe(graph: fx.GraphModule, raw: Tensor) -> dict[str, Tensor]:
    """A sample of the values of every node over the calibration inputs."""
    names = {node.name for node in _rounded(graph)}
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    batches = torch.split(raw, 64)
    dice = torch.Generator().manual_seed(0)
    for batch in batches:
        for name, value in _run(graph, batch, names):
            flat = value.flatten()  # at random: a stride would meet the same places of every map
            places = torch.randint(len(flat), (KEPT // len(batches),), generator=dice)
            kept[name] += [flat[places], flat.amin()[None], flat.amax()[None]]
    return {name: torch.cat(values) for name, values in kept.items()}


def _run(graph: fx.GraphModule, raw: Tensor, names: set[str]) -> list[tuple[str, Tensor]]:
    seen: list[tuple[str, Tensor]] = []

    class Watch(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            value = super().run_node(n)
            if n.name in names:
                seen.append((n.name, value.detach().clone()))
            return value

    with torch.no_grad():
        Watch(graph).run(raw)
    return seen


def _activation_scale(values: Tensor) -> tuple[float, int]:
    """The scale and zero point of least squared rounding error for a sample of values."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 1e-6)
    zero_point = round(LEVELS * -low / (high - low))
    best, best_error = (high - low) / LEVELS, float("inf")
    for share in SHARES:
        scale = share * (high - low) / LEVELS
        codes = torch.clamp(torch.round(values / scale), -zero_point, LEVELS - zero_point)
        error = float(((codes * scale - values) ** 2).mean())
        if error < best_error:
            best, best_error = scale, error
    return best, zero_point
