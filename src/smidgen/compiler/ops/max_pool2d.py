"""The greatest value of each window."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _pool, _rows
from smidgen.compiler.ops._elementwise import names
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._rows import emit, memory, row_scratch
from smidgen.compiler.ops._writer import Values, Writer, real_bounds

__all__ = ["emit", "memory", "row", "row_scratch"]


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
    """The greatest codes, held in the activation's range."""
    (x,), (y,) = _rows.computed(given), wanted
    activation = str(operation.attributes.get("activation", "none"))
    limits = real_bounds(activation) if y.quantization is None else rules(operation).bounds(activation, y)
    words = names(x)
    writer.kernel("_common.c", "window")
    writer.kernel("stream.c", "row_kernel")
    writer.kernel("_pool.c", "max_pool2d", **words)
    layer = writer.layer(f"max_pool2d_layer_{words['name']}", [[*_pool.shape(operation, x, y), *limits]])
    return _rows.Row(f"max_pool2d_{words['name']}", layer)
