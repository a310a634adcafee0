"""The mean of each channel over a whole image, channels in lanes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from smidgen.compiler.kernels._lanes.form import FOLDER, Isa, signed, suits
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _pool, _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer


def find(isa: Isa, operation: Operation, given: Values, y: Value) -> Mean | None:
    """This form; None for windows and other axes."""
    (x,) = _rows.computed(given)
    whole = len(x.shape) == 3 and _pool.is_total(operation, {operation.inputs[0]: x})
    return Mean(isa) if whole and suits(operation, x, y) else None


@dataclass(frozen=True)
class Mean:
    """The form; a sum is divided as the portable kernel divides it."""

    isa: Isa

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Codes take the places of codes of their channels that have been summed."""
        return Memory({0: 0})

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call."""
        (x,), (y,) = _rows.computed(given), wanted
        pixels, channels = prod(x.shape[:2]), x.shape[2]
        words = _pool.mean(writer, operation, x, y, [pixels])
        finish, flip = words.pop("finish"), signed(x)[1]
        writer.kernel(f"{FOLDER}/{self.isa.name}.c", "vectors")
        writer.kernel(f"{FOLDER}/_lanes/mean.c", "pixels", **words)
        numbers = f"{pixels}, {channels}, {flip}u, {128 * pixels if flip else 0}"
        return f"mean_lanes_{words['name']}({finish}, {writer.read(x)}, {writer.at(y)}, {numbers});"
