"""Convolutions along time: wide and strided at first where there is much of it, then halving, then residual.

Dilated residual blocks are Bai et al. 2018 (arXiv:1803.01271), padded on both sides, because a window is all there.
A first layer that is as wide as a few periods of a vibration, and strided, is Zhang et al. 2017 (Sensors 17, 425,
"WDCNN"). Each convolution is a Conv2d of height 1.
"""

from torch import nn

from smidgen.families._layers import Residual, activate, channels, largest
from smidgen.families._sequences import AsMap, steps
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 1_000_000
WIDE = (64, 16)  # kernel and stride of the first layer on long windows
LONG = 512  # steps of a window that is long
SHORT = 12  # steps that are no longer halved


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, time), or maps as such sequences, -> raw outputs (batch, answer.width)."""
    inputs, length = steps(signal)

    def at(width: float) -> nn.Module:
        time, first = length, channels(8, width)
        kernel, stride = WIDE if time >= LONG else (5, 1)
        layers = [AsMap(inputs, length), *_conv(inputs, first, kernel, stride, activation)]
        time, before = -(-time // stride), first
        while time >= SHORT:
            after = min(2 * before, channels(24, width)) if length >= LONG else before
            layers += _conv(before, after, 3, 2, activation)
            time, before = -(-time // 2), after
        layers.append(_block(before, activation))
        pool = nn.AdaptiveAvgPool2d(1) if length >= LONG else _average(before, time)
        return nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(before, answer.width))

    return largest(at, size)


def _conv(before: int, after: int, kernel: int, stride: int, activation: str, dilation: int = 1) -> list[nn.Module]:
    """(batch, before, 1, time) -> (batch, after, 1, time / stride)."""
    around = (0, dilation * (kernel - 1) // 2)
    layer = nn.Conv2d(before, after, (1, kernel), (1, stride), around, (1, dilation), bias=False)
    return [layer, nn.BatchNorm2d(after), activate(activation)]


def _block(width: int, activation: str) -> nn.Module:
    """Two convolutions, the second one dilated, around which there is a way through."""
    body = [*_conv(width, width, 3, 1, activation), *_conv(width, width, 3, 1, activation, dilation=2)[:2]]
    return Residual(nn.Sequential(*body), activation=activation)


def _average(width: int, time: int) -> nn.Module:
    """A weighted average over time, near the plain one to begin with: (batch, width, 1, time) -> (..., 1, 1)."""
    layer = nn.Conv2d(width, width, (1, time), groups=width, bias=False)
    nn.init.normal_(layer.weight, 1 / time, 0.5 / time)
    return layer
