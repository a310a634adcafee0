"""The greatest code of each window, four channels at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._sums import EXTEND
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.ops import _pool, _rows
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._writer import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/max_pool2d.c"
LEAST = {"int8": "0x80808080u", "uint8": "0"}
COMPARE = {"int8": "ssub8", "uint8": "usub8"}  # sets for each byte whether it is at least the other


def find(operation: Operation, given: Values, y: Value) -> MaxPool2d | None:
    """The form of a pool of codes; None for fewer than four channels."""
    (x,) = _rows.computed(given)
    coded = x.dtype in EXTEND and y.quantization is not None
    return MaxPool2d() if coded and x.shape[2] >= _gather.WORD else None


class MaxPool2d(_core.ByRows):
    """The functions of a kind of operation: see `ops`."""

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (x,), (y,) = _rows.computed(given), wanted
        _core.core(writer)
        limits = rules(operation).bounds(str(operation.attributes.get("activation", "none")), y)
        clamped, name = _core.fields(writer, y, *limits), short(x.dtype)
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(FILE, "layer")
        writer.kernel(FILE, "row", name=name, LEAST=LEAST[x.dtype], COMPARE=COMPARE[x.dtype])
        layer = writer.layer("max_pool2d", [[*_pool.shape(operation, x, y), clamped]])
        return _rows.Row(f"max_pool2d_row_{name}", layer)
