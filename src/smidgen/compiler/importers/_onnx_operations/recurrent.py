"""Recurrent layers: GRU, LSTM and RNN, in one direction or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, Tensor, straight
from smidgen.compiler.importers._onnx_operations.joins import part

if TYPE_CHECKING:
    from collections.abc import Callable

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
DEFAULTS = {"GRU": ("sigmoid", "tanh"), "LSTM": ("sigmoid", "tanh", "tanh"), "RNN": ("tanh",)}


@dataclass
class _Layer:
    """A recurrent node: x (t, in) as a value, how many directions and units it has."""

    node: Node
    x: str
    steps: int
    directions: int
    units: int

    @property
    def only_last(self) -> bool:
        """Whether nothing but the last state of its one direction is wanted."""
        return self.directions == 1 and not _named(self.node, 0) and _named(self.node, 1)

    @classmethod
    def of(cls, network: Network, node: Node) -> _Layer:
        x = network.real(node.inputs[0])
        weight = network.constant(node.inputs[1]).data
        if x.places.ndim != 3 or weight.ndim != 3 or x.places.shape[2] != weight.shape[2]:
            raise ValueError(f"weights {weight.shape} do not suit a sequence {x.places.shape}")
        batch = 0 if node.get("layout", 0) else 1
        if x.places.shape[batch] != 1 or node.given(4):
            raise node.unsupported("It takes one sequence, of a fixed length")
        units = weight.shape[1] // GATES[node.op]
        steps = x.places.shape[1 - batch]
        if not units or network.constant(node.inputs[2]).data.shape != (len(weight), weight.shape[1], units):
            raise ValueError("its recurrent weights do not suit its weights")
        return cls(node, network.shaped(x, (1 - batch, 2), (steps, x.places.shape[2])), steps, len(weight), units)


def _recurrent(network: Network, node: Node) -> None:
    layer = _Layer.of(network, node)
    directions = {b"forward": [False], b"reverse": [True], b"bidirectional": [False, True]}
    reverse = directions.get(node.get("direction", b"forward"), [])
    if len(reverse) != layer.directions:
        raise ValueError(f"it has weights for {layer.directions} directions")
    _check(node)
    made = [_direction(network, layer, index, back) for index, back in enumerate(reverse)]
    shape = (layer.steps, layer.directions, 1, layer.units)
    if layer.only_last:
        return _give(network, node, 1, Tensor(made[0], straight(shape[1:])))
    if layer.directions == 1:
        (name,) = made
    else:
        joined = (layer.steps, layer.directions * layer.units)
        name = network.emit("concat", node, made, joined, axis=1)
    whole = Tensor(name, straight(shape))
    _give(network, node, 0, whole)
    if _named(node, 1):
        if layer.directions > 1:
            raise node.unsupported("Of both directions it gives the sequence, not the last state")
        last = 0 if reverse[0] else layer.steps - 1
        state = part(network, node, whole, {0: range(last, last + 1)})
        _give(network, node, 1, Tensor(state.value, state.places[0]))
    return None


def _named(node: Node, position: int) -> bool:
    """Whether a node has this output."""
    return len(node.outputs) > position and bool(node.outputs[position])


def _give(network: Network, node: Node, position: int, tensor: Tensor) -> None:
    """An output; its batch comes first where the layout says so."""
    if node.get("layout", 0):
        tensor = Tensor(tensor.value, np.moveaxis(tensor.places, -2, 0))
    if node.outputs[position]:
        network.tensors[node.outputs[position]] = tensor


def _check(node: Node) -> None:
    named = tuple(name.decode().lower() for name in node.get("activations", ()))
    default = DEFAULTS[node.op]
    if named and named != (default * 2)[: len(named)] and not (node.op == "RNN" and {*named} == {"relu"}):
        raise node.unsupported(f"It takes the activations {', '.join(default)}")
    if node.given(7) or node.get("clip", 0) or node.get("input_forget", 0):
        raise node.unsupported("Export it without peepholes, clip and input_forget")
    if any(node.outputs[2:]):
        raise node.unsupported("It does not give the last cell: keep the state in a GRU, or run whole sequences")


def _direction(network: Network, layer: _Layer, index: int, reverse: bool) -> str:
    node, kind = layer.node, layer.node.op.lower()
    gates = GATES[node.op] * layer.units
    weights = [
        network.weigh(network.constant(name).mapped(lambda part: part[index if len(part) > 1 else 0]), "weight")
        for name in node.inputs[1:3]
    ]
    both = network.constant(node.given(3)).real()[index] if node.given(3) else np.zeros(2 * gates, np.float32)
    if both.shape != (2 * gates,):
        raise ValueError(f"it has {both.shape} biases")
    biases = [network.weigh(Constant(half), "bias") for half in (both[:gates], both[gates:])]
    states = [_state(network, layer, position, index) for position in ((5, 6) if kind == "lstm" else (5,))]
    attributes: dict[str, object] = {"reverse": reverse}
    if kind == "gru":
        attributes["linear_before_reset"] = bool(node.get("linear_before_reset", 0))
    if kind == "rnn":
        relu = any(name.lower() == b"relu" for name in node.get("activations", ()))
        attributes["activation"] = "relu" if relu else "tanh"
    given = (layer.x, *weights, *biases, *states)
    shape = (layer.units,) if layer.only_last else (layer.steps, layer.units)
    return network.emit(kind, node, given, shape, **attributes)


def _state(network: Network, layer: _Layer, position: int, index: int) -> str:
    """The state to begin with, (units,); "" where it is zero."""
    if not layer.node.given(position):
        return ""
    found = network.find(layer.node.given(position))
    if isinstance(found, Constant):
        data = found.real().reshape(layer.directions, layer.units)[index]
        return network.weigh(Constant(data), "state") if data.any() else ""
    if layer.directions > 1:
        raise layer.node.unsupported("In both directions it begins with a constant state")
    return network.shaped(found, network.axes(found), (layer.units,))


OPERATIONS: dict[str, Callable[[Network, Node], None]] = dict.fromkeys(GATES, _recurrent)
