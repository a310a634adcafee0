"""The layer that hides what somebody has chosen already."""

import torch
from torch import Tensor, nn

from smidgen.data.choices import HIDDEN, scattered


class Unseen(nn.Module):
    """Scores of items as they are, but HIDDEN is added to those in the history."""

    floats = True
    penalty: Tensor

    def __init__(self, length: int, items: int) -> None:
        super().__init__()
        self.items = items
        self.register_buffer("penalty", torch.full((length,), HIDDEN))

    def forward(self, codes: Tensor, scores: Tensor) -> Tensor:
        """Item numbers (batch, time) and scores (batch, items) -> scores."""
        return scores + scattered(codes, self.penalty, self.items)
