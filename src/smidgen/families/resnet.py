"""A residual network (He et al. 2016, arXiv:1512.03385) whose blocks are single convolutions: relu(x + conv(x))."""

from torch import nn

from smidgen.families._layers import Residual, channels, conv, largest, pool_and_classify
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 400, 4_000_000


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape

    def at(width: float) -> nn.Module:
        side = min(sides)
        stride = 2 if side >= 16 else 1
        side, before = side // stride, channels(24, width)
        layers: list[nn.Module] = [conv(inputs, before, stride=stride, activation=activation)]
        layers += [Residual(conv(before, before, activation=None), activation=activation) for _ in range(2)]
        while side >= 12:
            after = channels(48, width)
            layers += [nn.MaxPool2d(2), conv(before, after, activation=activation)]
            before, side = after, side // 2
        if side >= 6:
            layers.append(nn.MaxPool2d(2))
            side //= 2
        last = channels(36, width)
        layers.append(conv(before, last, padding=0 if side == 3 else 1, activation=activation))
        return nn.Sequential(*layers, *pool_and_classify(last, answer.width))

    return largest(at, size)
