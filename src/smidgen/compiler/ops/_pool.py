"""What pooling and means share."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import coded, names, present
from smidgen.compiler.ops._writer import Writer, real_bounds


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:
    """No window begins before the place of its output, and one buffer is enough, without padding above and to the left.

    Padding to the right must not make rows of the output longer than those of the input.
    """
    (x,), (y,) = present(given), wanted
    top, left, _, _ = operation.attributes.get("padding", (0, 0, 0, 0))
    behind = top == left == 0 and y.shape[1] <= x.shape[1]
    return Memory(in_place=(0,) if behind and x.dtype == y.dtype else ())


def shape(writer: Writer, operation: Operation, x: Value, y: Value) -> str:
    """The description of the windows; the expression of its address."""
    top, left, _, _ = operation.attributes.get("padding", (0, 0, 0, 0))
    writer.kernel("_common.c", "window")
    writer.kernel("_pool.c", "shape")
    windows = [*operation.attributes["kernel"], *operation.attributes["stride"], top, left]
    return writer.layer("pool", [[*x.shape, *y.shape[:2]], windows])


def mean(writer: Writer, operation: Operation, x: Value, y: Value, counts: Sequence[int]) -> dict[str, str]:
    """The kernel that divides a sum by one of `counts`, which follow each other; the words for the one that sums.

    Among the words, "finish" is the expression of the address of its description.
    """
    activation = str(operation.attributes.get("activation", "none"))
    words = {**names(x, y), "A": "int32_t" if x.quantization else "float"}
    if not coded(operation, x, y) or x.quantization is None or y.quantization is None:
        writer.kernel("_common.c", "clampf")
        writer.kernel("_mean.c", "finish_float", **words)
        fields: list[int | float | str] = [*real_bounds(activation)]
    else:
        writer.kernel("_common.c", "requantize", "clamp")
        writer.kernel("_mean.c", "finish", **words)
        ratio = x.quantization.scale / y.quantization.scale
        pairs = np.array([arithmetic.multiplier(ratio / count) for count in counts])
        tables = [writer.table("multiplier", pairs[:, 0], "int32"), writer.table("shift", pairs[:, 1], "uint8")]
        zeros = [x.quantization.zero_point, y.quantization.zero_point]
        fields = [*tables, counts[0], *zeros, *arithmetic.bounds(activation, y)]
    return words | {"finish": writer.layer(f"mean_scaling_{words['name']}", [fields], "mean")}
