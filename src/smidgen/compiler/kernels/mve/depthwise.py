"""A convolution of each channel by itself, 8 channels in the lanes of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.kernels._sums import Sums, sums
from smidgen.compiler.kernels.armv7em._core import ByRows
from smidgen.compiler.kernels.mve import _core
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = "../kernels/mve/depthwise.c"
LANES = 8
MOST = 255  # of the weights of a pair, without their signs: times 128, it fits 16 bits


def find(operation: Operation, given: Values, y: Value) -> Depthwise | None:
    """The form of a convolution of as many channels as groups; None for others and for numbers that do not fit."""
    weight, groups = given[1], operation.attributes.get("groups", 1)
    if groups == 1 or weight is None or (weight.shape[0], weight.shape[3]) != (groups, 1):
        return None
    found = sums(operation, given, y)
    return Depthwise(found) if found and np.abs(_pairs(found).astype(np.int64)).sum(2).max() <= MOST else None


def _pairs(own: Sums) -> Array:
    """The weights of places, two by two: (channels, pairs, 2)."""
    return np.pad(own.codes, ((0, 0), (0, own.codes.shape[1] % 2))).reshape(len(own.codes), -1, 2)


@dataclass(frozen=True)
class Depthwise(ByRows):
    """The functions of a kind of operation: see `ops`. Rows are copied before their outputs are written."""

    sums: Sums

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes of the padded rows of a window; vectors may go past them."""
        return self.sums.weight.shape[1] * _core.pitch(operation, self.sums, wanted[0]) + 2 * LANES

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (x, *_), (y,), attributes = _rows.computed(given), wanted, operation.attributes
        (_, width, channels), name = x.shape, _core.rounded(self.sums)
        stride, dilation = (attributes.get(key, (1, 1))[1] * channels for key in ("stride", "dilation"))
        pitch, rows = _core.pitch(operation, self.sums, y), self.sums.weight.shape[1]
        places = (pitch * np.arange(rows)[:, None] + dilation * np.arange(self.sums.weight.shape[2])).ravel()
        order = np.pad(np.arange(channels), (0, -channels % LANES), constant_values=-1)
        weights = np.pad(_pairs(self.sums), ((0, -channels % LANES), (0, 0), (0, 0)))
        packed = weights.reshape(-1, LANES, *weights.shape[1:]).transpose(0, 2, 3, 1)
        evens_first = order.reshape(-1, LANES // 2, 2).transpose(0, 2, 1).ravel()
        _core.scaled(writer, name)
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(_core.FILE, "take")
        writer.kernel(FILE, "layer")
        writer.kernel(FILE, "finish", "row", name=name)
        layer = writer.layer(
            "mve_depthwise",
            [
                [_core.row(x, width * channels), attributes.get("padding", (0, 0))[1] * channels, pitch],
                [rows, weights.shape[1], stride, channels, y.shape[1]],
                [writer.table("place", np.pad(places, (0, len(places) % 2)), "int32")],
                [writer.table("weight", packed, "int8"), _core.codes(writer, self.sums, evens_first)],
            ],
        )
        return _rows.Row(f"mve_depthwise_{name}", layer)
