"""a + b and a - b of equal shapes and types, four elements at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels._sums import MOST_SHIFT
from smidgen.compiler.kernels.armv7em._core import ByRows
from smidgen.compiler.kernels.armv7em.add import operands
from smidgen.compiler.kernels.mve import _core
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._elementwise import overwrite
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.memory import Memory
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/mve/add.c"
LOAD = {"int8": "vldrbq_z_s32(from, there)", "uint8": "vreinterpretq_s32_u32(vldrbq_z_u32(from, there))"}


def find(operation: Operation, given: Values, y: Value) -> Add | None:
    """The form of a sum; None where an operand is repeated or numbers do not fit."""
    pair = operands(operation, given, y)
    if pair is None:
        return None
    if operation.rounding == "onnx":
        return Add("once", _once(operation, *pair, y))
    fields = _twice(*pair, y) if operation.kind == "add" else None
    return Add("twice", fields) if fields else None


def _once(operation: Operation, a: Value, b: Value, y: Value) -> tuple[int, ...]:
    """The numbers of a `struct mve_add_once`."""
    zero_a, zero_b = (arithmetic.scaling(value).zero_point for value in (a, b))
    scales = [arithmetic.scaling(value).scale / arithmetic.scaling(y).scale for value in (a, b)]
    (scale_a, scale_b), shift = arithmetic.common_multipliers(scales)
    scale_b = -scale_b if operation.kind == "sub" else scale_b
    return scale_a, scale_b, -zero_a * scale_a - zero_b * scale_b, -shift


def _twice(a: Value, b: Value, y: Value) -> tuple[int, ...] | None:
    """The numbers of a `struct mve_add_twice`; None where its sums need no second rounding.

    The larger of the scales is that of b, half of which is a shift. A shift after the multiplication is at least 1:
    where both are halves, a is shifted up once more before.
    """
    first = int(arithmetic.scaling(a).scale > arithmetic.scaling(b).scale)
    a, b = (b, a) if first else (a, b)
    (scale_a, shift_a), _, (scale, shift) = litert.sum_multipliers(a, b, y)
    lift = litert.HEAD_ROOM
    if shift_a == MOST_SHIFT:
        lift, shift_a = lift + 1, shift_a + 1
    shift_a, shift = shift_a - MOST_SHIFT, shift - MOST_SHIFT
    if not (1 <= shift <= MOST_SHIFT and 1 <= shift_a <= MOST_SHIFT):
        return None
    zero_a, zero_b = (arithmetic.scaling(value).zero_point for value in (a, b))
    return first, -zero_a, lift, scale_a, -shift_a, -zero_b, litert.HEAD_ROOM - 1, scale, -shift


@dataclass(frozen=True)
class Add(ByRows):
    """The functions of a kind of operation: see `ops`."""

    rounded: str
    fields: tuple[int, ...]

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """An element may take the place of one of those that it comes from."""
        return overwrite(operation, given, wanted)

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (y,) = wanted
        limits = rules(operation).bounds(str(operation.attributes.get("activation", "none")), y)
        words = {"name": short(y.dtype), "Y": c_type(y.dtype), "LOAD": LOAD[y.dtype]}
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(_core.FILE, "core")
        writer.kernel(FILE, "codes", **words)
        writer.kernel(FILE, f"{self.rounded}_layer")
        writer.kernel(FILE, self.rounded, **words)
        layer = writer.layer(
            f"mve_add_{self.rounded}",
            [[*self.fields], [prod(y.shape[1:]), arithmetic.scaling(y).zero_point, *limits]],
        )
        return _rows.Row(f"mve_add_{self.rounded}_{short(y.dtype)}", layer)
