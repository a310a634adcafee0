"""A convolution of all channels, and a dense layer: windows against filters, 16 products an instruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.kernels._sums import Sums, sums
from smidgen.compiler.kernels.armv7em._core import ByRows
from smidgen.compiler.kernels.mve import _core
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._layer import Row as Fields
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/mve/conv2d.c"
PIXELS, CHANNELS = 3, 4  # whose sums are made at once
LANES = 16  # bytes of a vector


def find(operation: Operation, given: Values, y: Value) -> Conv2d | None:
    """The form of a convolution; None if it has groups, fewer than four channels or numbers that do not fit."""
    if operation.attributes.get("groups", 1) > 1 or y.shape[2] < CHANNELS:
        return None
    found = sums(operation, given, y)
    return Conv2d(found) if found else None


def find_dense(operation: Operation, given: Values, y: Value) -> Dense | None:
    """The form of a dense layer; None for fewer than four outputs and for numbers that do not fit."""
    found = sums(operation, given, y) if y.count >= CHANNELS else None
    return Dense(found) if found else None


@dataclass(frozen=True)
class Conv2d(ByRows):
    """The functions of a kind of operation: see `ops`."""

    sums: Sums

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """That of rows: windows are gathered before their outputs are written."""
        return _rows.memory(operation, given, wanted, self.row_scratch(operation, given, wanted), gathered=True)

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes of the windows of a block of pixels and of padded rows; vectors may go past both."""
        windows = PIXELS * _core.up(self.sums.codes.shape[1], LANES) + LANES
        pitch = self._pitch(operation, wanted[0])
        return windows + (self.sums.weight.shape[1] * pitch + LANES if pitch else 0)

    def _pitch(self, operation: Operation, y: Value) -> int:
        """Bytes of a padded row, as far as windows go; 0 where windows are pixels."""
        if self.sums.weight.shape[1:3] == (1, 1) and not any(operation.attributes.get("padding", ())):
            return 0
        return _core.pitch(operation, self.sums, y)

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (x, *_), (y,), attributes = _rows.computed(given), wanted, operation.attributes
        (_, width, depth), (_, rows, columns, _) = x.shape, self.sums.weight.shape
        stride, dilation = (attributes.get(key, (1, 1))[1] * depth for key in ("stride", "dilation"))
        runs = [1, columns * depth, 0] if dilation == depth else [columns, depth, dilation]
        left, pitch = attributes.get("padding", (0, 0))[1] * depth, self._pitch(operation, y)
        writer.kernel("stream.c", "row_kernel")
        name = _kernels(writer, self.sums, "window", "row")
        window: Fields = [left, pitch, stride, rows, *runs]
        layer = _layer(writer, self.sums, _core.row(x, width * depth), window, [y.shape[2], y.shape[1]])
        return _rows.Row(f"mve_conv2d_{name}", layer)


@dataclass(frozen=True)
class Dense:
    """The functions of a kind of operation: see `ops`."""

    sums: Sums

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Every output needs all inputs, which are copied where they are no whole vectors of signed codes."""
        x = self.sums.x
        copied = x.count % LANES or _core.flip(x)
        return Memory(scratch_bytes=_core.up(x.count, LANES) + LANES if copied else 0)

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call."""
        (x, *_), (y,) = _rows.computed(given), wanted
        name, own = _kernels(writer, self.sums, "dense"), self.sums
        alike = len({*zip(own.multiplier.tolist(), own.shift.tolist(), strict=True)}) == 1
        layer = _layer(writer, own, _core.row(x, x.count), [0] * 7, [y.count, 1], CHANNELS if alike else 0)
        return f"mve_dense_{name}({layer}, {writer.read(x)}, {writer.at(y)}, {writer.room()}, {int(alike)});"


def _kernels(writer: Writer, own: Sums, *last: str) -> str:
    """Put in the kernels of a layer; what their names end in."""
    name = _core.rounded(own)
    _core.scaled(writer, name)
    writer.kernel(_core.FILE, "take")
    writer.kernel(FILE, "dots")
    writer.kernel(FILE, "finish", name=name)
    writer.kernel(FILE, "layer")
    writer.kernel(FILE, *last, name=name)
    return name


def _layer(writer: Writer, own: Sums, row: str, window: Fields, outputs: Fields, alike: int = 0) -> str:
    """The description of a layer; the expression of its address. The last vector of weights may go past the last."""
    outs, places = own.codes.shape
    weights = writer.table("weight", np.pad(own.codes.ravel(), (0, -places % LANES)), "int8")
    return writer.layer(
        "mve_conv2d", [[row], window, [weights, places, *outputs], [_core.codes(writer, own, np.arange(outs), alike)]]
    )
