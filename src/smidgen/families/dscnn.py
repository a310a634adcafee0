"""Depthwise-separable convolutions: the least weights for the most accuracy (Howard et al. 2017, arXiv:1704.04861).

A depthwise convolution hands its sums straight to the pointwise one, so that neither a bias nor an activation stands
between them. The last one covers the whole map: for each channel a learnt average in place of the plain one.
"""

from torch import nn

from smidgen.families._layers import activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 2_000_000
TINY = 3000  # parameters below which the first layer may see every pixel, and the last stage stays narrow


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape

    def at(width: float) -> nn.Module:
        first, second, last = (channels(base, width) for base in ((6, 8, 10) if size < TINY else (6, 8, 24)))
        shape = list(sides)
        halves = min(shape) >= 16
        stride = 2 if halves and size >= TINY else 1
        layers: list[nn.Module] = [nn.Conv2d(inputs, first, 3, stride, padding=1), activate(activation)]
        if halves:
            pooling = _halve(shape)
            layers += [] if stride == 2 else [pooling]
        layers += [*_separable(first, second, activation), *_separable(second, second, activation)]
        before = second
        while min(shape) >= 12:
            layers += [_halve(shape), *_separable(before, last, activation)]
            before = last
        if min(shape) >= 6:
            layers.append(nn.AvgPool2d(3, 2))
            shape = [(side - 3) // 2 + 1 for side in shape]
        if before != last:
            layers += _separable(before, last, activation)
        return nn.Sequential(*layers, _average(last, shape), nn.Flatten(), nn.Linear(last, answer.width))

    return largest(at, size)


def _halve(shape: list[int]) -> nn.Module:
    """Max pooling by 2; `shape` becomes that of its output."""
    shape[:] = [(side + 1) // 2 for side in shape]
    return nn.MaxPool2d(3, 2, 1)


def _average(channels: int, shape: list[int]) -> nn.Module:
    """A weighted average over the whole map, near the plain one to begin with."""
    layer = nn.Conv2d(channels, channels, (shape[0], shape[1]), groups=channels, bias=False)
    plain = 1 / (shape[0] * shape[1])
    nn.init.normal_(layer.weight, plain, plain / 2)
    return layer


def _separable(before: int, after: int, activation: str) -> list[nn.Module]:
    return [
        nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False),
        nn.Conv2d(before, after, 1, bias=False),
        nn.BatchNorm2d(after),
        activate(activation),
    ]
