"""The mean of each window, over its places that are not padding."""

from collections.abc import Sequence
from itertools import product

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _pool, _rows
from smidgen.compiler.ops._rows import emit, memory, row_scratch
from smidgen.compiler.ops._writer import Values, Writer

__all__ = ["emit", "memory", "row", "row_scratch"]


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
    """Sums of the places inside, each divided by their number."""
    (x,), (y,) = _rows.computed(given), wanted
    sizes = [a * b for a, b in product(_inside(operation, x, y, 0), _inside(operation, x, y, 1))]
    words = _pool.mean(writer, operation, x, y, range(min(sizes), max(sizes) + 1))
    finish = words.pop("finish")
    writer.kernel("_common.c", "window")
    writer.kernel("stream.c", "row_kernel")
    writer.kernel("_pool.c", "average_pool2d", **words)
    layer = writer.layer(f"average_pool2d_layer_{words['name']}", [[*_pool.shape(operation, x, y), finish]])
    return _rows.Row(f"average_pool2d_{words['name']}", layer)


def _inside(operation: Operation, x: Value, y: Value, axis: int) -> set[int]:
    """How many places of a window can lie inside the input along an axis."""
    kernel, stride = operation.attributes["kernel"][axis], operation.attributes["stride"][axis]
    before = operation.attributes.get("padding", (0, 0, 0, 0))[axis]
    starts = (place * stride - before for place in range(y.shape[axis]))
    return {min(start + kernel, x.shape[axis]) - max(start, 0) for start in starts}
