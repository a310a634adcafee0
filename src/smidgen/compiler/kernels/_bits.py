"""Weights of few bits that kernels unpack four at a time, by arithmetic: where they are steps of equal size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.ops import _packed
from smidgen.compiler.ops._layer import braces

if TYPE_CHECKING:
    from smidgen.compiler.ops._writer import Writer
    from smidgen.types import Array

FILE = "../kernels/_bits.c"
BYTES = 4  # of a word


@dataclass(frozen=True)
class Bits:
    """Weights as first + step * place, places of 1, 2 or 4 bits."""

    bits: int
    first: int
    step: int

    @classmethod
    def of(cls, weights: Array) -> Bits | None:
        """How to pack weights, int8; None where that would not save flash, steps differ or 0, the filler, is none."""
        packed = _packed.pack(weights) if weights.any() else None
        if packed is None:
            return None
        steps = np.diff(packed.palette.astype(np.int64))
        if not steps.size or (steps != steps[0]).any() or 0 not in packed.palette:
            return None
        return cls(packed.bits, int(packed.palette[0]), int(steps[0]))

    def words(self, weights: Array) -> Array:
        """Blocks of weights, (blocks, size), each in whole words: (blocks, words) int32.

        A byte of a word has in its lowest bits a weight of the first four, then one of the next four.
        """
        places = (weights.astype(np.int64) - self.first) // self.step
        each = BYTES * 8 // self.bits
        padded = np.pad(places, ((0, 0), (0, -places.shape[1] % each)))
        lanes = padded.reshape(len(weights), -1, 8 // self.bits, BYTES)
        joined = (lanes << (self.bits * np.arange(8 // self.bits)[:, None])).sum(2).astype(np.uint8)
        return np.ascontiguousarray(joined).view("<i4").reshape(len(weights), -1)

    def fields(self, writer: Writer, weights: Array) -> str:
        """Put in the kernel and a table of blocks of weights, (blocks, size); the fields of a `struct bits`."""
        writer.kernel(FILE, "bits")
        weights = np.pad(weights, ((0, 0), (0, -weights.shape[1] % BYTES)))
        words = self.words(weights)
        table = writer.table("weight", words, "int32")
        return braces([table, words.shape[1], weights.shape[1] // BYTES, self.bits, self.step, self.first])
