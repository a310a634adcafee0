"""Fully connected layers, on averages of maps: the baseline that every other family should beat on images."""

import math

from torch import nn

from smidgen.families._layers import activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 200, 1_000_000
NARROWEST = 12  # hidden units below which fewer inputs are better than fewer units


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, ...) -> raw outputs (batch, answer.width)."""
    shape = signal.feature_shape
    pools = (1, 2, 4, 8, 16) if len(shape) == 3 else (1,)  # rows and sequences stay whole
    pool = next((p for p in pools if math.prod(_pooled(shape, p)) * NARROWEST <= size), pools[-1])
    shape = _pooled(shape, pool)

    def at(width: float) -> nn.Module:
        hidden = channels(64, width)
        layers: list[nn.Module] = [nn.AvgPool2d(pool)] if pool > 1 else []
        layers += [nn.Flatten(), nn.Linear(math.prod(shape), hidden, bias=False), nn.BatchNorm1d(hidden)]
        layers += [activate(activation), nn.Linear(hidden, hidden, bias=False), nn.BatchNorm1d(hidden)]
        return nn.Sequential(*layers, activate(activation), nn.Linear(hidden, answer.width))

    return largest(at, size)


def _pooled(shape: tuple[int, ...], pool: int) -> tuple[int, ...]:
    """A shape (channels, height, width) after average pooling; other shapes stay."""
    return (shape[0], *(max(1, side // pool) for side in shape[1:]))
