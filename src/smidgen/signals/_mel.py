"""Log-mel maps: how much of each band of pitch sounds when. In numpy, for what is learnt and compared outside graphs.

A frame of `size` samples is windowed (Hann) and transformed; triangular filters, evenly spaced on the mel scale of
O'Shaughnessy 1987, add up its powers. The filters are given by their `edges`, in steps of the transform: filter i rises
from edges[i] to edges[i + 1] and falls to edges[i + 2].
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.types import Array

LOWEST = 20.0  # Hz, where the first filter begins
FLOOR = 1000.0  # added to powers of 16-bit samples: digital silence is no quieter than a quiet room


def edges(rate: int, size: int, mels: int) -> tuple[float, ...]:
    """Where filters begin, peak and end, in steps of the transform: mels + 2 numbers.

    Args:
        rate: samples a second.
        size: samples of a frame.
        mels: how many filters.
    """
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, rate / 2))
    hertz = 700 * (10 ** (np.linspace(low, high, mels + 2) / 2595) - 1)
    return tuple(float(np.float32(each)) for each in hertz * size / rate)


@lru_cache(maxsize=16)
def filters(size: int, edges: tuple[float, ...]) -> Array:
    """The weight of each frequency in each filter: (size / 2 + 1, mels) float32."""
    low, middle, high = (np.asarray(part, np.float32) for part in (edges[:-2], edges[1:-1], edges[2:]))
    steps = np.arange(size // 2 + 1, dtype=np.float32)[:, None]
    rising, falling = (steps - low) / (middle - low), (high - steps) / (high - middle)
    return np.asarray(np.maximum(np.minimum(rising, falling), 0), np.float32)


def log_mel(block: Array, size: int, step: int, edges: Sequence[float]) -> Array:
    """int16 (b, samples) to logarithms of powers, (b, mels, frames) float32."""
    frames = np.lib.stride_tricks.sliding_window_view(block, size, axis=1)[:, ::step]
    window = np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), np.float32)
    spectrum = np.fft.rfft(frames * window)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.asarray(np.log(power @ filters(size, tuple(edges)) + FLOOR).swapaxes(1, 2), np.float32)
