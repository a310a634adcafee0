"""A plain convolutional network: 3x3 convolutions, pooling, global average, one linear layer."""

from torch import nn

from smidgen.families._layers import channels, conv, largest, pool_and_classify
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 1_000_000


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape
    side = min(sides)

    def at(width: float) -> nn.Module:
        c = [channels(base, width, 1 if width < 1 else 4) for base in (16, 32, 64, 32)]
        return nn.Sequential(
            conv(inputs, c[0], stride=2, activation=activation),
            conv(c[0], c[1], activation=activation),
            nn.MaxPool2d(2),
            conv(c[1], c[2], activation=activation),
            nn.MaxPool2d(2),
            conv(c[2], c[3], padding=0 if side >= 24 else 1, activation=activation),
            *pool_and_classify(c[3], answer.width),
        )

    return largest(at, size)
