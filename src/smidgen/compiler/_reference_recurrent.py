"""What recurrent layers compute, in numpy: a part of `compiler.reference`, and the arithmetic of `ops/_recurrent.c`.

A layer has x (batch, t, in), weight (gates * n, in), recurrent (gates * n, n), two biases, and states (n,) or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.cells import STATE, bias_less_zero, scales, sequence_in_codes, state_in_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.compiler._reference_step import Step
    from smidgen.types import Array

ABOVE = (
    *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08),
    *(1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
)
BELOW = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
HALF = np.float32(0.5)


class Layer:
    """A layer that is run: its weights as they are multiplied."""

    def __init__(self, step: Step, weight: Array, recurrent: Array, bias: Array, after: Array) -> None:
        x, coded_weight, coded_recurrent = (step.value(position) for position in range(3))
        self.coded = sequence_in_codes(x, coded_weight)
        self.state_coded = state_in_codes(step.attributes, step.given)
        unit = x.quantization.scale if self.coded and x.quantization is not None else 1.0
        self.weight, self.scales = weight.astype(np.float64 if self.coded else np.float32), scales(coded_weight, unit)
        self.bias = bias_less_zero(bias, x, coded_weight) if self.coded else bias
        self.recurrent = recurrent.astype(np.float64 if self.state_coded else np.float32)
        self.recurrent_scales = scales(coded_recurrent, 1 / STATE if self.state_coded else 1.0)
        self.after = after
        self.attributes = step.attributes

    def of_input(self, x: Array) -> Array:
        """Products of one step of the sequence, (batch, gates * n); sums of codes are exact."""
        sums = (x.astype(self.weight.dtype) @ self.weight.T).astype(np.float32)
        return np.asarray(self.bias + sums * self.scales)

    def of_state(self, h: Array, rows: slice) -> Array:
        """Products of a state, (batch, rows)."""
        if self.state_coded:
            h = np.trunc(h * np.float32(STATE) + np.where(h < 0, -HALF, HALF)).astype(np.float64)
        products = (h @ self.recurrent[rows].T).astype(np.float32)
        return np.asarray(self.after[rows] + products * self.recurrent_scales[rows])


def _layer(cell: Callable[..., tuple[Array, ...]]) -> Callable[..., Array]:
    """A layer of a cell, which makes the next states of those before: cell(layer, from x, states)."""

    def run(step: Step, x: Array, *rest: Array | None) -> Array:
        weights, given = rest[:4], rest[4:]
        layer = Layer(step, *weights)  # type: ignore[arg-type]
        shape = (len(x), step.y.shape[-1])
        states = tuple(
            np.zeros(shape, np.float32) if one is None else np.broadcast_to(one, shape).astype(np.float32)
            for one in given
        )
        y = np.empty((len(x), x.shape[1], shape[1]), np.float32)
        order = range(x.shape[1])
        for t in reversed(order) if step.attributes["reverse"] else order:
            states = cell(layer, layer.of_input(x[:, t]), *states)
            y[:, t] = states[0]
        return y if len(step.y.shape) == 2 else states[0]

    return run


def _tanh(x: Array) -> Array:
    v = np.clip(x, np.float32(-7.9), np.float32(7.9))
    square = v * v
    above, below = (np.full_like(v, parts[0]) for parts in (ABOVE, BELOW))
    for part in ABOVE[1:]:
        above = above * square + np.float32(part)
    for part in BELOW[1:]:
        below = below * square + np.float32(part)
    return np.asarray(v * above / below)


def _logistic(x: Array) -> Array:
    return np.asarray(HALF + HALF * _tanh(HALF * x))


def _gru(layer: Layer, x: Array, h: Array) -> tuple[Array, ...]:
    """Cho et al. 2014 (arXiv:1406.1078); gates z, r, h; the reset before or after the product."""
    n = h.shape[-1]
    gates, last = slice(0, 2 * n), slice(2 * n, 3 * n)
    z, r = np.split(_logistic(x[:, gates] + layer.of_state(h, gates)), 2, axis=1)
    after = layer.attributes["linear_before_reset"]
    inner = layer.of_state(h, last) * r if after else layer.of_state(r * h, last)
    return ((np.float32(1) - z) * _tanh(x[:, last] + inner) + z * h,)


def _lstm(layer: Layer, x: Array, h: Array, c: Array) -> tuple[Array, ...]:
    """Hochreiter and Schmidhuber 1997, with forget gates; gates i, o, f, c."""
    i, o, f, candidate = np.split(x + layer.of_state(h, slice(None)), 4, axis=1)
    c = _logistic(f) * c + _logistic(i) * _tanh(candidate)
    return _logistic(o) * _tanh(c), c


def _rnn(layer: Layer, x: Array, h: Array) -> tuple[Array, ...]:
    """Elman 1990."""
    total = x + layer.of_state(h, slice(None))
    return (np.maximum(total, 0) if layer.attributes["activation"] == "relu" else _tanh(total),)


KINDS: dict[str, Callable[..., Array]] = {"gru": _layer(_gru), "lstm": _layer(_lstm), "rnn": _layer(_rnn)}
