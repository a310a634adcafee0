"""A convolution of one group, output channels in lanes; a dense layer is one of a single pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels._lanes.form import FOLDER, Form, Isa, lines, rounding
from smidgen.compiler.kernels._lanes.sums import Sums, sums
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = f"{FOLDER}/_lanes/conv2d.c"
SLACK = 4  # bytes behind a padded row: the last run may be read up to a multiple of 4


def find(isa: Isa, operation: Operation, given: Values, y: Value) -> Conv2d | None:
    """This form, for a conv2d of one group and for dense layers."""
    alone = operation.attributes.get("groups", 1) == 1
    return Conv2d(isa) if alone and sums(operation, given, y) else None


@dataclass(frozen=True)
class Conv2d(Form):
    """The form. Runs of a window that are neighbours in memory are one, so that four bytes may be of two pixels."""

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """The addresses of the runs of a window, of up to 8 bytes, then padded rows."""
        windows = Windows.of(self.isa, operation, given, wanted[0])
        return -(-windows.rows * (8 * windows.runs + windows.padded) // 8) * 8

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """As others; a dense layer is one call."""
        if operation.kind == "conv2d":
            return super().emit(writer, operation, given, wanted)
        return _rows.call(writer, self.row(writer, operation, given, wanted), _rows.computed(given), wanted[0])

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        layer, windows = sums(operation, given, wanted[0]), Windows.of(self.isa, operation, given, wanted[0])
        if layer is None:
            raise ValueError(f"{operation.name} does not suit {self.isa.name}")
        way = layer.way(self.isa)
        self.use_finish(writer, way)
        writer.kernel(FILE, "shape")
        for vectors, pixels in windows.tiles:
            writer.kernel(FILE, "tile", **_tile(vectors, pixels), way=way)
        name = "".join(f"_{vectors}x{pixels}" for vectors, pixels in windows.tiles)
        writer.kernel(FILE, "row", name=name, tiles=_calls(windows.tiles, way), way=way)
        zero = arithmetic.scaling(layer.x).zero_point % 256
        rows: list[list[int | float | str]] = [
            [*windows.fields, zero, f"{self.isa.flip(layer.x)}u"],
            [writer.table("weight", windows.packed(layer, self.isa.lanes), "int8")],
            [
                layer.scaling(writer, self.isa, self.isa.lanes),
                rounding(operation, layer.y, twice=layer.twice, real=way != ""),
            ],
        ]
        return _rows.Row(f"conv2d_lanes{name}{way}", writer.layer("lanes_conv2d", rows))


def _tile(vectors: int, pixels: int) -> dict[str, str]:
    """The words of a tile: each sum is a variable of its own, so that it stays in a register."""
    each = [(p, v) for p in range(pixels) for v in range(vectors)]
    dots = [f"const lanes_quads w{v} = lanes_quads_load(w + {4 * v} * LANES);" for v in range(vectors)]
    for p in range(pixels):
        dots.append(f"four = lanes_quads_fill(x + {p} * step, flip);")
        dots += [f"s{p}_{v} = lanes_dot(s{p}_{v}, four, w{v});" for v in range(vectors)]
    return {
        "V": str(vectors),
        "P": str(pixels),
        "begin": lines(2, (f"lanes s{p}_{v} = lanes_load(scaling + {5 * v} * LANES);" for p, v in each)),
        "dots": lines(4, dots),
        "keep": lines(2, (f"lanes_keep(sums + {p * vectors + v} * LANES, s{p}_{v});" for p, v in each)),
    }


def _calls(tiles: Sequence[tuple[int, int]], way: str) -> str:
    """The loops over vectors of channels, as many at once as there are."""
    loops = []
    for vectors, pixels in tiles:
        call = f"    lanes_tile_{vectors}x{pixels}{way}(g, lines, at, (uint8_t *)y);"
        loops += [f"for (; at + {vectors} <= vectors; at += {vectors}) {{", call, "}"]
    return lines(1, loops)


@dataclass(frozen=True)
class Windows:
    """How the windows of a row lie in rows of the input; sizes in bytes. See struct lanes_conv2d.

    Attributes:
        tiles: (vectors, pixels) that make a row.
        x: width and channels of the input.
        y: width and channels of the output.
        rows: of a window.
        runs: of each of its rows.
        length: of a run.
        run_step: from one run to the next.
        step: from one window to the next.
        before: padding before a row.
        padded: a row with its padding.
        direct: rows need no padding.
    """

    tiles: tuple[tuple[int, int], ...]
    x: tuple[int, int]
    y: tuple[int, int]
    rows: int = 1
    runs: int = 1
    length: int = 0
    run_step: int = 0
    step: int = 0
    before: int = 0
    padded: int = 0
    direct: bool = True

    @classmethod
    def of(cls, isa: Isa, operation: Operation, given: Values, y: Value) -> Windows:
        """Of a conv2d or dense."""
        x, weight = given[0], given[1]
        if x is None or weight is None:
            raise ValueError(f"{operation.name} has no weights")
        if operation.kind == "dense":
            sizes, whole = ((1, x.count), (1, y.count)), x.count % 4 == 0
            tiles = isa.tiles_for(y.count, 1)
            return cls(tiles, *sizes, length=x.count, padded=x.count + SLACK, direct=whole)
        (_, width, channels), (_, out_width, outputs), (_, rows, columns, _) = x.shape, y.shape, weight.shape
        dilation, stride, left = across(operation)
        seen = (out_width - 1) * stride + (columns - 1) * dilation + 1
        runs, length = (1, columns * channels) if dilation == 1 else (columns, channels)
        return cls(
            isa.tiles_for(outputs, out_width),
            (width, channels),
            (out_width, outputs),
            rows,
            runs,
            length,
            run_step=dilation * channels,
            step=stride * channels,
            before=left * channels,
            padded=max(seen, left + width) * channels + SLACK,
            direct=left == 0 and length % 4 == 0 and seen <= width,
        )

    @property
    def run(self) -> int:
        """A run up to a multiple of 4."""
        return -(-self.length // 4) * 4

    @property
    def fields(self) -> list[int | float | str]:
        """The first fields of struct lanes_conv2d."""
        places = [self.rows, self.runs, self.run, self.run_step, self.step, self.before, self.padded]
        return [*self.x, *self.y, *places, int(self.direct)]

    def packed(self, layer: Sums, lanes: int) -> Array:
        """Weights as the kernel reads them: (tiles of vectors, runs of a window, run / 4, vectors, lanes, 4)."""
        outputs, lines_ = len(layer.codes), self.rows * self.runs
        edges = (0, -outputs % lanes), (0, 0), (0, self.run - self.length)
        padded = np.pad(layer.codes.reshape(outputs, lines_, self.length), edges)
        quads = padded.reshape(-1, lanes, lines_, self.run // 4, 4)
        parts, at = [], 0
        for vectors, _ in self.tiles:
            while at + vectors <= len(quads):
                parts.append(quads[at : at + vectors].transpose(2, 3, 0, 1, 4).ravel())
                at += vectors
        return np.concatenate(parts)


def across(operation: Operation) -> tuple[int, int, int]:
    """Dilation, stride and padding of a convolution along a row."""
    given = operation.attributes
    dilation, stride = (given.get(name, (1, 1))[1] for name in ("dilation", "stride"))
    return dilation, stride, given.get("padding", (0, 0, 0, 0))[1]
