"""Where a shipped network departs from the trained one: layer by layer, on the same inputs."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import fx, nn

from smidgen.compression.quantize import activations, rounded_names
from smidgen.targets import onnx
from smidgen.types import Array


@dataclass(frozen=True)
class Similarity:
    """One value inside the network, shipped against trained."""

    layer: str
    sqnr_db: float  # signal to quantisation noise
    cosine: float


def similarity(network: nn.Module, graph: fx.GraphModule, model: bytes, raw: Array) -> list[Similarity]:
    """Every rounded value of the shipped file against the value that the trained network has there.

    Args:
        network: the trained float network.
        graph: its quantised form, which says what was rounded.
        model: the shipped ONNX file.
        raw: inputs, (n, ...); some dozens are enough.
    """
    names = rounded_names(graph)
    trained = activations(network, torch.from_numpy(raw), names)
    rows = []
    for name, shipped in zip(names, onnx.inside(model, raw), strict=True):
        rows.append(_compare(name, trained[name].numpy(), shipped))
    return rows


def _compare(name: str, trained: Array, shipped: Array) -> Similarity:
    a, b = trained.ravel().astype(np.float64), shipped.ravel().astype(np.float64)
    signal, noise = max(float(a @ a), 1e-30), max(float((a - b) @ (a - b)), 1e-30)
    cosine = float(a @ b) / max(math.sqrt(signal * float(b @ b)), 1e-30)
    return Similarity(name, min(10 * math.log10(signal / noise), 200.0), cosine)
