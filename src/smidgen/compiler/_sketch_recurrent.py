"""Recurrent layers in a sketch: `_Notes` of `compiler.sketch` calls these functions in place of those of torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smidgen.compiler.sketch import _Notes

LAST: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
"""For the last states of a call: the name of its sequence, and of each direction the sequence."""

SCALE = 2.0**-8  # of weights: any will do
CELLS = {"gru": "gru", "lstm": "lstm", "rnn_tanh": "rnn", "rnn_relu": "rnn"}


def _recurrent(name: str) -> Callable[..., tuple[Tensor, ...]]:
    def run(
        notes: _Notes,
        x: Tensor,
        _: Any,
        weights: list[Tensor],
        biased: bool,
        count: int,
        __: float,
        ___: bool,
        both: bool,
        batch_first: bool,
    ) -> tuple[Tensor, ...]:
        """All layers of a call; (sequence, last states, ...) as torch gives them."""
        if not batch_first:
            raise Unsupported("a recurrent layer with time first", "The price before training", "Use batch_first")
        sides, each = 2 if both else 1, 4 if biased else 2
        states: list[Tensor] = []
        for index in range(count):
            made = [
                _direction(notes, name, x, weights[each * (index * sides + side)], bool(side)) for side in range(sides)
            ]
            states += made
            x = made[0] if sides == 1 else _concat(notes, made, 2)
        last = notes.alias(states[-1], (len(states), 1, states[-1].shape[2]))
        LAST[last] = notes.names[id(x)], states
        return x, last, last

    return run


def _direction(notes: _Notes, name: str, x: Tensor, weight: Tensor, reverse: bool) -> Tensor:
    """One layer in one direction; its sequence (1, time, units)."""
    steps, inputs = x.shape[1:]
    gates = {"gru": 3, "lstm": 4}.get(CELLS[name], 1)
    units, label = weight.shape[0] // gates, f"{name}_{len(notes.operations)}"
    given = [_sequence(notes, x)]
    for role, shape in (("weight", (gates * units, inputs)), ("recurrent", (gates * units, units))):
        given.append(f"{label}_{role}")
        notes.values[given[-1]] = _weight(notes, given[-1], shape)
    for role in ("bias", "recurrent_bias"):
        given.append(f"{label}_{role}")
        data = np.zeros(gates * units, np.float32)
        notes.values[given[-1]] = Value(given[-1], "float32", data.shape, None, data)
    states = ("", "") if name == "lstm" else ("",)
    form = {"reverse": reverse, "linear_before_reset": True, "activation": name.removeprefix("rnn_")}
    y = torch.zeros(1).expand(1, steps, units)
    notes.record(y, Value(label, "float32", (steps, units)))
    notes.operations.append(Operation(CELLS[name], label, (*given, *states), (label,), form))
    notes.suiting(label)  # it is rounded before another direction runs
    return y


def _weight(notes: _Notes, name: str, shape: tuple[int, int]) -> Value:
    if notes.bits == 32:
        return Value(name, "float32", shape, None, np.broadcast_to(np.zeros(1, np.float32), shape))
    codes = np.resize(np.arange(-127, 128, dtype=np.int8), shape)
    return Value(name, "int8", shape, Quantization((SCALE,) * shape[0], (0,) * shape[0], 0), codes)


def _sequence(notes: _Notes, x: Tensor) -> str:
    """The name of a value (time, channels) with the elements of x, (1, time, channels)."""
    name = notes.suiting(notes.names[id(x)])
    value, shape = notes.values[name], tuple(x.shape[1:])
    if value.shape == shape:
        return name
    turned = len(value.shape) == 2 or (len(value.shape) == 3 and value.shape[0] > 1 < value.shape[1])
    if turned:
        order = (1, 2, 0) if len(value.shape) == 3 else (1, 0)
        name = _moved(notes, name, "transpose", tuple(value.shape[axis] for axis in order), order=order)
    return name if notes.values[name].shape == shape else _moved(notes, name, "reshape", shape)


def _moved(notes: _Notes, name: str, kind: str, shape: tuple[int, ...], **attributes: Any) -> str:
    made = f"{kind}_{len(notes.operations)}"
    notes.values[made] = replace(notes.values[name], name=made, shape=shape)
    notes.operations.append(Operation(kind, made, (name,), (made,), attributes))
    return made


def _item(notes: _Notes, x: Tensor, index: Any) -> Tensor:
    """One of the last states of a recurrent layer: it is all that the layer gives, if nothing has read its sequence."""
    if x not in LAST or not isinstance(index, int):
        raise Unsupported("a part of a tensor", "The price before training", "It knows the last states of a layer")
    whole, states = LAST[x]
    state = states[index]
    name, units = notes.names[id(state)], state.shape[-1]
    _forget(notes, whole)
    _forget(notes, f"{name}_codes")
    if any(name in operation.inputs for operation in notes.operations):
        row = notes.add("slice", [name], (1, 1, units), begin=(0, 0), size=(1, units), stride=(1, 1))
        return notes.add("reshape", [notes.names[id(row)]], (1, units))
    notes.values[name] = replace(notes.values[name], shape=(units,))
    return notes.alias(state, (1, units))


def _forget(notes: _Notes, name: str) -> None:
    """Take back the sequence of both directions, and the rounding of its parts, where nothing reads it."""
    if any(name in one.inputs for one in notes.operations):
        return
    for maker in [one for one in notes.operations if name in one.outputs and one.kind in ("concat", "quantize")]:
        notes.operations.remove(maker)
        del notes.values[name]
        for source in maker.inputs:
            _forget(notes, source)


def _cat(notes: _Notes, parts: Any, dim: int = 0) -> Tensor:
    return _concat(notes, list(parts), dim)


def _concat(notes: _Notes, parts: list[Tensor], axis: int) -> Tensor:
    """Rows or sequences side by side."""
    axis = axis % parts[0].ndim
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    inside = {4: (0, 3, 1, 2)}.get(len(shape), range(len(shape)))  # channels last
    places = [0, *(list(inside).index(one) for one in range(1, len(shape)))]
    return notes.add("concat", [notes.names[id(part)] for part in parts], tuple(shape), axis=places[axis] - 1)


def _transpose(notes: _Notes, x: Tensor, one: int, other: int) -> Tensor:
    order = list(range(x.ndim))
    order[one], order[other] = order[other], order[one]
    return notes.alias(x, tuple(x.shape[axis] for axis in order))


def _squeeze(notes: _Notes, x: Tensor, dim: int) -> Tensor:
    return notes.alias(x, tuple(size for axis, size in enumerate(x.shape) if axis != dim % x.ndim or size > 1))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: _recurrent(name) for name in CELLS},
    "__getitem__": _item,
    "cat": _cat,
    "transpose": _transpose,
    "squeeze": _squeeze,
}
