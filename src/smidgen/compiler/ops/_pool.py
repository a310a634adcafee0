"""What pooling and means share."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import coded, names
from smidgen.compiler.ops._rounding import requantize, rules
from smidgen.compiler.ops._rows import Row
from smidgen.compiler.ops._writer import Writer, real_bounds

Fields = list[int | float | str]


def shape(operation: Operation, x: Value, y: Value) -> Fields:
    """The description of the windows along a row."""
    attributes = operation.attributes
    left = attributes.get("padding", (0, 0, 0, 0))[1]
    return [*x.shape[1:], y.shape[1], *attributes["kernel"], attributes["stride"][1], left]


def mean(writer: Writer, operation: Operation, x: Value, y: Value, counts: Sequence[int]) -> dict[str, str]:
    """The kernel that divides a sum by one of `counts`, which follow each other; the words for the one that sums.

    Among the words, "finish" is the expression of the address of its description.
    """
    activation = str(operation.attributes.get("activation", "none"))
    words = {**names(x, y), "A": "int32_t" if x.quantization else "float"}
    if not coded(operation, x, y) or x.quantization is None or y.quantization is None:
        writer.kernel("_common.c", "clampf")
        writer.kernel("_mean.c", "finish_float", **words)
        fields: Fields = [*real_bounds(activation)]
    elif operation.rounding == "litert" and operation.kind == "average_pool2d":
        words["name"] += "_divided"
        writer.kernel("_common.c", "clamp")
        writer.kernel("_mean.c", "finish_divided", **words)
        fields = [*rules(operation).bounds(activation, y)]
    else:
        writer.kernel("_common.c", "clamp")
        writer.kernel("_mean.c", "finish", **words, requantize=requantize(writer, operation))
        pairs = np.array([rules(operation).mean_multiplier(x, y, count) for count in counts])
        tables = [writer.table("multiplier", pairs[:, 0], "int32"), writer.table("shift", pairs[:, 1], "uint8")]
        zeros = [x.quantization.zero_point, y.quantization.zero_point]
        fields = [*tables, counts[0], *zeros, *rules(operation).bounds(activation, y)]
    return words | {"finish": writer.layer(f"mean_scaling_{words['name']}", [fields], "mean")}


def is_total(operation: Operation, values: Mapping[str, Value]) -> bool:
    """Whether an operation is one mean for each channel, over all rows and columns."""
    x = values[operation.inputs[0]]
    if operation.kind == "mean":
        return sorted(axis % len(x.shape) for axis in operation.attributes["axes"]) == [0, 1] and len(x.shape) == 3
    given = operation.attributes
    return operation.kind == "average_pool2d" and given["kernel"] == x.shape[:2] and not any(given["padding"])


def total(writer: Writer, operation: Operation, x: Value, y: Value) -> tuple[Row, Row]:
    """The row kernels of such a mean in a stream: adding a row to sums, and dividing them."""
    count = prod(x.shape[:2])
    words = mean(writer, operation, x, y, [count])
    finish = words.pop("finish")
    writer.kernel("stream.c", "row_kernel")
    writer.kernel("_mean.c", "row", "stream", **words)
    name = words["name"]
    width = writer.layer("mean_row", [[x.shape[1], x.shape[2]]], "row")
    divided = writer.layer(f"mean_total_{name}", [[finish, count, x.shape[2]]], "total")
    return Row(f"mean_add_{name}", width), Row(f"mean_divide_{name}", divided)
