"""An autoencoder: how badly an example is put together again from few numbers, by a network that saw normal ones only.

Its layers are integers in a model that ships. The difference between an example and its copy is taken in floats,
because what is not normal lies outside of any range that was learnt. Errors count in units of their deviation in
training, each feature in its own, so that a feature that cannot be copied does not drown the others.
"""

import torch
from torch import Tensor, nn

from smidgen.families._distance import LEAST, features, shuffled
from smidgen.families._layers import activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 100, 2_000_000
MEMORY = 0.02  # the weight of a batch in what is known of errors


class Autoencoder(nn.Module):
    """Features to few numbers and back; the mean squared error of the copy."""

    def __init__(self, width: int, hidden: int, code: int, activation: str) -> None:
        super().__init__()
        self.copy = nn.Sequential(
            nn.Linear(width, hidden),
            activate(activation),
            nn.Linear(hidden, code),
            nn.Linear(code, hidden),
            activate(activation),
            nn.Linear(hidden, width),
        )
        self.distance = Distance(width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> distances (batch, 1)."""
        rows = x.flatten(1)
        if self.training:
            with torch.no_grad():
                others = shuffled(rows)
                self.distance.follow(rows, self.copy(rows), others, self.copy(others))
        distance: Tensor = self.distance(x, self.copy(rows))  # x itself: rows are rounded for the layers
        return distance


class Distance(nn.Module):
    """The mean squared difference of two rows, each feature in units of its usual error."""

    floats = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("variances", torch.ones(width))
        self.register_buffer("unit", torch.ones(1))
        self.register_buffer("weights", torch.ones(width))

    def forward(self, x: Tensor, copied: Tensor) -> Tensor:
        """Features (batch, ...) and their copy as rows (batch, features) -> (batch, 1)."""
        return ((x.flatten(1) - copied) * self.get_buffer("weights")).square().mean(1, keepdim=True)

    def follow(self, x: Tensor, copied: Tensor, others: Tensor, others_copied: Tensor) -> None:
        """Learn the usual errors of normal examples, and the distance of `others` as the unit, from one batch more."""
        variances, unit = self.get_buffer("variances"), self.get_buffer("unit")
        variances.lerp_((x - copied).square().mean(0), MEMORY)
        floor = 1e-4 * variances.mean() + LEAST
        plain = (variances + floor).rsqrt()
        unit.lerp_(((others - others_copied) * plain).square().mean(), MEMORY)
        self.get_buffer("weights").copy_(plain * (unit + LEAST).rsqrt())


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Features (batch, ...) -> distances (batch, 1)."""
    width = features(signal)
    return largest(lambda by: Autoencoder(width, channels(32, by), channels(8, by), activation), size)
