"""What it takes to price a network before it is trained: candidates of 50 layers, compiled on the spot."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import nn

from record import Bar, Result, Row
from smidgen.compiler.cost import price

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

LAYERS = 50
TIMES = 20
LIMIT = 20.0  # milliseconds
KERNELS = ("portable", "armv6m", "armv7em")
RAM = {"any": None, "256 KB": 2**18}


def measure(options: argparse.Namespace, folder: Path) -> Result:  # noqa: ARG001
    """Medians over some calls."""
    torch.set_num_threads(1)
    rows: list[Row] = []
    for name, (network, raw) in {"plain": _plain(), "mobilenet": _mobilenet()}.items():
        for kernel_set in KERNELS:
            for words, ram in RAM.items():
                seconds = []
                for _ in range(TIMES):
                    begun = time.perf_counter()
                    cost = price(network, raw, 8, kernel_set, ram)
                    seconds.append(time.perf_counter() - begun)
                row = {"network": name, "kernels": kernel_set, "ram": words, "flash bytes": cost.flash_bytes}
                rows.append({**row, "RAM bytes": cost.ram_bytes, "milliseconds": round(1000 * median(seconds), 2)})
    slowest = max(row["milliseconds"] for row in rows)
    notes = [f"Medians of {TIMES} calls, in a process that has priced a network before; one thread."]
    return Result("price", options.command, rows, {}, [Bar("slowest milliseconds", slowest, LIMIT, "at most")], notes)


def _block(channels: int, wanted: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(channels, wanted, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(wanted), nn.ReLU()]


def _plain() -> tuple[nn.Module, torch.Tensor]:
    """Convolutions and depthwise ones of 32 channels at one resolution."""
    blocks = [_block(32, 32, 3, groups=32 if index % 4 > 1 else 1) for index in range(LAYERS)]
    return nn.Sequential(Channels(), *(layer for block in blocks for layer in block)), _pixels(32, 32)


def _mobilenet() -> tuple[nn.Module, torch.Tensor]:
    """As in Howard et al. 2017 (arXiv:1704.04861): depthwise and pointwise, ever wider and ever smaller."""
    layers, channels = _block(3, 8, 3, 2), 8
    for index in range((LAYERS - 2) // 2):
        wanted, stride = (16, 32, 32, 64, 64, 128)[min(index, 5)], 2 if index in (1, 3, 5, 15) else 1
        layers += [*_block(channels, channels, 3, stride, channels), *_block(channels, wanted, 1)]
        channels = wanted
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2)]
    return nn.Sequential(Channels(), *layers), _pixels(96, 3)


class Channels(nn.Module):
    """Pixels as a camera gives them to channels first."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 (batch, height, width, channels) -> float32 (batch, channels, height, width)."""
        return pixels.permute(0, 3, 1, 2).to(torch.float32)


def _pixels(side: int, channels: int) -> torch.Tensor:
    return torch.zeros((1, side, side, channels), dtype=torch.uint8)
