"""What recurrent layers share: their weights, states and scratch."""

from collections.abc import Callable, Sequence

import numpy as np

from smidgen.compiler.cells import STATE, bias_less_zero, scales, sequence_in_codes, state_in_codes
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._writer import Values, Writer, c_type, short
from smidgen.errors import Unsupported
from smidgen.types import Array

Products = Callable[[Writer, str, str, Array], Array]
"""Uses a kernel: (writer, its name, the type that 8-bit weights are multiplied with, these) -> weights in its order."""


def scratch(count: int, wanted: Sequence[Value]) -> Memory:
    """Room for so many vectors of the state's size while a step runs, and for the codes of one."""
    (y,) = wanted
    return Memory(scratch_bytes=4 * (count + 1) * y.shape[-1])


def call(
    writer: Writer,
    operation: Operation,
    given: Values,
    wanted: Sequence[Value],
    kernels: Sequence[str],
    vectors: int,
    products: Products,
    label: str = "",
    **words: str,
) -> str:
    """The statement that runs a layer over a sequence.

    Args:
        writer: takes the kernels and the description.
        operation: x (t, in), weight (gates * n, in), recurrent (gates * n, n), a bias of each, then states (n,) or "".
        given: its inputs.
        wanted: the state after each step, (t, n), or after the last one, (n,), float32.
        kernels: the sections of the template.
        vectors: of scratch, before the codes of the state.
        products: the kernel for products of codes.
        label: what tells kernels of this kind apart.
        words: further placeholders.
    """
    x, weight, recurrent, *biases = _present(operation, given)
    (y,), states = wanted, given[5:]
    state = "int16" if state_in_codes(operation.attributes, given) else "float32"
    words |= {"W": _rows(weight, x.dtype), "R": _rows(recurrent, state), "TYPE": c_type(recurrent.dtype)}
    words |= {"X": c_type(x.dtype), "STATE": "h", "RESET": "from_h"}
    if state == "int16":
        words |= {"STATE": f"state_codes(h, room + {vectors} * n, n)"}
        words |= {"RESET": "state_codes(from_h, from_h + 4 * n, n)"}
        writer.kernel("_recurrent.c", "state_codes")
    name = "_".join(filter(None, (words["W"], words["R"], label)))
    parts = _parts(writer, x, weight, recurrent, biases, state, products)
    writer.kernel("_recurrent.c", "tanh", "logistic", "layer")
    writer.kernel(f"{operation.kind}.c", *kernels, name=name, **words)
    (steps, inputs), units = x.shape, y.shape[-1]
    sizes = [steps, inputs, units, int(operation.attributes["reverse"]), units if len(y.shape) == 2 else 0]
    layer = writer.layer("recurrent_layer", [sizes, *parts])
    first = [f", {'NULL' if one is None else writer.at(one, f'state_{at}')}" for at, one in enumerate(states)]
    pointers = f"{writer.read(x)}, {writer.at(y)}{''.join(first)}, (float *)({writer.room()})"
    return f"{operation.kind}_{name}({layer}, {pointers});"


def _present(operation: Operation, given: Values) -> list[Value]:
    """The inputs but for the states; raises Unsupported."""
    known = [value for value in given[:5] if value is not None]
    if len(known) < 5:
        raise Unsupported(operation.name, "The target c", "A recurrent layer needs weights and biases")
    x, weight, *_ = known
    constant = all(value.data is not None for value in known[1:])
    if not constant or not (sequence_in_codes(x, weight) or x.dtype == "float32"):
        what_can = "It takes float32, or codes where the weights are, and constant weights"
        raise Unsupported(f"{operation.name} of {x.dtype}", "The target c", what_can)
    return known


def _parts(
    writer: Writer, x: Value, weight: Value, recurrent: Value, biases: Sequence[Value], state: str, products: Products
) -> list[list[int | float | str]]:
    """The constants of a layer."""
    coded = sequence_in_codes(x, weight)
    unit = x.quantization.scale if coded and x.quantization is not None else 1.0
    bias, after = (np.asarray(one.data, np.float32) for one in biases)
    bias = bias_less_zero(bias, x, weight) if coded else bias
    return [
        _part(writer, "weight", weight, x.dtype, unit, products),
        _part(writer, "recurrent", recurrent, state, 1 / STATE if state == "int16" else 1.0, products),
        [writer.table("bias_0", bias, "float32"), writer.table("bias_1", after, "float32")],
    ]


def _rows(weight: Value, other: str) -> str:
    """The name of the kernel that multiplies weights with a vector."""
    return f"{short(weight.dtype)}_{short(other)}"


def _part(
    writer: Writer, role: str, weight: Value, other: str, unit: float, products: Products
) -> list[int | float | str]:
    """The kernel of a product, its weights and their scales; `unit` is that of the vector."""
    name, data, factors = _rows(weight, other), np.asarray(weight.data), "NULL"
    if other == "float32":
        writer.kernel("_recurrent.c", "rows", name=name, W=c_type(weight.dtype))
    else:
        data = products(writer, name, other, data)
    if weight.quantization is not None:
        factors = writer.table(f"{role}_scale", scales(weight, unit), "float32")
    return [writer.table(role, data, weight.dtype), factors]


def portable(writer: Writer, name: str, other: str, codes: Array) -> Array:
    """The kernel `name` for products of 8-bit weights with codes of the type `other`; weights as it wants them."""
    writer.kernel("_recurrent.c", "rows_of_codes", name=name, X=c_type(other))
    return codes
