"""The greatest value of each window."""

from collections.abc import Sequence

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import names, present
from smidgen.compiler.ops._pool import memory, shape
from smidgen.compiler.ops._writer import Writer, number, real_bounds

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    activation = str(operation.attributes.get("activation", "none"))
    low, high = real_bounds(activation) if y.quantization is None else arithmetic.bounds(activation, y)
    windows, words = shape(writer, operation, x, y), names(x)
    writer.kernel("_pool.c", "max_pool2d", **words)
    limits = f"{number(low)}, {number(high)}"
    return f"max_pool2d_{words['name']}({windows}, {writer.read(x)}, {writer.at(y)}, {limits});"
