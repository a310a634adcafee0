"""The layers that every network on rows of tables starts with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from smidgen.types import Array


class TableFrontend(nn.Module):
    """Raw numbers and category codes to features from 0 to 1; gaps are filled. Nothing in it is trained.

    A number becomes how far it is through each of its steps, clipped at both ends: piecewise linear encoding
    (Gorishniy et al. 2022, arXiv:2203.05556). A category becomes one-hot.
    """

    floats = True
    fills: Tensor
    flag_low: Tensor
    flag_rate: Tensor
    low: Tensor
    rate: Tensor

    def __init__(self, fills: Array, flags: Array, steps: Array, levels: Sequence[int], holed: Sequence[int]) -> None:
        """Set up.

        Args:
            fills: what stands in for a missing value of each column, (columns,).
            flags: the two ends of each of the first columns, (flags, 2).
            steps: the edges between the steps of each column of numbers after these, (numbers, steps + 1), rising.
            levels: of each column of categories, which come last, how many there are.
            holed: the columns of numbers whose gaps are told to the network.
        """
        super().__init__()
        self.register_buffer("fills", torch.from_numpy(fills))
        for name, edges in (("flag_", flags), ("", steps)):
            self.register_buffer(f"{name}low", torch.from_numpy(edges[:, :-1].copy()))
            self.register_buffer(f"{name}rate", torch.from_numpy(1 / (edges[:, 1:] - edges[:, :-1])))
        for index, count in enumerate(levels):
            self.register_buffer(f"levels_{index}", torch.arange(count, dtype=torch.float32))
        self.categories, self.holed = len(levels), list(holed)

    def forward(self, row: Tensor) -> Tensor:
        """float32 (batch, columns), nan where a value is missing -> (batch, features)."""
        missing = torch.isnan(row)
        known = torch.where(missing, self.fills, row)
        flags, numbers = len(self.flag_low), len(self.flag_low) + len(self.low)
        features = []
        if flags:
            features.append(_through(known[:, :flags], self.flag_low[:, 0], self.flag_rate[:, 0]))
        if numbers > flags:
            features.append(self._steps(known[:, flags:numbers]))
        for index in range(self.categories):
            code = known[:, numbers + index : numbers + index + 1]
            features.append(torch.eq(code, self.get_buffer(f"levels_{index}")).to(torch.float32))
        features += [missing[:, index : index + 1].to(torch.float32) for index in self.holed]
        return torch.cat(features, dim=1) if len(features) > 1 else features[0]

    def _steps(self, numbers: Tensor) -> Tensor:
        if self.low.shape[1] == 1:
            return _through(numbers, self.low[:, 0], self.rate[:, 0])
        return _through(numbers.unsqueeze(2), self.low, self.rate).flatten(1)


def _through(value: Tensor, low: Tensor, rate: Tensor) -> Tensor:
    return torch.clamp((value - low) * rate, 0.0, 1.0)
