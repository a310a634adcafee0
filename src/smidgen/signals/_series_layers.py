"""The layers around a network on series, in floats: raw units to features, and changes back to raw units."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from smidgen.types import Answer


class SeriesFrontend(nn.Module):
    """(x - mean) * scale for each channel; `relative`: less the last step, so that features are changes."""

    floats = True

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: tuple[float, ...], scale: tuple[float, ...], relative: bool) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.relative = relative

    def forward(self, series: Tensor) -> Tensor:
        """float32 (batch, time, channels) in raw units -> (batch, channels, time)."""
        centre = series[:, -1:] if self.relative else self.mean
        return ((series - centre) * self.scale).permute(0, 2, 1)


class Onward(nn.Module):
    """A forecast as the last value plus what a network says of the change: 0 is the naive forecast.

    Series drift, and a network of integers cannot leave the range that it learnt; differences stay within it
    (Zeng et al. 2023, arXiv:2205.13504, "NLinear").
    """

    floats = True

    chosen: Tensor
    spread: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, ahead: tuple[int, ...], spread: tuple[float, ...], answer: Answer) -> None:
        super().__init__()
        chosen = torch.zeros(answer.width, channels)  # (width, channels): which channel each value goes on from
        chosen[range(answer.width), torch.tensor(ahead).repeat(answer.width // len(ahead))] = 1
        self.register_buffer("chosen", chosen)
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32))
        self.register_buffer("mean", torch.tensor(getattr(answer, "means", 0.0), dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(getattr(answer, "deviations", 1.0), dtype=torch.float32))

    def forward(self, series: Tensor, change: Tensor) -> Tensor:
        """Raw series (batch, time, channels) and change (batch, width) -> standardised values (batch, width)."""
        last = functional.linear(series[:, -1:].flatten(1), self.chosen)
        return (change * self.spread + last - self.mean) / self.deviation


def change(raw: Tensor, how: dict[str, float], deviation: Tensor, mean: Tensor, seed: int) -> Tensor:
    """Windows changed at random, each in its own way, in raw units.

    Args:
        raw: (batch, time, channels).
        how: "noise" up to so many deviations of the window itself (1 is 0 dB), "offset" in those of all, "gain" as a
            share, "drop" as the chance that a channel is its mean.
        deviation: of each channel, (channels,).
        mean: of each channel, (channels,).
        seed: decides all.
    """
    dice = torch.Generator().manual_seed(seed)
    batch, _, channels = raw.shape
    if gain := how.get("gain"):
        raw = mean + (raw - mean) * (1 + gain * (2 * torch.rand(batch, 1, channels, generator=dice) - 1))
    if offset := how.get("offset"):
        raw = raw + offset * deviation * torch.randn(batch, 1, channels, generator=dice)
    if noise := how.get("noise"):
        level = noise * torch.rand(batch, 1, 1, generator=dice) * raw.std(dim=1, correction=0, keepdim=True)
        raw = raw + level * torch.randn(raw.shape, generator=dice)
    if drop := how.get("drop"):
        raw = torch.where(torch.rand(batch, 1, channels, generator=dice) < drop, mean, raw)
    return raw
