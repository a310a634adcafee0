"""One linear layer, solved: logistic regression for classes, ridge regression for values.

On features that go through steps it is an additive model: the sum of one piecewise linear curve for each column
(Hastie and Tibshirani 1986, Statistical Science 1:297). How strongly weights are held back is chosen by
cross-validation inside the training part.
"""

import torch
from torch import nn

from smidgen.families import _rows
from smidgen.types import Answer, Dataset, Signal

SMALLEST, LARGEST = 1, 4_000_000
SOLVED = True  # `prepare` finds the weights; there is nothing to train


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Features (batch, features) -> raw outputs (batch, answer.width); it has one size."""
    return nn.Linear(_rows.width_of(signal, answer, "linear"), answer.width)


def prepare(body: nn.Module, network: nn.Module, data: Dataset) -> None:
    """Solve for the weights."""
    if not isinstance(body, nn.Linear):
        raise TypeError("this body is of another family")
    weight, bias = _rows.linear(_rows.lesson(network, data))
    with torch.no_grad():
        body.weight.copy_(torch.from_numpy(weight))
        body.bias.copy_(torch.from_numpy(bias))
