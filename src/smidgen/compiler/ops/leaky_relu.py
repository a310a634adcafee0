"""x where it is positive, else slope * x (Maas et al. 2013)."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _elementwise
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import Row, emit, row_scratch
from smidgen.compiler.ops._writer import Values, Writer, number

__all__ = ["emit", "memory", "row", "row_scratch"]


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """A table for codes, a formula for floats."""
    slope = number(float(operation.attributes["slope"]))
    return _elementwise.function(writer, operation, given, wanted[0], f"v < 0 ? v * {slope} : v")
