"""A fully connected layer: y[c] = activation(sum over i of x[i] * weight[c, i] + bias[c])."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _layer, _packed
from smidgen.compiler.ops._writer import Writer


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:
    """Every output needs all inputs."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    x, weight, bias, (y,) = *_layer.parts(operation, given), wanted
    words = _layer.words(x, weight, y, operation)
    finish = _layer.finish(writer, operation, x, weight, y)
    form, table = _packed.weights(writer, weight.data, weight.dtype)
    if form["FORM"]:
        writer.kernel("_packed.c", "dot", **words)
    else:
        _layer.dot(writer, words)
    writer.kernel("dense.c", "dense", **words, **form)
    rows: list[_layer.Row] = [
        [x.count, y.count, _layer.zero(x)],
        [table, _layer.bias(writer, x, weight, bias), finish],
    ]
    name = words["name"] + form["FORM"]
    layer = writer.layer(f"dense_layer_{name}", rows)
    return f"dense_{name}({layer}, {writer.read(x)}, {writer.at(y)});"
