"""The mean over neighbouring axes."""

from collections.abc import Sequence
from math import prod

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _pool
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Writer
from smidgen.errors import Unsupported


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:
    """The sums of a block end before the next begins, and a block of the output is no larger."""
    (x,), (y,) = present(given), wanted
    return Memory({0: 0} if x.dtype == y.dtype else {})


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    axes = sorted(axis % len(x.shape) for axis in operation.attributes["axes"])
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise Unsupported(f"{operation.name}, a mean over axes {axes}", "The target c", "They must be neighbours")
    parts = x.shape[: axes[0]], x.shape[axes[0] : axes[-1] + 1], x.shape[axes[-1] + 1 :]
    outer, middle, inner = map(prod, parts)
    words = _pool.mean(writer, operation, x, y, [middle])
    finish = words.pop("finish")
    writer.kernel("_mean.c", "mean", **words)
    return f"reduce_{words['name']}({finish}, {writer.read(x)}, {writer.at(y)}, {outer}, {middle}, {inner});"
