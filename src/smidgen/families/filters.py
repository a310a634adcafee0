"""A few filters over the whole window for each channel, and a small network on what they give.

The filters learn what engineers compute by hand from a window: the level now, its trend, how rough it is. Each channel
is filtered by itself before channels are compared, so that noise is averaged away first: of the windows of many slow
and noisy sensors this needs far fewer weights than a stack of convolutions, and sees more.
"""

from torch import nn

from smidgen.families._layers import activate, channels, largest
from smidgen.families._sequences import AsMap, steps
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 300, 200_000
FILTERS = 3  # for each channel, where the size allows them


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, channels, time), or maps as such sequences, -> raw outputs (batch, answer.width)."""
    inputs, time = steps(signal)
    filters = max(1, min(FILTERS, size // (3 * inputs * time)))

    def at(width: float) -> nn.Module:
        hidden = channels(16, width)
        layers: list[nn.Module] = [
            AsMap(inputs, time),
            _filters(inputs, filters, time),
            nn.BatchNorm2d(inputs * filters),
        ]
        layers += [nn.Flatten(), nn.Linear(inputs * filters, hidden), activate(activation)]
        layers += [nn.Linear(hidden, hidden), activate(activation), nn.Linear(hidden, answer.width)]
        return nn.Sequential(*layers)

    return largest(at, size)


def _filters(inputs: int, each: int, time: int) -> nn.Module:
    """(batch, inputs, 1, time) -> (batch, inputs * each, 1, 1); near the plain average to begin with."""
    layer = nn.Conv2d(inputs, inputs * each, (1, time), groups=inputs, bias=False)
    nn.init.normal_(layer.weight, 1 / time, 0.5 / time)
    return layer
