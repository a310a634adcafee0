"""Axes in another order."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Elements change places."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    along = _strided.steps(x.shape)
    return _strided.copy(writer, x, y, 0, [along[axis] for axis in operation.attributes["order"]])
