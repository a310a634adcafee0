"""Principal components: how far an example is from the normal ones, in deviations of what they are like.

Probabilistic PCA (Tipping and Bishop 1999, J. R. Statist. Soc. B 61:611): the variances of a few directions, one for
all that is left. Its squared Mahalanobis distance is the sum of the two classic statistics of process monitoring, T2
inside the directions and SPE outside (Jackson and Mudholkar 1979, Technometrics 21:341), each in its own unit. Found in
closed form. It computes in floats, because what is not normal lies outside of any range that was learnt.
"""

import numpy as np
import torch
from torch import Tensor, nn

from smidgen.errors import DataError, Unsupported
from smidgen.families._distance import LEAST, features, rows, shuffled
from smidgen.types import Answer, Array, Dataset, Signal

SMALLEST, LARGEST = 16, 4_000_000
SOLVED = True  # `prepare` finds the weights; there is nothing to train
MOST = 4096  # features: their covariance has to be decomposed
FLOOR = 1e-3  # of the mean variance: less is the rounding of sensors
HELD_OUT = 0.2  # of the training part, its end, which says how many directions are worth their weights


class Principal(nn.Module):
    """|x|2 / rest + the sum over directions of (direction . x)2 (1 / variance - 1 / rest), x being centred."""

    floats = True

    def __init__(self, width: int, directions: int) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(width))
        self.directions = nn.Linear(width, directions, bias=False)
        self.gains = nn.Linear(directions, 1, bias=False)
        self.register_buffer("rest", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> distances (batch, 1)."""
        x = x.flatten(1) - self.centre
        inside: Tensor = self.gains(self.directions(x).square())
        return torch.relu(x.square().mean(1, keepdim=True) * self.get_buffer("rest") + inside)


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Features (batch, ...) -> distances (batch, 1); as many directions as `size` pays for."""
    width = features(signal)
    if width > MOST:
        raise Unsupported(f"{width} features", "The family principal", f"It takes {MOST}: use a smaller --window")
    return Principal(width, max(1, min(width, (size - width) // (width + 1))))


def prepare(body: nn.Module, network: nn.Module, data: Dataset) -> None:
    """The directions, their variances and how many of them are used, from the training part. Raises DataError."""
    if not isinstance(body, Principal):
        raise TypeError("this body is of another family")
    x = torch.cat(list(rows(network, data)))
    if len(x) < 2:
        raise DataError("One normal example says nothing about what others are like", "Give more of them")
    values = x.double().numpy()
    most = body.directions.out_features
    cut = round((1 - HELD_OUT) * len(values))
    used = _worth(values[:cut], values[cut:], most) if cut > 1 and cut < len(values) else most
    centre, variances, axes = _decomposed(values)
    rest = _rest(variances, used)
    gains = (1 / np.maximum(variances[:used], FLOOR * variances.mean()) - 1 / rest) / len(variances)
    body.centre.copy_(torch.from_numpy(centre))
    body.directions.weight.zero_()
    body.gains.weight.zero_()
    body.directions.weight[:used] = torch.from_numpy(axes[:, :used].T.copy()).float()
    body.gains.weight[0, :used] = torch.from_numpy(gains).float()
    body.get_buffer("rest").fill_(1 / rest)
    unit = max(float(body(shuffled(x, seed=0)).mean()), LEAST)
    body.gains.weight /= unit
    body.get_buffer("rest").div_(unit)


def _decomposed(values: Array) -> tuple[Array, Array, Array]:
    """The mean (d,), the variances in falling order (d,), and their directions (d, d) by column."""
    centre = values.mean(axis=0)
    away = values - centre
    variances, axes = np.linalg.eigh(away.T @ away / len(away))
    return centre, np.maximum(variances[::-1], 0) + LEAST, axes[:, ::-1]


def _rest(variances: Array, used: int) -> float:
    """The variance of all directions but the first `used`."""
    rest = variances[used:].mean() if used < len(variances) else variances[-1]
    return float(max(rest, FLOOR * variances.mean()))


def _worth(seen: Array, unseen: Array, most: int) -> int:
    """How many directions, at most `most`, make unseen normal examples likeliest."""
    centre, variances, axes = _decomposed(seen)
    energy = (((unseen - centre) @ axes) ** 2).mean(axis=0)
    floored = np.maximum(variances, FLOOR * variances.mean())
    width, each = len(variances), energy / floored + np.log(floored)
    surprise = []
    for used in range(min(most, width) + 1):
        rest = _rest(variances, used)
        surprise.append(each[:used].sum() + energy[used:].sum() / rest + (width - used) * np.log(rest))
    return max(1, int(np.argmin(surprise)))
