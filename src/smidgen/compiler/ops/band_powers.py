"""How much power each band of frequencies has in each frame of a signal: windowed Fourier transforms, summed up."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer, c_type, short
from smidgen.errors import Unsupported
from smidgen.types import Array

NEAR = 1e-6  # of a window: how far it may be from cosines


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Room for one frame. The bands of a frame may take the place of samples that no later frame has."""
    (x, window, weight), (y,) = present(given), wanted
    bands = weight.shape[0]
    behind = 4 * bands - operation.attributes["step"] * BITS[x.dtype] // 8
    return Memory({0: max(0, behind * (y.count // bands - 1))}, scratch_bytes=4 * window.count)


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x, window, weight), (y,) = present(given), wanted
    size, bands = window.count, weight.shape[0]
    if window.data is None or weight.data is None or x.dtype not in ("int16", "float32") or size & (size - 1):
        raise Unsupported(operation.name, "The target c", "It takes 16-bit or float samples and frames of 2^n")
    shape = _cosine(window.data.ravel())
    writer.kernel("band_powers.c", "cosine", "layer", "window", "transform")
    writer.kernel("band_powers.c", "bands", name=short(x.dtype), X=c_type(x.dtype))
    table = writer.table("window", window.data, "float32") if shape is None else "NULL"
    quarter = np.cos(2 * np.pi * np.arange(size // 4 + 1) / size)
    places, weights = _sparse(weight.data)
    layer = writer.layer(
        "band_layer",
        [
            [size, operation.attributes["step"], y.count // bands, bands],
            [writer.table("cosines", quarter, "float32"), table, *(shape or (0.0, 0.0))],
            [writer.table("places", places, "int16"), writer.table("weights", weights, "float32")],
        ],
    )
    return f"band_powers_{short(x.dtype)}({layer}, {writer.read(x)}, {writer.at(y)}, (float *)({writer.room()}));"


def _cosine(window: Array) -> tuple[float, float] | None:
    """a and b of a window that is a - b cos(2 pi n / size), as those of Hann and Hamming are; None for others."""
    wave = np.cos(2 * np.pi * np.arange(len(window)) / len(window))
    a, b = float(window.mean()), float(-2 * (window * wave).mean())
    return (a, b) if np.abs(a - b * wave - window).max() < NEAR else None


def _sparse(weight: Array) -> tuple[Array, Array]:
    """Where the weights of each band begin and how many there are, (bands, 2); and all of them in a row."""
    places, weights = [], []
    for row in weight:
        nonzero = np.flatnonzero(row)
        first, end = (nonzero[0], nonzero[-1] + 1) if nonzero.size else (0, 0)
        places.append((first, end - first))
        weights.append(row[first:end])
    return np.asarray(places, np.int16), np.concatenate([*weights, np.zeros(0 if any(map(len, weights)) else 1)])
