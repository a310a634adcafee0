"""a + b and a - b of equal shapes and types."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels._sums import EXTEND, MOST, MOST_SHIFT, SATURATE, held
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._elementwise import overwrite
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.memory import Memory
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/add.c"
UNIT = 2**litert.HEAD_ROOM


def find(operation: Operation, given: Values, y: Value) -> Add | None:
    """The form of a sum; None where an operand is repeated or numbers do not fit."""
    pair = operands(operation, given, y)
    if pair is None:
        return None
    if operation.rounding == "onnx":
        return Add("once", _once(operation, *pair, y), away=False)
    fields = _twice(*pair, y) if operation.kind == "add" else None
    least, _ = litert.bounds(str(operation.attributes.get("activation", "none")), y)
    return Add("twice", fields, away=least < arithmetic.scaling(y).zero_point) if fields else None


def operands(operation: Operation, given: Values, y: Value) -> tuple[Value, Value] | None:
    """What a sum of 8-bit codes is of; None unless both have its shape and type, and its activation only limits it."""
    pair = _rows.computed(given)
    alike = len(pair) == len(given) and all((value.shape, value.dtype) == (y.shape, y.dtype) for value in pair)
    coded = y.dtype in EXTEND and all(value.quantization is not None for value in (*pair, y))
    if not alike or not coded or operation.attributes.get("activation", "none") not in ("none", "relu", "relu6"):
        return None
    a, b = pair
    return a, b


def _once(operation: Operation, a: Value, b: Value, y: Value) -> tuple[int, ...]:
    """The numbers of a `struct add_once`, after its count."""
    zero_a, zero_b, zero = (arithmetic.scaling(value).zero_point for value in (a, b, y))
    scales = [arithmetic.scaling(value).scale / arithmetic.scaling(y).scale for value in (a, b)]
    (scale_a, scale_b), shift = arithmetic.common_multipliers(scales)
    scale_b = -scale_b if operation.kind == "sub" else scale_b
    return scale_a, scale_b, (1 << (shift - 1)) - zero_a * scale_a - zero_b * scale_b, shift, zero


def _twice(a: Value, b: Value, y: Value) -> tuple[int, ...] | None:
    """The numbers of a `struct add_twice`, after its count; None where they do not fit 32 bits.

    The larger of the scales is that of b. Half of it is a shift, which the sum takes from `half` on; where both are
    halves, a is taken as 2**31 / 2**32 of itself.
    """
    first = int(arithmetic.scaling(a).scale > arithmetic.scaling(b).scale)
    a, b = (b, a) if first else (a, b)
    (scale_a, shift_a), _, (scale, shift) = litert.sum_multipliers(a, b, y)
    if shift_a == 31:
        scale_a, shift_a = 2 * scale_a, shift_a + 1
    zero_a, zero_b, zero = (arithmetic.scaling(value).zero_point for value in (a, b, y))
    shift_a, shift = shift_a - 31, shift - 31
    if not 1 <= shift <= MOST_SHIFT or shift_a > 4:
        return None
    half = (1 << (shift_a - 1)) - (zero_b * (UNIT // 2) << shift_a)
    offset = (2 * zero + 1) << (shift - 1)
    if abs(half) + 255 * UNIT >= MOST or abs(offset) + 512 * UNIT >= MOST:
        return None
    return first, -zero_a * UNIT, held(scale_a), half, shift_a, held(scale), offset, shift - 1


@dataclass(frozen=True)
class Add(_core.ByRows):
    """The functions of a kind of operation: see `ops`."""

    rounded: str
    fields: tuple[int, ...]
    away: bool

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """An element may take the place of one of those that it comes from."""
        return overwrite(operation, given, wanted)

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (y,) = wanted
        limits = rules(operation).bounds(str(operation.attributes.get("activation", "none")), y)
        name = f"{self.rounded}{'_away' if self.away else ''}_{short(y.dtype)}"
        words = {"name": name, "Y": c_type(y.dtype), "SATURATE": SATURATE[y.dtype]}
        _core.core(writer)
        clamped = _core.fields(writer, y, *limits)
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(FILE, f"{self.rounded}_layer")
        writer.kernel(FILE, self.rounded, AWAY="(sum >> 31) + " if self.away else "", **words)
        layer = writer.layer(f"add_{self.rounded}", [[prod(y.shape[1:]), *self.fields], [clamped]])
        return _rows.Row(f"add_row_{name}", layer)
