"""A convolution over the rows and columns of an image, for each group of channels by itself; padding is a real 0."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _layer, _packed, _rows
from smidgen.compiler.ops._rows import emit
from smidgen.compiler.ops._writer import Values, Writer

__all__ = ["emit", "memory", "row", "row_scratch"]


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Row by row; a packed filter that runs over all pixels at once leaves the input as it is."""
    scratch = row_scratch(operation, given, wanted)
    if scratch and _rows.as_one_row(operation, given, wanted):
        return Memory(scratch_bytes=scratch)
    return _rows.memory(operation, given, wanted, scratch)


def row_scratch(operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
    """One filter, where weights are packed; depthwise, each weight is unpacked where it is used."""
    x, weight, *_ = given
    packed = weight is not None and not _depthwise(operation, x) and _packed.pack(weight.data)
    return weight.count // weight.shape[0] if weight is not None and packed else 0


def _depthwise(operation: Operation, x: Value | None) -> bool:
    """Whether each channel stands for itself."""
    return x is not None and operation.attributes.get("groups", 1) == x.shape[2] > 1


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> _rows.Row:
    """A kernel of its own for depthwise convolutions, and one for packed weights."""
    x, weight, bias, (y,) = *_layer.parts(operation, given), wanted
    words, depthwise = _layer.words(x, weight, y, operation), _depthwise(operation, x)
    finish = _layer.finish(writer, operation, x, weight, y)
    writer.kernel("_common.c", "window")
    writer.kernel("stream.c", "row_kernel")
    form, table = _packed.weights(writer, weight.data.transpose(1, 2, 3, 0) if depthwise else weight.data, weight.dtype)
    kernel = "depthwise" if depthwise else f"conv2d{form['FORM']}"
    if kernel == "conv2d_packed":
        writer.kernel("_packed.c", "unpack")
    if not depthwise:
        _layer.dot(writer, words)
    parts = ("shape", kernel) if depthwise else ("shape", "sum", kernel)
    writer.kernel("conv2d.c", *parts, **words, **form)
    rows: list[_layer.Row] = [
        [*x.shape[1:], *y.shape[1:], *weight.shape[1:3], operation.attributes.get("stride", (1, 1))[1]],
        [operation.attributes.get("dilation", (1, 1))[1], operation.attributes.get("padding", (0, 0))[1]],
        [operation.attributes.get("groups", 1), _layer.zero(x)],
        [table, _layer.bias(writer, x, weight, bias), finish],
    ]
    name = words["name"] + form["FORM"]
    layer = writer.layer(f"conv2d_layer_{name}", rows)
    return _rows.Row(f"{'depthwise' if depthwise else 'conv2d'}_{name}", layer)
