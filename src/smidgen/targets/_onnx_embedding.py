"""Look-up tables of integers as ONNX: Gather of 8-bit codes, then DequantizeLinear, so that tables stay small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from smidgen.compiler.embedding import ZERO_POINT

if TYPE_CHECKING:
    from smidgen.compiler.embedding import QuantizedEmbedding

OPSET = 18


class Lookup(nn.Module):
    """Emits two nodes of ONNX, which the eager interpreter cannot run and the exporter writes as they are."""

    def __init__(self, module: QuantizedEmbedding) -> None:
        super().__init__()
        codes = module.codes().detach() + ZERO_POINT
        self.register_buffer("codes", codes.to(torch.uint8))
        self.register_buffer("scale", module.log_scale.detach().exp().float())
        self.register_buffer("zero", torch.tensor(ZERO_POINT, dtype=torch.uint8))

    def forward(self, indices: Tensor) -> Tensor:
        """Whole numbers of any shape -> float32 (..., depth)."""
        codes, scale, zero = self.buffers()
        shape = (*indices.shape, codes.shape[1])
        found = torch.onnx.ops.symbolic(
            "Gather", [codes, indices], {"axis": 0}, dtype=torch.uint8, shape=shape, version=OPSET
        )
        return torch.onnx.ops.symbolic(
            "DequantizeLinear", [found, scale, zero], {}, dtype=torch.float32, shape=shape, version=OPSET
        )
