"""A fully connected layer: y[c] = activation(sum over i of x[i] * weight[c, i] + bias[c])."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _layer
from smidgen.compiler.ops._writer import Writer


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:  # noqa: ARG001
    """Every output needs all inputs."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    x, weight, bias, (y,) = *_layer.parts(operation, given), wanted
    words = _layer.words(x, weight, y, operation)
    finish = _layer.finish(writer, operation, x, weight, y)
    _layer.dot(writer, words)
    writer.kernel("dense.c", "dense", **words)
    table = writer.table("weight", weight.data, weight.dtype)
    rows: list[_layer.Row] = [
        [x.count, y.count, _layer.zero(x)],
        [table, _layer.bias(writer, x, weight, bias), finish],
    ]
    layer = writer.layer(f"dense_layer_{words['name']}", rows)
    return f"dense_{words['name']}({layer}, {writer.read(x)}, {writer.at(y)});"
