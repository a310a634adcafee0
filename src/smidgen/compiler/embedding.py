"""Look-up tables in a graph: rows of integers with one scale for all, so that what is found is on a grid."""

from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler.integer import round_through, weight_scale

aten = torch.ops.aten

ZERO_POINT = 128  # of the codes as they ship, uint8: integer kernels want activations unsigned


class QuantizedEmbedding(nn.Module):
    """A table of integers of some bits, symmetric about 0; the numbers and their scale are learned.

    A row of zeros stays one: what stands for padding.
    """

    def __init__(self, table: Tensor, padding: int, bits: int) -> None:
        super().__init__()
        self.most, self.padding = 2 ** (bits - 1) - 1, padding
        self.weight = nn.Parameter(table.detach().clone())
        self.log_scale = nn.Parameter(weight_scale(self.weight.detach().reshape(1, -1), bits)[0].log())

    def codes(self) -> Tensor:
        """The integers as floats, (rows, depth); gradients pass through the rounding."""
        return round_through(torch.clamp(self.weight / self.log_scale.exp(), -self.most, self.most))

    def forward(self, indices: Tensor) -> Tensor:
        """Whole numbers of any shape -> float32 (..., depth)."""
        table = self.codes() * self.log_scale.exp()
        return nn.functional.embedding(indices, table, self.padding if self.padding >= 0 else None)


def quantize(graph: fx.GraphModule, bits: int) -> None:
    """Integer tables, of so many bits, for every look-up in a constant table of floats; one for all that share it."""
    made: dict[str, str] = {}
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target is not aten.embedding.default:
            continue
        source = cast("fx.Node", node.args[0])
        name = str(source.target)
        table = _constant(graph, source)
        if table is None or not table.is_floating_point():
            continue
        if name not in made:
            made[name] = f"embedding_{len(made)}"
            padding = int(cast("int", node.args[2])) if len(node.args) > 2 else -1
            graph.add_submodule(made[name], QuantizedEmbedding(table, padding, bits))
        with graph.graph.inserting_before(node):
            coded = graph.graph.call_module(made[name], (node.args[1],))
        coded.meta = dict(node.meta)
        node.replace_all_uses_with(coded)
        graph.graph.erase_node(node)


def _constant(graph: fx.GraphModule, node: fx.Node) -> Tensor | None:
    if node.op != "get_attr":
        return None
    value: Any = graph
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return cast("Tensor", value)
