"""The layers that graphs end in."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Units(nn.Module):
    """Standardised values back to their unit, within a range."""

    floats = True

    def __init__(self, means: Sequence[float], deviations: Sequence[float], low: float, high: float) -> None:
        super().__init__()
        self.register_buffer("means", torch.tensor(means))
        self.register_buffer("deviations", torch.tensor(deviations))
        self.low, self.high = max(low, -3e38), min(high, 3e38)
        self.bounded = math.isfinite(low) or math.isfinite(high)

    def forward(self, raw: Tensor) -> Tensor:
        """(batch, width) in and out."""
        values = raw * self.get_buffer("deviations") + self.get_buffer("means")
        return torch.clamp(values, self.low, self.high) if self.bounded else values
