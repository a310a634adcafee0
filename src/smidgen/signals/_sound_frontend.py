"""The layers that every network for sound starts with: one operation, so that exporters can write it their own way.

`smidgen::log_mel` is `_mel.log_mel`, standardised. ONNX has no such node; `targets/_onnx_sound.py` writes it as a
Fourier transform and a few others, and the compiler makes one operation of those again.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from smidgen.signals._mel import filters


@torch.library.custom_op("smidgen::log_mel", mutates_args=())
def log_mel(
    raw: Tensor, size: int, step: int, edges: Sequence[float], floor: float, mean: float, scale: float
) -> Tensor:
    """int16 (batch, samples) -> float32 (batch, 1, mels, frames): (log(power + floor) - mean) * scale."""
    window = torch.hann_window(size, device=raw.device)
    spectrum = torch.fft.rfft(raw.float().unfold(1, size, step) * window)
    power = spectrum.real.square() + spectrum.imag.square()
    weights = torch.from_numpy(filters(size, tuple(edges))).to(raw.device)
    mels: Tensor = ((power @ weights + floor).log() - mean) * scale
    return mels.transpose(1, 2).unsqueeze(1).contiguous()


@log_mel.register_fake
def _(raw: Tensor, size: int, step: int, edges: Sequence[float], floor: float, mean: float, scale: float) -> Tensor:
    """The shape alone."""
    del floor, mean, scale
    shape = (raw.shape[0], 1, len(edges) - 2, (raw.shape[1] - size) // step + 1)
    return torch.empty(shape, dtype=torch.float32, device=raw.device)


class LogMel(nn.Module):
    """Samples to a standardised log-mel map; nothing in it is trained."""

    def __init__(self, size: int, step: int, edges: Sequence[float], floor: float, mean: float, scale: float) -> None:
        super().__init__()
        self.size, self.step, self.edges = size, step, list(edges)
        self.floor, self.mean, self.scale = floor, mean, scale

    def forward(self, raw: Tensor) -> Tensor:
        """int16 (batch, samples) -> float32 (batch, 1, mels, frames)."""
        made: Tensor = torch.ops.smidgen.log_mel(
            raw, self.size, self.step, self.edges, self.floor, self.mean, self.scale
        )
        return made
