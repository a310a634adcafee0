"""Recurrent networks: convolutions that make a sequence short, and a recurrent layer.

A step of a recurrent layer waits for the one before it, so that few steps are worth more than many.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from smidgen.families._codes import entrance
from smidgen.families._layers import activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 400, 1_000_000
MOST_STEPS = 48  # that the recurrent layer takes
LONG, WIDE = 512, (64, 16)  # steps of a long signal; kernel and stride of its first layer
FEW = 4  # channels below which a long sequence is a signal, whose neighbours say the same


class Greatest(nn.Module):
    """A recurrent layer, and of each number in its states the greatest of all steps: an event may lie anywhere."""

    def __init__(self, cell: Callable[..., nn.Module], inputs: int, units: int, both: bool) -> None:
        super().__init__()
        self.cell = cell(inputs, units, batch_first=True, bidirectional=both)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, 1, time) -> (batch, units), twice as many in both directions."""
        states, _ = self.cell(x.squeeze(2).transpose(1, 2))
        maps = states.transpose(1, 2).unsqueeze(2)  # (batch, units, 1, time)
        return nn.functional.max_pool2d(maps, (1, maps.shape[3])).flatten(1)


def network(
    cell: Callable[..., nn.Module],
    both: bool,
    signal: Signal,
    answer: Answer,
    size: int,
    activation: str,
) -> nn.Module:
    """The largest network of a cell with at most `size` parameters: sequences or bytes in, (batch, answer.width) out.

    Args:
        cell: nn.GRU or the like.
        both: whether it reads in both directions.
        signal: gives sequences, maps as such, or bytes to embed.
        answer: how many outputs.
        size: parameters.
        activation: of the convolutions.
    """

    def at(width: float) -> nn.Module:
        first, inputs, time = entrance(signal, channels(8, width**0.5))
        units, before = channels(16, width), channels(12, width)
        kernel, stride = WIDE if time >= LONG and inputs < FEW else (5, 2 if time > MOST_STEPS else 1)
        layers: list[nn.Module] = [first, *_conv(inputs, before, kernel, stride, activation)]
        time = -(-time // stride)
        while time > MOST_STEPS:
            layers += _conv(before, before, 3, 2, activation)
            time = -(-time // 2)
        out = nn.Linear(units * (2 if both else 1), answer.width)
        return nn.Sequential(*layers, Greatest(cell, before, units, both), out)

    return largest(at, size)


def _conv(before: int, after: int, kernel: int, stride: int, activation: str) -> list[Any]:
    """(batch, before, 1, time) -> (batch, after, 1, time / stride)."""
    layer = nn.Conv2d(before, after, (1, kernel), (1, stride), (0, (kernel - 1) // 2), bias=False)
    return [layer, nn.BatchNorm2d(after), activate(activation)]
