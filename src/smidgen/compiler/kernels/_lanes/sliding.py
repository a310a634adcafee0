"""A convolution whose windows overlap along a row: each pixel is read once for all the windows of a tile it is in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels._lanes.conv2d import across
from smidgen.compiler.kernels._lanes.form import FOLDER, Form, Isa, at_once, lines, rounding, signed
from smidgen.compiler.kernels._lanes.sums import Sums, sums
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = f"{FOLDER}/_lanes/sliding.c"
MOST_COLUMNS = 4  # of a window: their weights stay in registers


def find(isa: Isa, operation: Operation, given: Values, y: Value) -> Sliding | None:
    """This form, for windows that overlap, with a pixel of padding at either end of a row at most."""
    layer = sums(operation, given, y) if isa.registers and operation.kind == "conv2d" else None
    if layer is None or operation.attributes.get("groups", 1) != 1:
        return None
    (_, _, columns, channels), (dilation, stride, left) = layer.weight.shape, across(operation)
    right = (y.shape[1] - 1) * stride + columns - left - layer.x.shape[1]
    overlap = stride < columns <= MOST_COLUMNS and dilation == 1 and channels % 4 == 0
    return Sliding(isa) if overlap and left <= 1 and right <= 1 and y.shape[1] > 1 else None


@dataclass(frozen=True)
class Sliding(Form):
    """The form."""

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """A pixel of padding."""
        x = given[0]
        return 0 if x is None else -(-x.shape[2] // 8) * 8

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        layer = sums(operation, given, wanted[0])
        if layer is None:
            raise ValueError(f"{operation.name} does not suit {self.isa.name}")
        way, (_, left) = layer.way(self.isa), across(operation)[1:]
        tiles = self._tiles(layer)
        self.use_finish(writer, way)
        writer.kernel(FILE, "shape")
        calls = []
        for vectors, pixels in tiles:
            words = _tile(vectors, pixels, layer)
            writer.kernel(FILE, "tile", **words, way=way)
            call = f"    lanes_sliding_{words['name']}{way}(g, rows, (const uint8_t *)scratch, at, (uint8_t *)y);"
            calls += [f"for (; at + {vectors} <= vectors; at += {vectors}) {{", call, "}"]
        shapes = "_".join(f"{vectors}x{pixels}" for vectors, pixels in tiles)
        name = f"{_window(layer)}_{shapes}"
        writer.kernel(FILE, "row", name=name, C=str(layer.x.shape[2]), tiles=lines(1, calls), way=way)
        zero = arithmetic.scaling(layer.x).zero_point % 256
        fields: list[list[int | float | str]] = [
            [layer.x.shape[1], *layer.y.shape[1:], layer.weight.shape[1], left, zero, f"{self.isa.flip(layer.x)}u"],
            [writer.table("weight", _packed(layer, tiles, self.isa.lanes), "int8")],
            [writer.table("missing", _missing(layer, self.isa), "int32")],
            [layer.scaling(writer, self.isa, self.isa.lanes)],
            [rounding(operation, layer.y, twice=layer.twice, real=way != "")],
        ]
        return _rows.Row(f"conv2d_sliding_{name}{way}", writer.layer("lanes_sliding", fields))

    def _tiles(self, layer: Sums) -> list[tuple[int, int]]:
        """(vectors, pixels) of tiles, whose sums have registers beside the weights of all columns and a pixel."""
        outputs, columns = layer.y.shape[2], layer.weight.shape[2]
        found = []
        for vectors, most in self.isa.tiles_for(outputs, layer.y.shape[1]):
            room = (self.isa.registers - 1) // vectors - columns
            found.append((vectors, at_once(layer.y.shape[1], max(1, min(most, room)), vectors)))
        return found


def _window(layer: Sums) -> str:
    """What windows of this form are called."""
    (_, _, columns, channels), stride = layer.weight.shape, across(layer.operation)[1]
    return f"{channels}_{columns}by{stride}"


def _tile(vectors: int, pixels: int, layer: Sums) -> dict[str, str]:
    """The words of a tile: each sum is a variable of its own, so that it stays in a register."""
    (_, _, columns, channels), stride = layer.weight.shape, across(layer.operation)[1]
    each, inputs = [*product(range(pixels), range(vectors))], (pixels - 1) * stride + columns
    dots = [
        f"const lanes_quads w{k}_{v} = lanes_quads_load(w + {4 * (k * vectors + v)} * LANES);"
        for k, v in product(range(columns), range(vectors))
    ]
    for i in range(inputs):
        place = "head" if i == 0 else "tail" if i == inputs - 1 else f"x + {(i - 1) * channels}"
        dots.append(f"four = lanes_quads_fill({place} + c, flip);")
        met = ((p, i - p * stride, v) for p, v in each if 0 <= i - p * stride < columns)
        dots += [f"s{p}_{v} = lanes_dot(s{p}_{v}, four, w{k}_{v});" for p, k, v in met]
    row = "lanes_load(missing + ({} * height + k) * LANES)"
    return {
        "name": f"{_window(layer)}_{vectors}x{pixels}",
        "V": str(vectors),
        "P": str(pixels),
        "K": str(columns),
        "C": str(channels),
        "S": str(stride),
        "N": str(inputs),
        "begin": lines(2, (f"lanes s{p}_{v} = lanes_load(scaling + {5 * v} * LANES);" for p, v in each)),
        "absent": lines(4, (f"s{p}_{v} = lanes_sum(s{p}_{v}, {row.format(v)});" for p, v in each)),
        "dots": lines(4, dots),
        "keep": lines(2, (f"lanes_keep(sums + {p * vectors + v} * LANES, s{p}_{v});" for p, v in each)),
    }


def _packed(layer: Sums, tiles: Sequence[tuple[int, int]], lanes: int) -> Array:
    """Weights as the kernel reads them: (tiles of vectors, rows, channels / 4, columns, vectors, lanes, 4)."""
    outputs, rows, columns, channels = layer.codes.shape
    padded = np.pad(layer.codes, ((0, -outputs % lanes), (0, 0), (0, 0), (0, 0)))
    quads = padded.reshape(-1, lanes, rows, columns, channels // 4, 4)
    parts, at = [], 0
    for vectors, _ in tiles:
        while at + vectors <= len(quads):
            parts.append(quads[at : at + vectors].transpose(2, 4, 3, 0, 1, 5).ravel())
            at += vectors
    return np.concatenate(parts)


def _missing(layer: Sums, isa: Isa) -> Array:
    """What each row of a window adds where it is padding: (vectors, rows, lanes)."""
    zero = signed(layer.x)[0] + (0 if isa.signed else 128)
    rows = zero * layer.codes.sum(axis=(2, 3))
    return np.pad(rows, ((0, -len(rows) % isa.lanes), (0, 0))).reshape(-1, isa.lanes, rows.shape[1]).transpose(0, 2, 1)
