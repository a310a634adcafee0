"""What families of anomaly detection share: features of normal examples as rows, and the unit of a distance.

Distances are in units of the mean distance of shuffled examples, each of whose features comes from another example.
That makes families and sizes comparable: one that reproduces anything, normal or not, is near 1, and the smaller the
distance of normal examples is, the better a family knows which values belong together.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from smidgen.errors import Unsupported
from smidgen.types import Dataset, Signal

BATCH = 1024
LEAST = 1e-12


def features(signal: Signal) -> int:
    """How many numbers a front end gives; raises Unsupported where they are codes, which have no distance."""
    if len(signal.feature_shape) == 1 and signal.input.dtype != "float32":
        raise Unsupported(f"codes of {signal.kind}", "A family of distances", "It takes numbers")
    return math.prod(signal.feature_shape)


def rows(network: nn.Module, data: Dataset) -> Iterator[Tensor]:
    """The features of the training part in batches, (b, features)."""
    frontend = network.get_submodule("frontend")
    for start in range(0, len(data.train), BATCH):
        indices = np.arange(start, min(start + BATCH, len(data.train)))
        yield frontend(torch.from_numpy(data.train.inputs[indices])).flatten(1)


def shuffled(x: Tensor, seed: int | None = None) -> Tensor:
    """Each column in an order of its own: (n, features) in and out."""
    dice = None if seed is None else torch.Generator().manual_seed(seed)
    order = torch.rand(x.shape, generator=dice).to(x.device).argsort(0)
    return x.gather(0, order)
