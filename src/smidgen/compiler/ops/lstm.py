"""A long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates; gates i, o, f, c."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _recurrent
from smidgen.compiler.ops._writer import Values, Writer


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Four gates of the input, four of the state, the cell and a state to begin with."""
    return _recurrent.scratch(10, wanted)


def emit(
    writer: Writer,
    operation: Operation,
    given: Values,
    wanted: Sequence[Value],
    products: _recurrent.Products = _recurrent.portable,
) -> str:
    """One call."""
    return _recurrent.call(writer, operation, given, wanted, ("lstm",), 10, products)
