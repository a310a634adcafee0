"""A convolution over the rows and columns of an image, for each group of channels by itself; padding is a real 0."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _layer
from smidgen.compiler.ops._writer import Writer


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:  # noqa: ARG001
    """Every output needs a window of all inputs of its group."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call, of a kernel of its own where each channel stands for itself (depthwise)."""
    x, weight, bias, (y,) = *_layer.parts(operation, given), wanted
    words, groups = _layer.words(x, weight, y, operation), operation.attributes.get("groups", 1)
    kernel = "depthwise" if groups == x.shape[2] > 1 else "conv2d"
    finish = _layer.finish(writer, operation, x, weight, y)
    if kernel == "conv2d":
        _layer.dot(writer, words)
    writer.kernel("_common.c", "window")
    writer.kernel("conv2d.c", "shape", kernel, **words)
    data = weight.data.transpose(1, 2, 3, 0) if kernel == "depthwise" else weight.data
    table = writer.table("weight", data, weight.dtype)
    top, left, _, _ = operation.attributes.get("padding", (0, 0, 0, 0))
    rows: list[_layer.Row] = [
        [*x.shape, *y.shape],
        [*weight.shape[1:3], *operation.attributes.get("stride", (1, 1))],
        [*operation.attributes.get("dilation", (1, 1)), top, left, groups, _layer.zero(x)],
        [table, _layer.bias(writer, x, weight, bias), finish],
    ]
    layer = writer.layer(f"conv2d_layer_{words['name']}", rows)
    return f"{kernel}_{words['name']}({layer}, {writer.read(x)}, {writer.at(y)});"
