"""A plain convolutional network: 3x3 convolutions, pooling, global average, one linear layer."""

from torch import nn

from smidgen.families._layers import channels, conv, largest, pool_and_classify
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 2_000_000
STAGES = (32, 64, 64, 96, 96, 128)  # channels at width 1


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape

    def at(width: float) -> nn.Module:
        side = min(sides)
        stride = 2 if side >= 16 else 1
        side, before = side // stride, channels(16, width)
        layers: list[nn.Module] = [conv(inputs, before, stride=stride, activation=activation)]
        for base in STAGES:
            if side < 6:
                break
            after = channels(base, width)
            layers += [conv(before, after, activation=activation), nn.MaxPool2d(2)]
            before, side = after, side // 2
        last = channels(32, width)
        layers.append(conv(before, last, padding=0 if side == 3 else 1, activation=activation))
        return nn.Sequential(*layers, *pool_and_classify(last, answer.width))

    return largest(at, size)
