"""Recurrent layers in a graph: one call of `layer` for each layer and direction, with float or with integer weights.

Only the weights are integers, with one scale for each row: a cell works on floats, as that of ONNX does.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from smidgen.compiler.integer import round_through, weight_scale
from smidgen.errors import Unsupported

aten = torch.ops.aten

GATES = {"gru": 3, "lstm": 4, "rnn_tanh": 1, "rnn_relu": 1}
CALLS = {
    aten.gru.input: "gru",
    aten.lstm.input: "lstm",
    aten.rnn_tanh.input: "rnn_tanh",
    aten.rnn_relu.input: "rnn_relu",
}
ZEROS = (aten.zeros.default, aten.new_zeros.default, aten.zeros_like.default)


def layer(
    x: Tensor,
    weight: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    recurrent_bias: Tensor,
    cell: str,
    reverse: bool,
    last: bool,
) -> Tensor:
    """One layer in one direction, from a state of zeros; gates in the order of torch.

    Args:
        x: (batch, time, in).
        weight: (gates * units, in).
        recurrent: (gates * units, units).
        bias: (gates * units,), added to the products of x.
        recurrent_bias: (gates * units,), added to the products of the state.
        cell: a key of GATES.
        reverse: from the last step to the first one.
        last: give the state after the step that ran last, (batch, units), not that after each, (batch, time, units).
    """
    x = x.flip(1) if reverse else x
    zeros = x.new_zeros(1, x.shape[0], recurrent.shape[1])
    state = [zeros, zeros] if cell == "lstm" else zeros
    weights = [weight, recurrent, bias, recurrent_bias]
    # without gradients cuDNN keeps nothing for a backward pass
    y, h = getattr(torch, cell)(x, state, weights, True, 1, 0.0, torch.is_grad_enabled(), False, True)[:2]
    if last:
        return cast("Tensor", h.squeeze(0))
    return cast("Tensor", y.flip(1) if reverse else y)


class Coded(nn.Module):
    """A matrix of integers of some bits, with a scale for each row; both are learned."""

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__()
        self.most = 2 ** (bits - 1) - 1
        self.weight = nn.Parameter(weight.detach().clone())
        self.log_scale = nn.Parameter(weight_scale(self.weight.detach(), bits).log())

    @property
    def scale(self) -> Tensor:
        """The scale of each row, (rows,)."""
        return self.log_scale.exp()

    def codes(self) -> Tensor:
        """The integers as floats, (rows, columns); gradients pass through the rounding."""
        return round_through(torch.clamp(self.weight / self.scale[:, None], -self.most, self.most))

    def forward(self) -> Tensor:
        """The numbers that the integers stand for, (rows, columns)."""
        return self.codes() * self.scale[:, None]


class QuantizedRecurrent(nn.Module):
    """A call of `layer` with integer weights; biases stay floats."""

    def __init__(self, weights: Sequence[Tensor], cell: str, reverse: bool, last: bool, bits: int) -> None:
        super().__init__()
        self.cell, self.reverse, self.last = cell, reverse, last
        self.weight, self.recurrent = (Coded(one, bits) for one in weights[:2])
        self.bias, self.recurrent_bias = (nn.Parameter(one.detach().clone()) for one in weights[2:])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, in) -> (batch, time, units), or (batch, units) if only the last state is wanted."""
        parts = (self.weight(), self.recurrent(), self.bias, self.recurrent_bias)
        return layer(x, *parts, self.cell, self.reverse, self.last)


def split(graph: fx.GraphModule) -> None:
    """Make calls of `layer` of torch's calls, which run several layers, in both directions.

    Raises:
        Unsupported: a call that begins with a given state, projects its output, or whose last cell is used.
    """
    for node in list(graph.graph.nodes):
        if node.op == "call_function" and node.target in CALLS:
            with graph.graph.inserting_before(node):
                _Split(graph, node).run()
    graph.graph.eliminate_dead_code()


