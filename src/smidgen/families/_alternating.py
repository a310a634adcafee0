"""Factors for implicit feedback by alternating least squares (Hu, Koren and Volinsky 2008, ICDM).

All that was not chosen counts as 0, and each choice as 1 with a larger weight. Each half of a round is solved for all
rows at once by a few steps of conjugate gradients (Takács, Pilászy and Tikk 2011, RecSys).
"""

import torch
from torch import Tensor

from smidgen.families._histories import counts, sparse

ROUNDS = 15
STEPS = 3  # of conjugate gradients
ENCODER = 30.0  # ridge of the map from choices to factors, where users have one choice each on average


def alternating(choices: Tensor, rank: int, ridge: float, weight: float) -> tuple[Tensor, Tensor]:
    """Factors of users (users, rank) and of items (items, rank).

    Args:
        choices: sparse (users, items), coalesced.
        rank: how many factors.
        ridge: holds them back.
        weight: of a choice, besides the 1 that everything has.
    """
    dice = torch.Generator().manual_seed(0)
    users, items = (torch.randn(size, rank, generator=dice) * 0.01 for size in choices.shape)
    turned = choices.t().coalesce()
    for _ in range(ROUNDS):
        users = _solved(choices, users, items, ridge, weight)
        items = _solved(turned, items, users, ridge, weight)
    return users, items


def _solved(choices: Tensor, start: Tensor, others: Tensor, ridge: float, weight: float) -> Tensor:
    """Better factors of the rows of `choices`, from those of its columns."""
    rows, columns = choices.indices()
    gram = others.T @ others + ridge * torch.eye(others.shape[1])

    def product(x: Tensor) -> Tensor:
        guesses = (x[rows] * others[columns]).sum(1)
        guessed: Tensor = x @ gram + weight * torch.sparse.mm(sparse(choices.indices(), guesses, choices.shape), others)
        return guessed

    residual = (1 + weight) * torch.sparse.mm(choices, others) - product(start)
    x, direction = start, residual
    length = (residual**2).sum(1, keepdim=True)
    for _ in range(STEPS):
        image = product(direction)
        step = length / (direction * image).sum(1, keepdim=True).clamp(min=1e-20)
        x, residual = x + step * direction, residual - step * image
        before, length = length, (residual**2).sum(1, keepdim=True)
        direction = residual + length / before.clamp(min=1e-20) * direction
    return x


def encoder(choices: Tensor, users: Tensor) -> Tensor:
    """The linear map from choices to factors of users that errs least, (items, rank); users weigh as 1 / choices.

    Args:
        choices: sparse (users, items), coalesced; its shorter side is that of a dense matrix.
        users: factors, (users, rank).
    """
    lengths = counts(choices, 1).double()
    unit = (lengths.mean() / lengths).sqrt()
    rows, columns = choices.indices()
    scaled = torch.zeros(choices.shape, dtype=torch.float64)
    scaled[rows, columns] = unit[rows]
    aims = users.double() * unit[:, None]
    if scaled.shape[0] <= scaled.shape[1]:
        gram = scaled @ scaled.T + ENCODER * torch.eye(scaled.shape[0], dtype=torch.float64)
        solved: Tensor = scaled.T @ torch.linalg.solve(gram, aims)
        return solved.float()
    gram = scaled.T @ scaled + ENCODER * torch.eye(scaled.shape[1], dtype=torch.float64)
    solved = torch.linalg.solve(gram, scaled.T @ aims)
    return solved.float()
