"""A convolution of all channels: windows are gathered for blocks of 3 pixels, and make 2 channels at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._sums import EXTEND, Sums, sums
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._writer import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._layer import Row as Fields
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/conv2d.c"
PIXELS = 3  # of a block


def find(operation: Operation, given: Values, y: Value) -> Conv2d | None:
    """The form of a convolution; None if it has groups, a single channel or numbers that do not fit."""
    if operation.attributes.get("groups", 1) > 1 or y.shape[2] < 2:
        return None
    found = sums(operation, given, y, packed=True)
    return Conv2d(found) if found else None


@dataclass(frozen=True)
class Window:
    """A window as runs of neighbours in memory: `count` runs of `length` bytes, `rows` of them in different rows."""

    rows: int
    count: int
    length: int
    apart: int  # bytes from a run to the next of its row
    padded: bool

    @property
    def units(self) -> int:
        """Words, the last one filled up."""
        return len(_gather.order(self.count, self.length)) // _gather.WORD

    def scratch(self, stride: int) -> int:
        """Bytes of a block, of what is left of its runs and of a run of all its pixels, `stride` bytes apart."""
        left = self.count * (self.length % _gather.WORD)
        patch = self.length + (PIXELS - 1) * stride if self.padded else 0
        return PIXELS * (2 * _gather.WORD * self.units + _gather.up(left)) + _gather.up(patch)


def window(operation: Operation, x: Value, weight: Value) -> Window:
    """The window of a convolution."""
    _, rows, columns, depth = weight.shape
    dilation = operation.attributes.get("dilation", (1, 1))[1]
    padded = any(operation.attributes.get("padding", ()))
    if dilation == 1 or columns == 1:
        return Window(rows, rows, columns * depth, 0, padded)
    return Window(rows, rows * columns, depth, dilation * x.shape[2], padded)


@dataclass(frozen=True)
class Conv2d(_core.ByRows):
    """The functions of a kind of operation: see `ops`. A block is gathered before its outputs are written."""

    sums: Sums

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes beside the rows; two filters of packed weights follow those of a block."""
        place = window(operation, self.sums.x, self.sums.weight)
        return self._block(operation, place) + (2 * _gather.WORD * place.units if self.sums.bits else 0)

    def _block(self, operation: Operation, place: Window) -> int:
        """Bytes that a block takes."""
        return place.scratch(operation.attributes.get("stride", (1, 1))[1] * self.sums.x.shape[2])

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (x, *_), (y,), own = _rows.computed(given), wanted, self.sums
        place, attributes = window(operation, x, own.weight), operation.attributes
        paired = _pairs(y.shape[2])
        weights = _gather.ordered(own.codes, place.count)[paired]
        channel = np.stack([own.biases[paired], own.multipliers[paired]], 1).reshape(-1, 2, 2).transpose(0, 2, 1)
        _core.core(writer)
        limits = _core.fields(writer, y, own.least, own.most)
        self._kernels(writer)
        words = _gather.interleaved(weights, 2)
        layer: list[Fields] = [
            [f"{{multiply_{own.name}_2, multiply_{own.name}_3}}"],
            ["NULL" if self.sums.bits else writer.table("weight", words, "int32")],
            [writer.table("channel", channel, "int32")],
            [place.units, y.shape[2], own.zero, y.shape[1]],
            [x.shape[1] * x.shape[2], attributes.get("stride", (1, 1))[1] * x.shape[2]],
            [attributes.get("padding", (0, 0))[1] * x.shape[2], arithmetic.scaling(x).zero_point],
            [place.rows, place.count // place.rows, place.length, place.apart],
            [limits],
        ]
        name = short(x.dtype)
        if self.sums.bits is None:
            return _rows.Row(f"conv2d_row_{name}", writer.layer("conv2d", layer))
        pairs = words.view(np.int8).reshape(-1, 2 * _gather.WORD * place.units)
        fields = self.sums.bits.fields(writer, pairs)
        writer.kernel(FILE, "layer_packed")
        writer.kernel(FILE, "conv2d_packed", name=name)
        packed: list[Fields] = [[writer.layer("conv2d", layer, "conv2d"), fields, self._block(operation, place)]]
        return _rows.Row(f"conv2d_packed_row_{name}", writer.layer("conv2d_packed", packed))

    def _kernels(self, writer: Writer) -> None:
        """Put in what the row needs."""
        words = {"name": short(self.sums.x.dtype), "EXTEND": EXTEND[self.sums.x.dtype]}
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(FILE, "tile")
        writer.kernel(FILE, "finish", **self.sums.words)
        for count in (2, PIXELS):
            writer.kernel(FILE, "multiply", **_multiply_words(self.sums, count))
            writer.kernel(FILE, "widen", **_widen_words(words, count))
        writer.kernel(FILE, "layer")
        writer.kernel(FILE, "gather", **words)
        if self.sums.bits is None:
            writer.kernel(FILE, "conv2d", **words)


def _multiply_words(own: Sums, count: int) -> dict[str, str]:
    """What the placeholders of the innermost loop stand for; of a third pixel, if there is one."""
    third = {
        "START_THIRD": ' "mov r4, r2\\n" "mov lr, r5\\n"',
        "TAKE_THIRD": ' TAKE("r4", "lr")',
        "FINISH_THIRD_A": f' FINISH_{own.name}("r4", "r8", "r6")',
        "FINISH_THIRD_B": f' FINISH_{own.name}("lr", "r9", "r7")',
        "STORE_THIRD_A": ' "strb r4, [r0, r6, lsl #1]\\n"',
        "STORE_THIRD_B": ' "strb lr, [r0, r6, lsl #1]\\n"',
    }
    words = {"name": f"{own.name}_{count}", "finish": own.name, "COUNT": str(count)}
    return words | (third if count == PIXELS else dict.fromkeys(third, ""))


def _widen_words(words: dict[str, str], count: int) -> dict[str, str]:
    """The same of what widens codes."""
    extend = words["EXTEND"]
    third = {
        "LOAD_THIRD": ' "ldr r9, [%[x], %[stride], lsl #1]\\n"',
        "WIDEN_THIRD": f' "{extend} r10, r9, ror #8\\n" "{extend} r9, r9\\n"',
        "MORE": ", r9, r10",
    }
    name = f"{count}_{words['name']}"
    return words | {"name": name} | (third if count == PIXELS else dict.fromkeys(third, ""))


def _pairs(channels: int) -> list[int]:
    """Channels two by two; the last of an odd number together with the one before."""
    return [*range(channels // 2 * 2), *([channels - 2, channels - 1] if channels % 2 else [])]
