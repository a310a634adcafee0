"""The plain recurrent layer (Elman 1990): the state is tanh, or ReLU, of products of input and state."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _recurrent
from smidgen.compiler.ops._writer import Values, Writer

ACTIVATIONS = {"tanh": "gate_tanh(v)", "relu": "v > 0 ? v : 0"}


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Products of the input and of the state, and a state to begin with."""
    return _recurrent.scratch(3, wanted)


def emit(
    writer: Writer,
    operation: Operation,
    given: Values,
    wanted: Sequence[Value],
    products: _recurrent.Products = _recurrent.portable,
) -> str:
    """One call."""
    activation = operation.attributes["activation"]
    return _recurrent.call(
        writer, operation, given, wanted, ("rnn",), 3, products, activation, VALUE=ACTIVATIONS[activation]
    )
