"""a + b and a - b of one shape, elements in lanes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.kernels._lanes import reals
from smidgen.compiler.kernels._lanes.form import FOLDER, Form, Isa, lines, rounding, signed, suits
from smidgen.compiler.kernels._lanes.sums import LEAST_SHIFT, factors, shifts
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer

Fields = list[int | float | str]
FILE = f"{FOLDER}/_lanes/add.c"
MOST_SHIFT = 28  # after the multiplication: then no nudge overflows
EXACT = (2**30, 31)  # multiplier and shift of one half: the operand of the larger scale is only shifted
LESS = (
    "const lanes left = lanes_less(first, lanes_fill(g->zero_a));",
    "const lanes right = lanes_less(second, lanes_fill(g->zero_b));",
)
ONCE = {  # the words of rounding "onnx": sums of 32 bits, rounded once
    "name": "once",
    "fields": "int32_t zero_a, zero_b, scale_a, scale_b, half, shift",
    "sum": lines(
        1,
        (
            *LESS,
            "const lanes scaled_a = lanes_times(left, lanes_fill(g->scale_a));",
            "const lanes scaled_b = lanes_times(right, lanes_fill(g->scale_b));",
            "const lanes sum = lanes_sum(lanes_sum(scaled_a, scaled_b), lanes_fill(g->half));",
            "return lanes_right_all(sum, g->shift);",
        ),
    ),
}
FUSED = {  # of either rounding, in single precision
    "name": "fused",
    "fields": "float scale_a, scale_b, offset",
    "sum": lines(1, ("return lanes_fused(first, second, g->scale_a, g->scale_b, g->offset);",)),
}


def _twice(scaled: Sequence[str]) -> dict[str, str]:
    """The words of rounding "litert": each operand is scaled and rounded by itself, then their sum."""
    operands = []
    for name, codes in (("a", "left"), ("b", "right")):
        value = f"lanes_left_all({codes}, {litert.HEAD_ROOM - 1})"
        if name in scaled:
            operands.append(f"const struct lanes_scaling by_{name} = lanes_scaling_alike(g->scaling_{name});")
            value = f"lanes_scaled({codes}, {litert.HEAD_ROOM + 1}, g->rounding.first, &by_{name})"
        operands.append(f"const lanes scaled_{name} = {value};")
    total = "lanes_scaled(lanes_sum(scaled_a, scaled_b), g->rounding.lift, g->rounding.first, &by)"
    return {
        "name": f"twice_{''.join(scaled)}".rstrip("_"),
        "fields": "int32_t zero_a, zero_b, scaling_a[4], scaling_b[4], scaling[4]",
        "sum": lines(
            1,
            (*LESS, *operands, "const struct lanes_scaling by = lanes_scaling_alike(g->scaling);", f"return {total};"),
        ),
    }


def find(isa: Isa, operation: Operation, given: Values, y: Value) -> Add | None:
    """This form, for two computed operands of one shape."""
    values = [*_rows.computed(given), y]
    if len(values) != 3 or len({value.shape for value in values}) > 1 or not suits(operation, *values):
        return None
    if operation.rounding == "litert" and (operation.kind == "sub" or not _shifts_fit(*values)):
        return None
    return Add(isa)


def _shifts_fit(a: Value, b: Value, y: Value) -> bool:
    found = (shift for _, shift in litert.sum_multipliers(a, b, y))
    return all(LEAST_SHIFT <= shift <= LEAST_SHIFT + MOST_SHIFT for shift in found)


@dataclass(frozen=True)
class Add(Form):
    """The form."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Each element may take the place of those that it comes from."""
        return Memory({0: 0, 1: 0})

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """None."""
        return 0

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
        """The kernel of a row."""
        (a, b), (y,) = _rows.computed(given), wanted
        self.use(writer)
        fused = reals.fused(operation, a, b, y) if self.isa.reals else None
        zeros: Fields = [signed(a)[0], signed(b)[0]]
        scalings: Fields
        if fused:
            writer.kernel(f"{FOLDER}/{self.isa.name}.c", "floats")
            words, scalings = FUSED, list(fused)
        elif operation.rounding == "onnx":
            words, scalings = ONCE, [*zeros, *_once(operation, a, b, y)]
        else:
            self.use_exact(writer)
            writer.kernel(FILE, "alike")
            pairs = litert.sum_multipliers(a, b, y)
            words = _twice([name for name, pair in zip("ab", pairs, strict=False) if pair != EXACT])
            scalings = [*zeros, *self._scalings(a, b, y)]
        writer.kernel(FILE, "shape", "row", **words)
        head: Fields = [prod(y.shape[1:]), f"{signed(a)[1]}u", f"{signed(b)[1]}u"]
        last = rounding(operation, y, twice=operation.rounding == "litert", real=fused is not None)
        layer = writer.layer(f"lanes_add_{words['name']}", [head, scalings, [last]])
        return _rows.Row(f"add_lanes_{words['name']}", layer)

    def _scalings(self, a: Value, b: Value, y: Value) -> Fields:
        """The scalings of the operands and of their sum."""
        fields: Fields = []
        for multiplier, shift in litert.sum_multipliers(a, b, y):
            *found, rest = factors(np.asarray(multiplier), np.asarray(shift), twice=True)
            numbers = [*map(int, found), int(shifts(self.isa, rest))]
            fields.append(f"{{{', '.join(map(str, numbers))}}}")
        return fields


def _once(operation: Operation, a: Value, b: Value, y: Value) -> Fields:
    """The scales of the operands, half of a step and the shift."""
    scales = [arithmetic.scaling(value).scale / arithmetic.scaling(y).scale for value in (a, b)]
    (scale_a, scale_b), shift = arithmetic.common_multipliers(scales)
    return [scale_a, -scale_b if operation.kind == "sub" else scale_b, 1 << (shift - 1), shift]
