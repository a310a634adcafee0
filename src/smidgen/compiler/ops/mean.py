"""The mean over neighbouring axes."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _pool
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._reduce import blocks, memory
from smidgen.compiler.ops._writer import Writer

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    outer, middle, inner = blocks(operation, x)
    words = _pool.mean(writer, operation, x, y, [middle])
    finish = words.pop("finish")
    writer.kernel("_mean.c", "mean", **words)
    return f"reduce_{words['name']}({finish}, {writer.read(x)}, {writer.at(y)}, {outer}, {middle}, {inner});"
