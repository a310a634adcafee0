"""a where a condition is not 0, else b; each may be repeated along some axes."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._elementwise import names, present
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._writer import Values, Writer, c_type
from smidgen.errors import Unsupported

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    operands, (y,) = present(given), wanted
    if {value.dtype for value in (*operands[1:], y)} != {"float32"}:
        raise Unsupported(f"{operation.name}, a choice of {y.dtype}", "The target c", "It takes float32")
    repeats = [_strided.repeated(value.shape, y.shape) for value in operands]
    rows, rank, tables = _strided.tables(writer, _strided.merged(y.shape, *repeats))
    words = {**names(operands[0], y), "C": c_type(operands[0].dtype), "X": c_type(y.dtype)}
    writer.kernel("_strided.c", "row_start")
    writer.kernel("_strided.c", "where", **words)
    sources = ", ".join(writer.at(value, f"operand_{index}") for index, value in enumerate(operands))
    return f"where_{words['name']}({sources}, {writer.at(y)}, {rows}, {rank}, {', '.join(tables)});"
