"""The network of the article that smidgen was founded on, exactly: 121,930 parameters on 28x28x1 and ten classes."""

from torch import nn

from smidgen.errors import DataError
from smidgen.families._layers import activate
from smidgen.types import Answer, Signal

SMALLEST = LARGEST = 121_930  # it has one size


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Features (batch, channels, height, width) -> raw outputs (batch, answer.width)."""
    inputs, height, width = signal.feature_shape
    if min(height, width) < 10:
        raise DataError(f"Images of {height}x{width} are too small for article-cnn", "Choose another --family")
    flat = 64 * (((height - 2) // 2 - 2) // 2) * (((width - 2) // 2 - 2) // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, 32, 3),
        activate(activation),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        activate(activation),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(flat, 64),
        activate(activation),
        nn.Linear(64, answer.width),
    )
