"""Convolutions over bytes and the greatest of what each finds anywhere: Kim 2014 (arXiv:1408.5882), on characters.

Two layers in place of words: the first one sees a few characters, the second one about a word.
"""

from torch import nn

from smidgen.families._codes import entrance
from smidgen.families._layers import activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 1000, 2_000_000
KERNEL = 5
LONG = 64  # steps in time from which on every other one does


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Bytes (batch, time), or sequences and maps, -> raw outputs (batch, answer.width)."""

    def at(width: float) -> nn.Module:
        first, inputs, time = entrance(signal, channels(8, width**0.5))
        one, two = channels(16, width), channels(32, width)
        stride = 2 if time >= LONG else 1
        layers = [first, *_conv(inputs, one, min(KERNEL, time), stride, activation)]
        time = (time - min(KERNEL, time)) // stride + 1
        layers += _conv(one, two, min(KERNEL, time), 1, activation)
        time = time - min(KERNEL, time) + 1
        return nn.Sequential(*layers, nn.MaxPool2d((1, time)), nn.Flatten(), nn.Linear(two, answer.width))

    return largest(at, size)


def _conv(before: int, after: int, kernel: int, stride: int, activation: str) -> list[nn.Module]:
    """(batch, before, 1, time) -> (batch, after, 1, about time / stride)."""
    layer = nn.Conv2d(before, after, (1, kernel), (1, stride), bias=False)
    return [layer, nn.BatchNorm2d(after), activate(activation)]
