"""The natural logarithm."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _elementwise
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import Row, emit, row_scratch
from smidgen.compiler.ops._writer import Values, Writer

__all__ = ["emit", "memory", "row", "row_scratch"]


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """A table for codes, a formula for floats."""
    return _elementwise.function(writer, operation, given, wanted[0], "logf(v)")
