"""What families that embed bytes share."""

from typing import cast

import torch
from torch import Tensor, nn

from smidgen.families._sequences import AsMap, steps
from smidgen.types import Signal

KINDS = 256  # of bytes


class Embed(nn.Module):
    """Bytes as vectors that are learnt, padding as zeros: uint8 (batch, time) -> (batch, depth, 1, time)."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.table = nn.Embedding(KINDS, depth, padding_idx=0)
        with torch.no_grad():
            self.table.weight *= 0.5

    def forward(self, codes: Tensor) -> Tensor:
        """A map of one row, so that convolutions along time are those of images."""
        return cast("Tensor", self.table(codes.int())).permute(0, 2, 1).unsqueeze(2)


def entrance(signal: Signal, depth: int) -> tuple[nn.Module, int, int]:
    """What makes maps (batch, channels, 1, time) of a signal's features; channels and time. Raises Unsupported."""
    if len(signal.feature_shape) == 1 and signal.input.dtype == "uint8":
        return Embed(depth), depth, signal.feature_shape[0]
    channels, time = steps(signal)
    return AsMap(channels, time), channels, time
