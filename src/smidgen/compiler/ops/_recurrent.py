"""What recurrent layers share: their weights, states and scratch."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._writer import Values, Writer, c_type, short
from smidgen.errors import Unsupported


def scratch(count: int, wanted: Sequence[Value]) -> Memory:
    """Room for so many vectors of the state's size while a step runs."""
    (y,) = wanted
    return Memory(scratch_bytes=4 * count * y.shape[-1])


def call(
    writer: Writer,
    operation: Operation,
    given: Values,
    wanted: Sequence[Value],
    kernels: Sequence[str],
    label: str = "",
    **words: str,
) -> str:
    """The statement that runs a layer over a sequence.

    Args:
        writer: takes the kernels and the description.
        operation: x (t, in), weight (gates * n, in), recurrent (gates * n, n), a bias of each, then states (n,) or "".
        given: its inputs.
        wanted: the state after each step, (t, n), float32.
        kernels: the sections of the template.
        label: what tells kernels of this kind apart.
        words: further placeholders.
    """
    (x, weight, recurrent, *rest), (y,) = given, wanted
    if x is None or weight is None or recurrent is None or any(one is None for one in rest[:2]):
        raise Unsupported(operation.name, "The target c", "A recurrent layer needs weights and biases")
    if x.dtype != "float32" or any(one is None or one.data is None for one in (weight, recurrent, *rest[:2])):
        raise Unsupported(f"{operation.name} of {x.dtype}", "The target c", "It takes float32 and constant weights")
    parts: list[int | float | str] = []
    for role, one in (("weight", weight), ("recurrent", recurrent)):
        writer.kernel("_recurrent.c", "rows", name=short(one.dtype), W=c_type(one.dtype))
        parts += [writer.table(role, np.asarray(one.data), one.dtype), _scales(writer, role, one)]
    biases = [writer.at(one, f"bias_{index}") for index, one in enumerate(rest[:2]) if one is not None]
    states = [f", {'NULL' if one is None else writer.at(one, f'state_{at}')}" for at, one in enumerate(rest[2:])]
    types = {"W": short(weight.dtype), "R": short(recurrent.dtype), "TYPE": c_type(recurrent.dtype)}
    name = "_".join(filter(None, dict.fromkeys((types["W"], types["R"], label))))
    writer.kernel("_recurrent.c", "logistic", "layer")
    writer.kernel(f"{operation.kind}.c", *kernels, name=name, **types, **words)
    sizes: list[int | float | str] = [*x.shape, y.shape[-1], int(operation.attributes["reverse"])]
    layer = writer.layer("recurrent_layer", [sizes, parts, biases])
    pointers = f"{writer.read(x)}, {writer.at(y)}{''.join(states)}, (float *)({writer.room()})"
    return f"{operation.kind}_{name}({layer}, {pointers});"


def _scales(writer: Writer, label: str, value: Value) -> str:
    """The scale of each output; none for floats."""
    if value.quantization is None:
        return "NULL"
    scales = np.broadcast_to(np.asarray(value.quantization.scales), value.shape[:1])
    return writer.table(f"{label}_scale", scales, "float32")
