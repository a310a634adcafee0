"""Zeros, but for constants at computed places: the last of several at one place, none beyond the output."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer, c_type, short
from smidgen.errors import Unsupported


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Places are read in any order of the output."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (places, constants), (y,) = present(given), wanted
    if constants.data is None or {constants.dtype, y.dtype} != {"float32"} or places.dtype == "float32":
        what_can = "It puts constant floats at integer places"
        raise Unsupported(f"{operation.name}, a scattering of {constants.dtype}", "The target c", what_can)
    writer.kernel("scatter.c", "scatter", name=short(places.dtype), I=c_type(places.dtype))
    table = writer.table("constant", constants.data, constants.dtype)
    name = f"scatter_{short(places.dtype)}"
    return f"{name}({writer.read(places)}, {places.count}, {table}, {writer.at(y)}, {y.count});"
