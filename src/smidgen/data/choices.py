"""What signals, families and answers must agree on about choices: item numbers from 1, 0 where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = -1e9  # added to the scores of items that are in a history, so that no top list repeats them


def scattered(codes: Tensor, values: Tensor, items: int) -> Tensor:
    """A row with a value at each number that occurs: the last one where one occurs twice.

    Args:
        codes: item numbers 0 to `items`, (batch, time); 0 is no item.
        values: of each place, (time,).
        items: how many there are.

    Returns:
        (batch, items) float, 0 for items that do not occur.
    """
    import torch

    batch = codes.shape[0]
    empty = torch.zeros(1, items + 1, device=codes.device).expand(batch, items + 1)
    placed = torch.scatter(empty, 1, codes.long(), values.expand(batch, values.shape[0]))
    return torch.narrow(placed, 1, 1, items)
