"""What families do with what somebody chose: item numbers in order of time, the latest last, 0 where there is none."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from smidgen.data.choices import scattered


class Bag(nn.Module):
    """Histories as rows of length about 1: each item has the weight of its age, 0.5 ** (places before the last / half).

    Without this length people with long histories would take all of the integers there are, and leave none for others.
    """

    floats = True
    weights: Tensor

    def __init__(self, length: int, items: int) -> None:
        super().__init__()
        self.items = items
        self.register_buffer("weights", torch.ones(length))

    def forget(self, half: float | None) -> None:
        """Let the weight of an item halve with so many later ones; None: all weigh the same."""
        ages = torch.arange(len(self.weights) - 1, -1, -1, dtype=torch.float32)
        self.weights.copy_(torch.ones_like(ages) if half is None else 0.5 ** (ages / half))

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, time) item numbers -> (batch, items)."""
        row = scattered(codes, self.weights, self.items)
        return torch.div(row, torch.sqrt(torch.sum(row, 1, keepdim=True) + 1))


def sparse(where: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    """A sparse matrix of values (n,), or of one value (1,), at different places (2, n)."""
    values = values.expand(where.shape[1])
    return torch.sparse_coo_tensor(where, values, tuple(shape), check_invariants=False).coalesce()


def counts(choices: Tensor, axis: int) -> Tensor:
    """How many choices there are of each item (axis 0) or of each user (axis 1), at least 1; sparse (users, items)."""
    return torch.sparse.sum(choices, axis).to_dense().clamp(min=1)
