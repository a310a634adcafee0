"""The layers every image network starts with."""

import torch
from torch import nn
from torch.nn import functional


class ImageFrontend(nn.Module):
    """Raw pixels to centred, scaled and perhaps smaller features; nothing in it is trained."""

    def __init__(self, zero_point: int, scale: float, shrink: int) -> None:
        super().__init__()
        self.zero_point = zero_point
        self.scale = scale
        self.shrink = shrink

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 (batch, height, width, channels) -> float32 (batch, channels, height / shrink, width / shrink)."""
        features = (pixels.permute(0, 3, 1, 2).to(torch.float32) - self.zero_point) * self.scale
        return functional.avg_pool2d(features, self.shrink) if self.shrink > 1 else features
