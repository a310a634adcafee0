"""A small transformer encoder (Vaswani et al. 2017, arXiv:1706.03762): patches, positions, blocks, the mean over time.

Each block normalises what it reads, not what it gives (Xiong et al. 2020, arXiv:2002.04745). Linear layers over steps
are convolutions of one step, which integer kernels of every runtime know.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

from smidgen.families._codes import entrance
from smidgen.families._layers import Residual, activate, channels, largest
from smidgen.types import Answer, Signal

SMALLEST, LARGEST = 3000, 2_000_000
HEADS = 2
STEPS = 48  # in time that blocks see, about: what attention costs grows with the square
BLOCKS = 2
OVERLAP = 2  # patches to which a step belongs


@wrap_torch_function(lambda q, *_: (q,))
def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Each step's mean of values, weighted by how well its query fits the keys: (batch, depth, 1, time), all."""
    depth, time = q.shape[1] // heads, q.shape[3]
    q, k, v = (one.reshape(-1, heads, depth, time) for one in (q, k, v))
    fit = torch.matmul(q.transpose(2, 3), k).softmax(-1)  # (batch, heads, time, time)
    return torch.matmul(fit, v.transpose(2, 3)).permute(0, 1, 3, 2).reshape(-1, heads * depth, 1, time)


@wrap_torch_function(lambda x, *_: (x,))
def placed(x: Tensor, places: Tensor) -> Tensor:
    """Each step with the vector of its place added: (batch, depth, 1, time)."""
    return x + places


class Norm(nn.Module):
    """Layer normalisation over channels: (batch, channels, 1, time) in and out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Channels are last meanwhile."""
        return cast("Tensor", self.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class Attend(nn.Module):
    """Attention itself, in floats: a softmax of rounded scores would amplify the last bit of each."""

    floats = True

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(batch, depth, 1, time), all."""
        return attend(q, k, v, HEADS)


class Attention(nn.Module):
    """Every step looks at all of them: (batch, width, 1, time) in and out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Conv2d(width, width, 1) for _ in range(4))
        self.attend = Attend()
        with torch.no_grad():
            self.query.weight *= 1 / math.sqrt(width / HEADS)  # what the scores would be divided by

    def forward(self, x: Tensor) -> Tensor:
        """Queries, keys, values; what was found goes through one more layer."""
        return cast("Tensor", self.out(self.attend(self.query(x), self.key(x), self.value(x))))


class Places(nn.Module):
    """Adds a learnt vector for each step: (batch, width, 1, time) in and out."""

    def __init__(self, width: int, time: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(1, width, 1, time))

    def forward(self, x: Tensor) -> Tensor:
        """The same for every example."""
        return placed(x, self.places)


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Bytes (batch, time), or sequences and maps, -> raw outputs (batch, answer.width)."""

    def at(factor: float) -> nn.Module:
        width = channels(32, factor, HEADS)
        first, inputs, time = entrance(signal, channels(8, factor**0.5))
        stride = max(1, time // STEPS)
        patch = nn.Conv2d(inputs, width, (1, min(time, OVERLAP * stride)), (1, stride))
        time = (time - min(time, OVERLAP * stride)) // stride + 1
        layers = [first, patch, Places(width, time)]
        for _ in range(BLOCKS):
            hidden = [nn.Conv2d(width, 2 * width, 1), activate(activation), nn.Conv2d(2 * width, width, 1)]
            layers += [Residual(nn.Sequential(Norm(width), Attention(width)))]
            layers += [Residual(nn.Sequential(Norm(width), *hidden))]
        return nn.Sequential(
            *layers, Norm(width), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, answer.width)
        )

    return largest(at, size)
