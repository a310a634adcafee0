"""Where the places of a resized axis come from: the same positions in importers, the reference and the C.

The conventions are those of TensorFlow Lite (kernels/internal/reference/resize_bilinear.h, resize_nearest_neighbor.h),
which include those of torch.nn.functional.interpolate.
"""

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Quantization
from smidgen.types import Array

WEIGHT_BITS = 11  # of a weight of bilinear resizing on codes: 8-bit differences times two weights fit 32 bits


def positions(before: int, after: int, mode: str, *, align_corners: bool, half_pixel: bool) -> Array:
    """The place in an axis of `before` elements that each of `after` elements shows, from 0 to before - 1.

    Args:
        before: elements of the input.
        after: elements of the output.
        mode: "nearest": whole places; "bilinear": places between two elements stand for a mixture of them.
        align_corners: the first and the last elements of both lie on each other.
        half_pixel: elements are areas, whose centres lie half an element from their edges.
    """
    at = np.arange(after, dtype=np.float32)
    spaces, steps = (before - 1, after - 1) if align_corners and after > 1 else (before, after)
    scale = np.float32(spaces / steps)
    if mode == "nearest":
        exact = (at + np.float32(0.5 if half_pixel else 0)) * scale
        exact = np.floor(exact + np.float32(0.5)) if align_corners else np.floor(exact)
    else:
        exact = (at + np.float32(0.5)) * scale - np.float32(0.5) if half_pixel else at * scale
    return np.asarray(np.clip(exact, 0, before - 1), np.float32)


def neighbours(places: Array, before: int) -> tuple[Array, Array, Array]:
    """For each position the elements below and above it, and how much the one above counts: int32, int32, float32."""
    low = np.floor(places).astype(np.int32)
    return low, np.minimum(low + 1, before - 1), np.asarray(places - low, np.float32)


def fixed(weights: Array) -> Array:
    """Weights in units of 2**-WEIGHT_BITS, int32."""
    return np.asarray(np.floor(weights * np.float32(2**WEIGHT_BITS) + np.float32(0.5)), np.int32)


def multiplier(x: Quantization, y: Quantization) -> tuple[int, int]:
    """Multiplier and shift from sums of codes less their zero point, times two weights, to codes of the output."""
    return arithmetic.multiplier(x.scale / y.scale / 4**WEIGHT_BITS)
