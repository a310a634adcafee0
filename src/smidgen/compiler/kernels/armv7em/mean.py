"""The mean of each channel over a whole image."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from smidgen.compiler.kernels._sums import EXTEND
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _pool, _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/mean.c"
ADD = {"int8": "sxtab16", "uint8": "uxtab16"}
SHORT = {"int8": "int16_t", "uint8": "uint16_t"}


def find(operation: Operation, given: Values, y: Value) -> Mean | None:
    """The form of a mean; None for windows and for channels that are not whole words."""
    (x,) = _rows.computed(given)
    coded = all(value.dtype in EXTEND and value.quantization is not None for value in (x, y))
    total = len(x.shape) == 3 and _pool.is_total(operation, {operation.inputs[0]: x})
    return Mean() if coded and total and x.shape[2] % 4 == 0 else None


class Mean:
    """The functions of a kind of operation: see `ops`."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Codes take the places of codes of their channels that have been summed."""
        return Memory({0: 0})

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call."""
        (x,), (y,) = _rows.computed(given), wanted
        words = _pool.mean(writer, operation, x, y, [prod(x.shape[:2])])
        finish = words.pop("finish")
        _core.core(writer)
        writer.kernel(FILE, "pixels", **words, EXTEND=ADD[x.dtype], SHORT=SHORT[x.dtype])
        numbers = f"{prod(x.shape[:2])}, {x.shape[2]}"
        return f"mean_pixels_{words['name']}({finish}, {writer.read(x)}, {writer.at(y)}, {numbers});"
