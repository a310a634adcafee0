"""Weights of few different values, packed: 1, 2 or 4 bits each in flash, which are places in a palette of the values.

Weights of 4 and 2 bits, ternary ones and those that share a few values by clustering (Han et al. 2016,
arXiv:1510.00149) are all of this form. It is found from the values, whatever type a file gives them.
"""

from dataclasses import dataclass

import numpy as np

from smidgen.compiler.ops._layer import braces
from smidgen.compiler.ops._writer import Writer, c_type
from smidgen.types import Array

WIDTHS = (1, 2, 4)  # bits that divide a byte: no weight lies across two
LEAST_SAVED = 32  # bytes, for which the C that unpacks is worth its own size
FIELDS = 8  # bytes of a layer's description that only packed weights need


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights as places in a palette: the first in the lowest bits of a byte."""

    bits: int
    palette: Array  # (at most 2**bits,) int8
    places: Array  # uint8

    @property
    def bytes(self) -> int:
        """What they take in flash."""
        return self.places.nbytes + self.palette.nbytes + FIELDS


def pack(weights: Array | None) -> Packed | None:
    """Weights in their order in memory, packed; None where that would not save flash, or they are not known yet."""
    if weights is None or weights.dtype != np.int8:
        return None
    flat = np.ascontiguousarray(weights).ravel()
    values = np.sort(np.flatnonzero(np.bincount(flat.view(np.uint8))).astype(np.uint8).view(np.int8))
    bits = next((width for width in WIDTHS if len(values) <= 1 << width), 0)
    if not bits:
        return None
    half = 1 << (bits - 1)
    if -half <= values[0] and values[-1] < half:
        values = np.arange(-half, half, dtype=np.int8)  # one palette for all layers of so many bits
    lanes = np.zeros((-(-flat.size * bits // 8), 8 // bits), np.uint8)
    lanes.ravel()[: flat.size] = np.searchsorted(values, flat)
    places = np.bitwise_or.reduce(lanes << (bits * np.arange(8 // bits, dtype=np.uint8)), axis=1)
    packed = Packed(bits, values, np.asarray(places, np.uint8))
    return packed if flat.size - packed.bytes >= LEAST_SAVED else None


def weights(writer: Writer, data: Array, dtype: str) -> tuple[dict[str, str], str]:
    """Weights in the form that takes the least flash.

    Returns:
        What the placeholders of the templates stand for: FORM, a suffix of names; WEIGHTS, the type of the field
        `weight`; AT, the i-th weight; FROM, the weights from the i-th on. And the content of the field.
    """
    packed = pack(data)
    if packed is None:
        words = {"FORM": "", "WEIGHTS": f"const {c_type(dtype)} *", "AT": "g->weight[i]", "FROM": "g->weight + i"}
        return words, writer.table("weight", data, dtype)
    writer.kernel("_packed.c", "packed")
    places = writer.table("places", packed.places, "uint8")
    palette = writer.table("palette", packed.palette, "int8")
    at = {"AT": "packed_at(&g->weight, i)", "FROM": "&g->weight, i"}
    return {"FORM": "_packed", "WEIGHTS": "struct packed ", **at}, braces([places, palette, packed.bits])
