"""Some of the places along each axis, at equal distances, which may be negative."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """No element moves back, unless an axis is turned round."""
    return Memory({0: 0} if min(operation.attributes["stride"]) > 0 else {})


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    begin, stride = operation.attributes["begin"], operation.attributes["stride"]
    along = _strided.steps(x.shape)
    start = sum(first * step for first, step in zip(begin, along, strict=True))
    return _strided.copy(writer, x, y, start, [step * by for step, by in zip(along, stride, strict=True)])
