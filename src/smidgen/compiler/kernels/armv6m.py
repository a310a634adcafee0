"""Kernels for Thumb instructions alone: Cortex-M0, M0+ and M3. Products of two windows and two filters at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._sums import Sums, sums
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._layer import braces
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.kernels._bits import Bits
    from smidgen.compiler.ops import Kind
    from smidgen.compiler.ops._layer import Row as Fields
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = "../kernels/armv6m.c"
FLOATING_POINT = False
LOAD = {"int8": "ldrsb", "uint8": "ldrb"}
WINDOWS, FILTERS, OUTPUTS = 2, 2, 4  # of a convolution, of a dense layer at a time


def find(operation: Operation, given: Values, wanted: Sequence[Value]) -> Kind | None:
    """The form of an operation here; None where the portable one must do."""
    if operation.kind not in ("conv2d", "dense"):
        return None
    (y, *_), groups = wanted, operation.attributes.get("groups", 1)
    single = groups > 1 and given[1] is not None and given[1].shape[0] == groups and given[1].shape[3] == 1
    if (groups > 1 and not single) or y.shape[-1] < (OUTPUTS if operation.kind == "dense" else FILTERS):
        return None
    found = sums(operation, given, y, packed=not single)
    if found is None:
        return None
    return Dense(found) if operation.kind == "dense" else Conv2d(found, single=single)


@dataclass(frozen=True, eq=False)
class Conv2d:
    """The functions of a kind of operation, of all channels or of single ones: see `ops`."""

    sums: Sums
    single: bool

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """That of rows: windows are gathered before their outputs are written."""
        return _rows.memory(operation, given, wanted, self.row_scratch(operation, given, wanted))

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """A row of all pixels where windows are pixels, else row by row."""
        return _rows.emit(writer, operation, given, wanted)

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes of the windows, and of as many filters of packed weights."""
        _, rows, columns, _ = self.sums.weight.shape
        size = _gather.up(rows * columns * self.sums.x.shape[2] * (1 if self.single else WINDOWS))
        return 2 * size if self.sums.bits else size

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (x, *_), (y,), attributes = _rows.computed(given), wanted, operation.attributes
        words, codes = _finish(writer, self.sums, y)
        writer.kernel("stream.c", "row_kernel")
        if not self.single:
            writer.kernel(FILE, "sums")
            writer.kernel(FILE, "two_by_two", **words | {"name": words["x"]})
        form, weights = _weights(writer, self.sums.codes.T if self.single else self.sums.codes, self.sums.bits, FILTERS)
        writer.kernel(FILE, "gather")
        writer.kernel(FILE, "depthwise" if self.single else "conv2d", **words | form)
        (_, rows, columns, _), dilation, depth = self.sums.weight.shape, attributes.get("dilation", (1, 1)), x.shape[2]
        window: Fields = [x.shape[1] * depth, attributes.get("stride", (1, 1))[1] * depth]
        window += [attributes.get("padding", (0, 0))[1] * depth, arithmetic.scaling(x).zero_point, rows]
        window += [1, columns * depth, 0] if dilation[1] == 1 else [columns, depth, dilation[1] * depth]
        places = rows * columns if self.single else rows * columns * depth
        name = f"{'depthwise_window' if self.single else 'conv2d_pairs'}{form['FORM']}_{words['name']}"
        layer: list[Fields] = [[braces(window)], [weights, places, y.shape[2], y.shape[1]], [codes]]
        return _rows.Row(name, writer.layer(name, layer))


@dataclass(frozen=True, eq=False)
class Dense:
    """The functions of a kind of operation: see `ops`."""

    sums: Sums

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Every output needs all inputs; packed weights, room for those of four outputs."""
        return Memory(scratch_bytes=OUTPUTS * self.sums.x.count if self.sums.bits else 0)

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call."""
        (x, *_), (y,) = _rows.computed(given), wanted
        words, codes = _finish(writer, self.sums, y)
        form, weights = _weights(writer, self.sums.codes, self.sums.bits, OUTPUTS)
        writer.kernel(FILE, "sums")
        writer.kernel(FILE, "one_by_four", **words | {"name": words["x"]})
        writer.kernel(FILE, "dense", **words | form)
        name = f"dense_fours{form['FORM']}_{words['name']}"
        layer = writer.layer(name, [[weights, x.count, y.count], [codes]])
        return f"{name}({layer}, {writer.read(x)}, {writer.at(y)}, {writer.room()});"


def _weights(writer: Writer, codes: Array, bits: Bits | None, block: int) -> tuple[dict[str, str], str]:
    """What the placeholders for weights stand for, packed in blocks of filters or not, and the field of the weights."""
    if bits is None:
        words = {"FORM": "", "WEIGHT": "const int8_t *weight", "FROM": "g->weight + c * g->places"}
        return words, writer.table("weight", codes, "int8")
    blocks = [min(first, len(codes) - block) + np.arange(block) for first in range(0, len(codes), block)]
    unpacked = f"unpack_block(&g->weight, (c + {block - 1}) / {block}, filters)"
    words = {"FORM": "_packed", "WEIGHT": "struct bits weight", "FROM": unpacked}
    return words, bits.fields(writer, codes[np.stack(blocks)].reshape(len(blocks), -1))


def _finish(writer: Writer, own: Sums, y: Value) -> tuple[dict[str, str], str]:
    """What the placeholders of the templates stand for, and the fields of what makes codes of sums."""
    x, rounding = own.x, own.name.partition("_")[0]
    kind = "once" if rounding == "once" else "twice"
    words = {
        "name": f"{short(x.dtype)}_{own.name}",
        "x": short(x.dtype),
        "X": c_type(x.dtype),
        "Y": c_type(y.dtype),
        "LOAD": LOAD[x.dtype],
        "scaled": kind,
        "AWAY": "(value >> 31) + " if rounding == "away" else "",
    }
    where, half = ("down", "0") if kind == "once" else ("to the nearest, halfway up", "0x4000")
    writer.kernel(FILE, "scaled", name=kind, WHERE=where, HALF=half)
    writer.kernel(FILE, "finish", **words)
    channel = writer.table("channel", np.stack([own.biases, own.multiplier], 1), "int32")
    return words, braces([channel, own.zero, own.least, own.most])
