"""A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078); gates z, r, h; the reset before or after the product."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _recurrent
from smidgen.compiler.ops._writer import Values, Writer


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Three gates of the input, three of the state, and a state to begin with."""
    return _recurrent.scratch(7, wanted)


def emit(
    writer: Writer,
    operation: Operation,
    given: Values,
    wanted: Sequence[Value],
    products: _recurrent.Products = _recurrent.portable,
) -> str:
    """One call."""
    after = operation.attributes["linear_before_reset"]
    first, reset = ("3", "after") if after else ("2", "before")
    return _recurrent.call(writer, operation, given, wanted, (reset, "gru"), 7, products, reset, FIRST=first)
