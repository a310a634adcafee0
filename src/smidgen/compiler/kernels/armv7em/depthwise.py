"""A depthwise convolution of 3x3 windows: channel by channel, from a padded plane of 16-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._sums import Sums, sums
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.memory import EXACT, Memory
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._layer import Row as Fields
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = "../kernels/armv7em/depthwise.c"
SIDE = 3  # of a window
MOST_STRIDE = 2
TWO, ONE, LINE = 34, 24, 23  # instructions for two outputs, for one and for a line


def find(operation: Operation, given: Values, y: Value) -> Depthwise | None:
    """The form of a convolution of one input channel each; None for other windows and for numbers that do not fit."""
    attributes, weight = operation.attributes, given[1]
    alone = weight is not None and weight.shape == (attributes.get("groups", 1), SIDE, SIDE, 1)
    stride, dilation = (tuple(attributes.get(name, (1, 1))) for name in ("stride", "dilation"))
    if not alone or y.shape[2] < 2 or stride[1] > MOST_STRIDE or dilation != (1, 1):
        return None
    found = sums(operation, given, y, packed=True)
    return Depthwise(found) if found else None


@dataclass(frozen=True)
class Axis:
    """The lines of a plane, or the places of a line."""

    given: int  # of the input
    wanted: int  # of the output
    stride: int
    before: int  # padding

    @property
    def reach(self) -> int:
        """As far as windows go."""
        return (self.wanted - 1) * self.stride + SIDE

    @property
    def taken(self) -> int:
        """What the plane has of the input."""
        return min(self.given, self.reach - self.before)

    @property
    def twos(self) -> int:
        """Pairs of outputs that are made at once."""
        return self.wanted // 2 if self.stride == 1 else 0

    @property
    def ones(self) -> int:
        """The rest of the outputs."""
        return self.wanted - 2 * self.twos

    @property
    def pitch(self) -> int:
        """Numbers of a line: even, because they are read by twos."""
        return (self.reach + 1) // 2 * 2


def _axes(operation: Operation, x: Value, y: Value) -> tuple[Axis, Axis]:
    """Rows and columns."""
    stride, padding = operation.attributes.get("stride", (1, 1)), operation.attributes.get("padding", (0, 0))
    rows, columns = (Axis(x.shape[axis], y.shape[axis], stride[axis], padding[axis]) for axis in (0, 1))
    return rows, columns


def _is_turned(rows: Axis, columns: Axis) -> bool:
    """Whether the lines of a plane had better be columns."""

    def cost(lines: Axis, places: Axis) -> int:
        return lines.wanted * (LINE + TWO * places.twos + ONE * places.ones)

    return rows.stride <= MOST_STRIDE and cost(columns, rows) < cost(rows, columns)


@dataclass(frozen=True)
class Depthwise:
    """The functions of a kind of operation: see `ops`."""

    sums: Sums

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """A channel is copied before it is made, so that it may take the places that it comes from."""
        (y,), axes = wanted, _axes(operation, self.sums.x, wanted[0])
        lines, places = axes[::-1] if _is_turned(*axes) else axes
        return Memory({0: EXACT} if self.sums.x.shape == y.shape else {}, 2 * lines.reach * places.pitch)

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call."""
        x, (y,), name = self.sums.x, wanted, short(self.sums.x.dtype)
        layer = self._layer(writer, operation, y, turned=_is_turned(*_axes(operation, x, y)))
        writer.kernel(FILE, "whole", X=c_type(x.dtype), name=name, **self._form)
        return (
            f"depthwise_whole{self._form['FORM']}_{name}({layer}, {writer.read(x)}, {writer.at(y)}, {writer.room()});"
        )

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes of three lines of the plane."""
        return 2 * SIDE * _axes(operation, self.sums.x, wanted[0])[1].pitch

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        x, (y,) = self.sums.x, wanted
        layer = self._layer(writer, operation, y, turned=False, rows=1)
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(FILE, "row", X=c_type(x.dtype), name=short(x.dtype), **self._form)
        return _rows.Row(f"depthwise_row{self._form['FORM']}_{short(x.dtype)}", layer)

    @property
    def _form(self) -> dict[str, str]:
        """What the placeholders for weights stand for."""
        if self.sums.bits is None:
            return {"FORM": "", "WEIGHT": "const int8_t *weight", "FROM": "g->weight + 9 * c"}
        four = "(c % 4 ? (const int8_t *)filters : unpack_block(&g->weight, c / 4, filters)) + c % 4 * 9"
        return {"FORM": "_packed", "WEIGHT": "struct bits weight", "FROM": four}

    def _weights(self, writer: Writer, weights: Array) -> str:
        """The field of the weights, (channels, 9)."""
        if self.sums.bits is None:
            return writer.table("weight", weights, "int8")
        padded = np.pad(weights, ((0, -len(weights) % _gather.WORD), (0, 0)))
        return self.sums.bits.fields(writer, padded.reshape(-1, _gather.WORD * SIDE * SIDE))

    def _layer(self, writer: Writer, operation: Operation, y: Value, *, turned: bool, rows: int = 0) -> str:
        """Put in kernels and the description of the layer; the expression of its address."""
        own, x, channels, axes = self.sums, self.sums.x, y.shape[2], _axes(operation, self.sums.x, y)
        _core.core(writer)
        limits = _core.fields(writer, y, own.least, own.most)
        writer.kernel(FILE, "plane")
        writer.kernel(FILE, "depthwise_plane", **own.words)
        writer.kernel(FILE, "fill")
        writer.kernel(FILE, "copy", X=c_type(x.dtype), name=short(x.dtype))
        lines, places = axes[::-1] if turned else axes
        weights = own.codes.reshape(-1, SIDE, SIDE).transpose(0, 2, 1) if turned else own.codes
        steps, out_steps = ([value.shape[1] * channels, channels] for value in (x, y))
        (line, place), (out_line, out_place) = (pair[::-1] if turned else pair for pair in (steps, out_steps))
        used = 4 * places.twos, 4 * places.ones
        table = self._weights(writer, weights.reshape(channels, -1))
        writer.kernel(FILE, "layer", **self._form)
        fields: list[Fields] = [
            [f"depthwise_{own.name}", table],
            [writer.table("channel", np.stack([own.biases, own.multipliers], 1), "int32")],
            [channels, own.zero, lines.taken, places.taken, line, place],
            [lines.wanted, *used, 2 * lines.stride * places.pitch - sum(used)],
            [out_place, out_line - places.wanted * out_place],
            [lines.reach, places.pitch, lines.before, places.before, arithmetic.scaling(x).zero_point],
            [(rows or y.shape[0]) * y.shape[1] * channels, limits],
        ]
        return writer.layer(f"depthwise{self._form['FORM']}", fields)
