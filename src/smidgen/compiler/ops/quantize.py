"""Real numbers to codes."""

from collections.abc import Sequence

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import names, present, quantization
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._writer import Writer, number

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    words, to = names(x, y), quantization(operation, y)
    writer.kernel("_common.c", "clampf")
    writer.kernel("quantize.c", "away" if operation.rounding == "litert" else "up")
    writer.kernel("quantize.c", "quantize", **words)
    reals = (to.scale, *map(float, (to.zero_point, *arithmetic.limits(y))))
    numbers = ", ".join(map(number, reals))
    return f"quantize_{words['name']}({writer.read(x)}, {writer.at(y)}, {y.count}, {numbers});"
