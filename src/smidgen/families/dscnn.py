"""Depthwise-separable convolutions: fewer weights and multiplications (Howard et al. 2017, arXiv:1704.04861)."""

from torch import nn

from smidgen.families._layers import channels, conv, largest, pool_and_classify
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 200, 2_000_000
STAGES = ((32, 2), (64, 2), (96, 2), (128, 2))  # (channels at width 1, blocks) between two poolings


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape

    def at(width: float) -> nn.Module:
        side = min(sides)
        stride = 2 if side >= 16 else 1
        side, before = side // stride, channels(16, width)
        layers: list[nn.Module] = [conv(inputs, before, stride=stride, activation=activation)]
        for number, (base, blocks) in enumerate(STAGES):
            if number and side < 6:
                break
            if number:
                layers.append(nn.MaxPool2d(2))
                side //= 2
            for _ in range(blocks):
                after = channels(base, width)
                layers += [
                    conv(before, before, groups=before, activation=activation),
                    conv(before, after, kernel=1, activation=activation),
                ]
                before = after
        return nn.Sequential(*layers, *pool_and_classify(before, answer.width))

    return largest(at, size)
