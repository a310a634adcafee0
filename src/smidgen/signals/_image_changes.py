"""Augmentation of a whole batch of images at once, in the sensor's own units and before the graph.

The network under training therefore sees what the sensor could have given, and is the graph that ships.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from smidgen.types import Changes


@dataclass(frozen=True)
class Augmentation:
    """How much images may be changed; 0 everywhere is no augmentation."""

    rotate: float = 0.0  # degrees, either way
    scale: float = 0.0  # share, either way
    shear: float = 0.0  # share, either way
    shift: float = 0.0  # share of the side, either way
    flip: float = 0.0  # 1: left to right, half of the images
    contrast: float = 0.0  # share, either way
    brightness: float = 0.0  # share of the full range, either way
    cutout: float = 0.0  # side of the erased square, as a share (DeVries & Taylor 2017, arXiv:1708.04552)

    @property
    def warps(self) -> bool:
        """Whether pixels must be interpolated."""
        return bool(self.rotate or self.scale or self.shear)


def change(raw: Tensor, changes: Changes, seed: int) -> Tensor:
    """Each image changed in its own way; (batch, height, width, channels) uint8 in and out. The seed decides all.

    Args:
        raw: the batch.
        changes: fields of `Augmentation`.
        seed: of all that is random.
    """
    how = Augmentation(**changes)
    if how == Augmentation():
        return raw
    dice = torch.Generator().manual_seed(seed)
    if how.shift or how.flip:
        raw = _move(raw, how, dice)
    if not (how.warps or how.contrast or how.brightness or how.cutout):
        return raw
    images = raw.permute(0, 3, 1, 2).float()  # (batch, channels, height, width)
    if how.warps:
        grid = functional.affine_grid(_matrices(images, how, dice), list(images.shape), align_corners=False)
        images = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    if how.contrast or how.brightness:
        images = _relight(images, how, dice)
    if how.cutout:
        images = images * _holes(images, how.cutout, dice)
    return images.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _move(raw: Tensor, how: Augmentation, dice: torch.Generator) -> Tensor:
    """Shifted by whole pixels, the border repeated, and mirrored: nothing is blurred."""
    batch, height, width, _ = raw.shape
    rows = torch.arange(height) + (_spread(batch, 1, dice) * (how.shift * height + 0.5)).round()[:, None]
    columns = torch.arange(width) + (_spread(batch, 1, dice) * (how.shift * width + 0.5)).round()[:, None]
    if how.flip:
        mirrored = torch.rand(batch, 1, generator=dice) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    rows, columns = rows.clamp(0, height - 1).long(), columns.clamp(0, width - 1).long()
    return raw[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _matrices(images: Tensor, how: Augmentation, dice: torch.Generator) -> Tensor:
    """Random affine maps from output to input coordinates, (batch, 2, 3)."""
    batch, _, height, width = images.shape
    angle = _spread(batch, math.radians(how.rotate), dice)
    zoom = 1 + _spread(batch, how.scale, dice)
    shear = _spread(batch, how.shear, dice)
    cos, sin, aspect, still = angle.cos() * zoom, angle.sin() * zoom, height / width, torch.zeros(batch)
    rows = [
        torch.stack([cos, (shear - sin) * aspect, still], 1),
        torch.stack([sin / aspect, cos, still], 1),
    ]
    return torch.stack(rows, 1).to(images.device)


def _relight(images: Tensor, how: Augmentation, dice: torch.Generator) -> Tensor:
    batch = len(images)
    gain = (1 + _spread(batch, how.contrast, dice)).reshape(-1, 1, 1, 1).to(images.device)
    offset = (255 * _spread(batch, how.brightness, dice)).reshape(-1, 1, 1, 1).to(images.device)
    middle = images.mean((1, 2, 3), keepdim=True)
    return (images - middle) * gain + middle + offset


def _holes(images: Tensor, share: float, dice: torch.Generator) -> Tensor:
    """1 where an image is kept and 0 in one square of each, (batch, 1, height, width)."""
    batch, _, height, width = images.shape
    half = share * min(height, width) / 2
    rows = torch.rand(batch, 1, generator=dice) * height
    columns = torch.rand(batch, 1, generator=dice) * width
    inside_rows = (torch.arange(height) + 0.5 - rows).abs() < half  # (batch, height)
    inside_columns = (torch.arange(width) + 0.5 - columns).abs() < half  # (batch, width)
    kept = ~(inside_rows[:, :, None] & inside_columns[:, None, :])
    return kept[:, None].to(images)


def _spread(batch: int, most: float, dice: torch.Generator) -> Tensor:
    """Uniform in -most..most, (batch,)."""
    return (torch.rand(batch, generator=dice) * 2 - 1) * most
