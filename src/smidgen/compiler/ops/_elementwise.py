"""What functions of one number and of two numbers share."""

from collections.abc import Mapping, Sequence
from math import prod

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._writer import Writer, c_type, number, real_bounds, short
from smidgen.errors import Unsupported

ACTIVATIONS = {"none": "v", "relu": "v > 0 ? v : 0", "relu6": "clampf(v, 0, 6)"}


def present(given: Sequence[Value | None]) -> list[Value]:
    """The inputs of an operation that has no optional ones."""
    return [value for value in given if value is not None]


def quantization(operation: Operation, value: Value) -> Quantization:
    """The scale and zero point of a value that must have them; raises Unsupported."""
    if value.quantization is None:
        raise Unsupported(f"{operation.name}, codes without a scale", "The target c", "Give the value a scale")
    return value.quantization


def coded(operation: Operation, *values: Value) -> bool:
    """Whether values are codes with scales, or floats; raises Unsupported for a mixture."""
    kinds = {value.dtype if value.quantization is None else "codes" for value in values}
    if kinds not in ({"codes"}, {"float32"}):
        raise Unsupported(f"{operation.name} of {', '.join(sorted(kinds))}", "The target c", "Quantise all or nothing")
    return kinds == {"codes"}


def overwrite(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:  # noqa: ARG001
    """Each element of the output may take the place of the element of an input that it comes from."""
    (y,) = wanted
    same = [index for index, x in enumerate(present(given)) if (x.count, x.bytes) == (y.count, y.bytes)]
    return Memory(in_place=tuple(same))


def names(*values: Value) -> dict[str, str]:
    """The types of input and output for the placeholders X and Y, and a name made of them."""
    x, y = values[0], values[-1]
    types = [short(value.dtype) for value in values]
    name = types[0] if len(set(types)) == 1 else "_".join(types)
    return {"name": name, "X": c_type(x.dtype), "Y": c_type(y.dtype)}


def rescale(writer: Writer, x: Value, y: Value, activation: str) -> str:
    """The statement that takes codes of one scale to another; of floats, the activation alone."""
    words = names(x, y)
    call = f"{writer.read(x)}, {writer.at(y)}, {y.count}"
    if x.quantization is None or y.quantization is None:
        return unary(writer, x, y, activation, ACTIVATIONS[activation])
    writer.kernel("_common.c", "requantize", "clamp")
    writer.kernel("_elementwise.c", "rescale", **words)
    scaling = arithmetic.multiplier(x.quantization.scale / y.quantization.scale)
    fields = [x.quantization.zero_point, *scaling, y.quantization.zero_point, *arithmetic.bounds(activation, y)]
    return f"rescale_{words['name']}({call}, {', '.join(map(number, fields))});"


def unary(writer: Writer, x: Value, y: Value, name: str, value: str) -> str:
    """The statement that applies a C expression of `v` to floats."""
    if (x.dtype, y.dtype) != ("float32", "float32"):
        raise Unsupported(f"{name} of {x.dtype} to {y.dtype}", "The target c", "Both must be codes, or both floats")
    writer.kernel("_common.c", *(["clampf"] if "clampf" in value else []))
    writer.kernel("_elementwise.c", "unary", name=name, VALUE=value)
    return f"unary_{name}({writer.read(x)}, {writer.at(y)}, {y.count});"


def function(writer: Writer, operation: Operation, given: Sequence[Value | None], y: Value, value: str) -> str:
    """The statement for a function of one number: a table for codes, the C expression of `v` for floats."""
    (x,) = present(given)
    if x.quantization is None or y.quantization is None:
        return unary(writer, x, y, writer.step if operation.attributes else operation.kind, value)
    words = {**names(x, y), "LEAST": str(arithmetic.limits(x)[0])}
    writer.kernel("_elementwise.c", "look_up", **words)
    table = writer.table("table", arithmetic.table(operation.kind, x, y, operation.attributes), y.dtype)
    return f"look_up_{words['name']}({writer.read(x)}, {writer.at(y)}, {y.count}, {table});"


Fields = dict[str, int | float]


def total(writer: Writer, operation: Operation, given: Sequence[Value | None], y: Value) -> str:
    """The statement for a + b and a - b: both as multiples of one step much finer than the output's."""
    operands, turned = _ordered(given, y)
    subtract, leaky = operation.kind == "sub", operation.attributes.get("activation") == "leaky_relu"
    if not coded(operation, *operands):
        real = "b[m] - *a" if turned and subtract else f"*a {'-' if subtract else '+'} b[m]"
        fields: Fields = {"slope": float(operation.attributes["slope"])} if leaky else {}
        return _binary(writer, operation, operands, (real, "v < 0 ? v * g->slope : v" if leaky else "v"), fields)
    scales, zeros = _scales(operands)
    (scale_a, scale_b), shift = arithmetic.common_multipliers([scale / scales[2] for scale in scales[:2]])
    signs = (1, 1) if not subtract else (-1, 1) if turned else (1, -1)
    fields = {**zeros, "scale_a": signs[0] * scale_a, "scale_b": signs[1] * scale_b, "half": 1 << (shift - 1)}
    fields["shift"] = shift
    rounded = "((v + g->half) >> g->shift)"
    if leaky:
        fields["below"], fields["shift_below"] = arithmetic.multiplier(operation.attributes["slope"] / 2**shift)
        rounded = f"(v < 0 ? requantize(v, g->below, g->shift_below) : {rounded})"
    exact = "(*a - g->zero_a) * g->scale_a + (b[m] - g->zero_b) * g->scale_b"
    return _binary(writer, operation, operands, (exact, f"{rounded} + g->zero"), fields)


def product(writer: Writer, operation: Operation, given: Sequence[Value | None], y: Value) -> str:
    """The statement for a * b."""
    operands, _ = _ordered(given, y)
    if not coded(operation, *operands):
        return _binary(writer, operation, operands, ("*a * b[m]", "v"), {})
    scales, zeros = _scales(operands)
    scale, shift = arithmetic.multiplier(scales[0] * scales[1] / scales[2])
    exact = "(*a - g->zero_a) * (b[m] - g->zero_b)"
    rounded = "requantize(v, g->scale, g->shift) + g->zero"
    return _binary(writer, operation, operands, (exact, rounded), {**zeros, "scale": scale, "shift": shift})


def _binary(
    writer: Writer,
    operation: Operation,
    operands: tuple[Value, Value, Value],
    value: tuple[str, str],
    fields: Mapping[str, int | float],
) -> str:
    """The statement for a function of two numbers.

    Args:
        writer: takes the kernel and the description of the layer.
        operation: gives the name and the activation.
        operands: a, b and the result; b may be repeated for outer and inner places of a.
        value: two C expressions: v, of *a and b[m]; and the result, of v.
        fields: what else these read, as g->name.
    """
    a, b, y = operands
    activation = str(operation.attributes.get("activation", "none"))
    codes = y.quantization is not None
    words = names(a, b, y)
    turned = "_turned" if value[0].startswith("b") else ""
    leaky = "_leaky" if activation == "leaky_relu" else ""
    kernel = f"{operation.kind}_{words['name']}{turned}{leaky}"
    used = ["requantize"] if "requantize" in value[1] else []
    clamp = "clamp" if codes else "clampf"
    writer.kernel("_common.c", *used, clamp)
    words |= {
        "name": kernel,
        "B": c_type(b.dtype),
        "A": "int32_t" if codes else "float",
        "FIELDS": "".join(f"{name}, " for name in fields),
        "SUM": value[0],
        "VALUE": f"{clamp}({value[1]}, g->low, g->high)",
    }
    writer.kernel("_elementwise.c", "binary", **words)
    limits = arithmetic.bounds(activation, y) if codes else real_bounds(activation)
    layer = writer.layer(f"binary_layer_{kernel}", [_blocks(operation, a, b), [*fields.values(), *limits]])
    return f"binary_{kernel}({layer}, {writer.read(a)}, {writer.read(b)}, {writer.at(y)});"


def _ordered(given: Sequence[Value | None], y: Value) -> tuple[tuple[Value, Value, Value], bool]:
    """The operands, the one of the result's size first, and the result; and whether that turned them round."""
    a, b = present(given)
    return ((b, a, y), True) if a.count < b.count else ((a, b, y), False)


def _scales(values: Sequence[Value]) -> tuple[list[float], Fields]:
    """The scales of a, b and the result, and their zero points as fields."""
    pairs = [value.quantization for value in values if value.quantization is not None]
    zeros: Fields = {name: pair.zero_point for name, pair in zip(("zero_a", "zero_b", "zero"), pairs, strict=True)}
    return [pair.scale for pair in pairs], zeros


def _blocks(operation: Operation, a: Value, b: Value) -> tuple[int, int, int]:
    """The shape of a as (outer, middle, inner), where b has the middle. Raises Unsupported where there is no such."""
    whole, own = ((1,) * (max(len(a.shape), len(b.shape)) - len(one.shape)) + one.shape for one in (a, b))
    axes = [axis for axis, size in enumerate(own) if size > 1]
    if not axes:
        return a.count, 1, 1
    first, last = axes[0], axes[-1] + 1
    if own[first:last] != whole[first:last]:
        what_can = "One operand may be repeated along its leading and trailing axes"
        raise Unsupported(f"{operation.name}: {a.shape} with {b.shape}", "The target c", what_can)
    return prod(whole[:first]), prod(whole[first:last]), prod(whole[last:])
