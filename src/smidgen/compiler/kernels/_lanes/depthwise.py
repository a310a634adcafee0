"""A convolution of each channel by itself, channels in lanes, four rows of a window at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels._lanes.conv2d import across
from smidgen.compiler.kernels._lanes.form import FOLDER, Form, Isa, at_once, lines, rounding
from smidgen.compiler.kernels._lanes.sums import sums
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer

FILE = f"{FOLDER}/_lanes/depthwise.c"
FINISHED = 64  # channels that are rounded at once


def find(isa: Isa, operation: Operation, given: Values, y: Value) -> Depthwise | None:
    """This form, where each channel of the input makes one of the output."""
    groups, x = operation.attributes.get("groups", 1), given[0]
    alone = x is not None and groups == x.shape[2] == y.shape[2]
    return Depthwise(isa) if alone and sums(operation, given, y) else None


@dataclass(frozen=True)
class Depthwise(Form):
    """The form."""

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Sums, a pixel of padding and the columns of a padded row."""
        x, weight = given[0], given[1]
        if x is None or weight is None:
            raise ValueError(f"{operation.name} has no weights")
        columns = 4 * self.isa.block(x.shape[2]) * -(-weight.shape[1] // 4) * _padded(operation, x, weight, wanted[0])
        return -(-(4 * FINISHED * wanted[0].shape[1] + x.shape[2] + columns) // 8) * 8

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        layer = sums(operation, given, wanted[0])
        if layer is None:
            raise ValueError(f"{operation.name} does not suit {self.isa.name}")
        x, (y,) = layer.x, wanted
        block = self.isa.block(x.shape[2])
        vectors = block // self.isa.lanes
        pixels = at_once(y.shape[1], self.isa.blocks[block], vectors)
        way = layer.way(self.isa)
        self.use_finish(writer, way)
        words = {"B": str(block), **_windows(vectors, pixels), "way": way}
        writer.kernel(f"{FOLDER}/{self.isa.name}.c", f"interleave_{block}")
        writer.kernel(FILE, "shape", "columns", "windows", "row", **words)
        channels, rows, columns, _ = layer.codes.shape
        padded = np.pad(layer.codes[..., 0], ((0, -channels % block), (0, -rows % 4), (0, 0)))
        packed = padded.reshape(-1, block, padded.shape[1] // 4, 4, columns).transpose(0, 2, 4, 1, 3)
        zero = arithmetic.scaling(x).zero_point % 256
        fields: list[list[int | float | str]] = [
            [x.shape[1], channels, y.shape[1], rows, columns, *across(operation)],
            [_padded(operation, x, layer.weight, y), zero, f"{self.isa.flip(x)}u"],
            [writer.table("weight", packed, "int8")],
            [layer.scaling(writer, self.isa, block), rounding(operation, y, twice=layer.twice, real=way != "")],
        ]
        return _rows.Row(f"depthwise_lanes_{block}x{pixels}{way}", writer.layer("lanes_depthwise", fields))


def _padded(operation: Operation, x: Value, weight: Value, y: Value) -> int:
    """Columns of a padded row."""
    dilation, stride, left = across(operation)
    return max((y.shape[1] - 1) * stride + (weight.shape[2] - 1) * dilation + 1, left + x.shape[1])


def _windows(vectors: int, pixels: int) -> dict[str, str]:
    """The words of the kernel that sums windows; each sum is a variable of its own."""
    each = [(p, v) for p in range(pixels) for v in range(vectors)]
    dots = []
    for v in range(vectors):
        dots.append(f"four = lanes_quads_load(w + {4 * v} * LANES);")
        for p in range(pixels):
            place = f"lanes_quads_load(x + {p} * step + {4 * v} * LANES)"
            dots.append(f"s{p}_{v} = lanes_dot(s{p}_{v}, {place}, four);")
    return {
        "P": str(pixels),
        "begin": lines(2, (f"lanes s{p}_{v} = lanes_load(scaling + {5 * v} * LANES);" for p, v in each)),
        "dots": lines(4, dots),
        "keep": lines(2, (f"lanes_keep(to + {p} * pitch + {v} * LANES, s{p}_{v});" for p, v in each)),
    }
