"""Products of pairs of computed matrices: y[n, i, j] = sum over k of a[n, i, k] * b[n, k, j].

Both are read as they lie: a_order and b_order say which of their axes are (n, i, k) and (n, k, j).
"""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._elementwise import coded, names, present
from smidgen.compiler.ops._rounding import requantize, rules
from smidgen.compiler.ops._writer import Values, Writer, c_type


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Every output needs a row and a column."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (a, b), (y,) = present(given), wanted
    codes = coded(operation, a, b, y)
    words = {**names(a, b, y), "B": c_type(b.dtype), "A": "int32_t" if codes else "float"}
    writer.kernel("matmul.c", "shape")
    depth = a.shape[operation.attributes["a_order"][2]]
    rows: list[list[int | float | str]] = [
        [*y.shape, depth],
        [*_steps(a, operation.attributes["a_order"])],
        [*_steps(b, operation.attributes["b_order"])],
    ]
    pointers = f"{writer.at(a, 'a')}, {writer.at(b, 'b')}, {writer.at(y)}"
    if not codes:
        writer.kernel("matmul.c", "floats")
        return f"matmul({writer.layer('matmul_layer', rows)}, {pointers});"
    kernel = requantize(writer, operation)
    writer.kernel("_common.c", "clamp")
    writer.kernel("matmul.c", "codes", **words, requantize=kernel)
    zeros = [value.quantization.zero_point for value in (a, b, y) if value.quantization is not None]
    scaling = [*rules(operation).product_multiplier(a, b, y), *rules(operation).bounds("none", y)]
    finish = writer.layer("matmul_scaling", [[*zeros, *scaling]], "scaling")
    return f"matmul_{words['name']}({writer.layer('matmul_layer', rows)}, {finish}, {pointers});"


def _steps(value: Value, order: Sequence[int]) -> list[int]:
    """How far apart elements lie along each of the axes in this order; a batch of one is read again and again."""
    along = _strided.steps(value.shape)
    return [along[axis] if value.shape[axis] > 1 else 0 for axis in order]