class _Split:
    """One call of torch in the making: gru(x, states, weights, biases, layers, dropout, train, both, batch first)."""

    def __init__(self, graph: fx.GraphModule, node: fx.Node) -> None:
        self.graph, self.node, self.cell = graph, node, CALLS[cast("Any", node.target)]
        x, states, weights, biased, layers, _, _, both, self.batch_first = node.args
        self.x, self.count, self.directions = cast("fx.Node", x), cast("int", layers), 2 if both else 1
        given = states if isinstance(states, list | tuple) else (states,)
        if any(not isinstance(one, fx.Node) or one.target not in ZEROS for one in given):
            raise self._unsupported("It begins with a state of zeros")
        self.parts = list(cast("Sequence[fx.Node]", weights))
        self.each = 4 if biased else 2
        if len(self.parts) != self.each * self.count * self.directions:
            raise self._unsupported("It takes layers without projections")
        self.uses: dict[int, list[fx.Node]] = {0: [], 1: [], 2: []}
        for user in node.users:
            self.uses[cast("int", user.args[1])].append(user)
        if any(user.users for user in self.uses[2]):
            raise self._unsupported("It gives the state, not the cell")

    def run(self) -> None:
        """Replace the call."""
        whole = any(user.users for user in self.uses[0])
        x = self.x if self.batch_first else self._call(aten.transpose.int, self.x, 0, 1)
        states: list[fx.Node] = []
        for index in range(self.count):
            last = index == self.count - 1 and not whole
            made = [self._layer(x, index * self.directions + side, side == 1, last) for side in range(self.directions)]
            states += made if last else [self._last(one, side == 1) for side, one in enumerate(made)]
            if not last:
                x = made[0] if self.directions == 1 else self._call(aten.cat.default, made, 2)
        for user in self.uses[0] if whole else ():
            user.replace_all_uses_with(x if self.batch_first else self._call(aten.transpose.int, x, 0, 1))
        for user in self.uses[1]:
            self._give(user, states)
        for done in [*self.node.users, self.node]:
            self.graph.graph.erase_node(done)

    def _layer(self, x: fx.Node, place: int, reverse: bool, last: bool) -> fx.Node:
        own = self.parts[self.each * place : self.each * (place + 1)]
        if self.each == 2:
            name = f"{self.node.name}_no_bias_{place}"
            rows = len(self.graph.get_parameter(str(own[0].target)))
            self.graph.register_parameter(name, nn.Parameter(torch.zeros(rows)))
            own += [self.graph.graph.get_attr(name)] * 2
        made = self.graph.graph.call_function(layer, (x, *own, self.cell, reverse, last))
        before = x.meta["val"]
        shape = [*before.shape[: 1 if last else 2], self.graph.get_parameter(str(own[1].target)).shape[1]]
        made.meta |= {"val": before.new_empty(shape), "floats": self.node.meta.get("floats", False)}
        return made

    def _last(self, y: fx.Node, reverse: bool) -> fx.Node:
        return self._call(aten.select.int, y, 1, 0 if reverse else -1)

    def _give(self, user: fx.Node, states: list[fx.Node]) -> None:
        """The states, (layers * directions, batch, units), mostly one by one."""
        for reader in list(user.users):
            if reader.target is aten.select.int and reader.args[1] == 0:
                reader.replace_all_uses_with(states[cast("int", reader.args[2])])
                self.graph.graph.erase_node(reader)
        if user.users:
            user.replace_all_uses_with(self._call(aten.stack.default, states))

    def _call(self, target: Any, *arguments: Any) -> fx.Node:
        """A call with the value that it has in the example, as torch's own nodes have."""
        made = self.graph.graph.call_function(target, arguments)
        with cast("Any", self.x.meta["val"]).fake_mode:
            made.meta["val"] = target(*fx.map_arg(arguments, lambda one: one.meta["val"]))
        return made

    def _unsupported(self, what_can: str) -> Unsupported:
        return Unsupported(f"the call {self.node.target}", "The graph of a network", what_can)


def quantize(graph: fx.GraphModule, bits: int) -> None:
    """Integer weights, of so many bits, for every call of `layer` but in modules that stay in float."""
    for index, node in enumerate(list(graph.graph.nodes)):
        if node.op != "call_function" or node.target is not layer or node.meta.get("floats"):
            continue
        x, *weights, cell, reverse, last = node.args
        constants = [graph.get_parameter(str(cast("fx.Node", one).target)) for one in weights]
        name = f"recurrent_{index}"
        made = QuantizedRecurrent(constants, cast("str", cell), bool(reverse), bool(last), bits)
        graph.add_submodule(name, made)
        with graph.graph.inserting_before(node):
            coded = graph.graph.call_module(name, (x,))
        coded.meta = dict(node.meta)
        node.replace_all_uses_with(coded)
        graph.graph.erase_node(node)
