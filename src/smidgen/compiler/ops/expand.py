"""The same elements again and again, along axes of one element."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """An element is read again after it was written."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    return _strided.copy(writer, x, y, 0, _strided.repeated(x.shape, y.shape))
