"""The mean of each window, over its places that are not padding."""

from collections.abc import Sequence
from itertools import product

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._pool import mean, memory, shape
from smidgen.compiler.ops._writer import Writer

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    sizes = [a * b for a, b in product(_inside(operation, x, y, 0), _inside(operation, x, y, 1))]
    words = mean(writer, operation, x, y, range(min(sizes), max(sizes) + 1))
    finish = words.pop("finish")
    windows = shape(writer, operation, x, y)
    writer.kernel("_pool.c", "average_pool2d", **words)
    return f"average_pool2d_{words['name']}({windows}, {finish}, {writer.read(x)}, {writer.at(y)});"


def _inside(operation: Operation, x: Value, y: Value, axis: int) -> set[int]:
    """How many places of a window can lie inside the input along an axis."""
    kernel, stride = operation.attributes["kernel"][axis], operation.attributes["stride"][axis]
    before = operation.attributes.get("padding", (0, 0, 0, 0))[axis]
    starts = (place * stride - before for place in range(y.shape[axis]))
    return {min(start + kernel, x.shape[axis]) - max(start, 0) for start in starts}
