"""What all kernels need: the right core, and the codes that an activation allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compiler import arithmetic
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.memory import Memory
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/core.c"


def core(writer: Writer) -> None:
    """What stops a compiler for another core."""
    writer.kernel(FILE, "core")


def fields(writer: Writer, y: Value, least: int, most: int) -> str:
    """Those of a `struct range`, for a kernel that ends with `clamp_codes`."""
    name = "NULL" if (least, most) == arithmetic.limits(y) else _kernel(writer, y)
    writer.kernel(FILE, "range", "clamp_codes")
    return f"{{{name}, {least}, {most}}}"


def statement(writer: Writer, y: Value, least: int, most: int, at: str) -> str:
    """What clamps the codes of a value at an address; nothing where all are allowed."""
    if (least, most) == arithmetic.limits(y):
        return ""
    name = _kernel(writer, y)
    return f"{name}({writer.layer('range', [[name, least, most]], 'range')}, {at}, {y.count});"


def _kernel(writer: Writer, y: Value) -> str:
    writer.kernel(FILE, "range")
    writer.kernel(FILE, "clamp", name=short(y.dtype), Y=c_type(y.dtype))
    return f"clamp_{short(y.dtype)}"


class ByRows:
    """What most kinds of operation that work row by row have in common: see `ops`. `row` is their own."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """That of rows."""
        return _rows.memory(operation, given, wanted, self.row_scratch(operation, given, wanted))

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """Row by row, or all as one row where places come from places."""
        return _rows.emit(writer, operation, given, wanted)

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes beside the rows: none."""
        return 0
