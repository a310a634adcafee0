"""A residual network (He et al. 2016, arXiv:1512.03385): every stage adds to what it was given."""

from torch import nn

from smidgen.families._layers import Residual, channels, conv, largest, pool_and_classify
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 4_000_000
STAGES = (32, 64, 96, 128)  # channels at width 1


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, *sides = signal.feature_shape

    def at(width: float) -> nn.Module:
        side = min(sides)
        stride = 2 if side >= 16 else 1
        side, before = side // stride, channels(STAGES[0], width)
        layers: list[nn.Module] = [conv(inputs, before, stride=stride, activation=activation)]
        for number, base in enumerate(STAGES):
            if number and side < 6:
                break
            after = channels(base, width)
            if number:
                layers += [conv(before, after, activation=activation), nn.MaxPool2d(2)]
                side //= 2
            layers.append(_block(after, activation))
            before = after
        return nn.Sequential(*layers, *pool_and_classify(before, answer.width))

    return largest(at, size)


def _block(width: int, activation: str) -> nn.Module:
    body = nn.Sequential(conv(width, width, activation=activation), conv(width, width, activation=None))
    return Residual(body, activation=activation)
