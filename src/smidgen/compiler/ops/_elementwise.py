"""What functions of one number and of two numbers share."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.compiler.litert import HEAD_ROOM
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _strided
from smidgen.compiler.ops._rounding import requantize, rules
from smidgen.compiler.ops._rows import Row
from smidgen.compiler.ops._writer import Values, Writer, c_type, real_bounds, short
from smidgen.errors import Unsupported

RowOf = Callable[[Writer, Operation, Values, Sequence[Value]], Row]
COMMUTATIVE = ("add", "mul", "equal", "maximum", "minimum")
ACTIVATIONS = {"none": "v", "relu": "v > 0 ? v : 0", "relu6": "clampf(v, 0, 6)"}


def present(given: Values) -> list[Value]:
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


def overwrite(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Each element of the output may take the place of the element of an input that it comes from, or follow it."""
    (y,) = wanted
    return Memory({index: 0 for index, x in enumerate(present(given)) if (x.count, x.bytes) == (y.count, y.bytes)})


def names(*values: Value) -> dict[str, str]:
    """The types of input and output for the placeholders X and Y, and a name made of them."""
    x, y = values[0], values[-1]
    types = [short(value.dtype) for value in values]
    name = types[0] if len(set(types)) == 1 else "_".join(types)
    return {"name": name, "X": c_type(x.dtype), "Y": c_type(y.dtype)}


def rescale(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """The kernel that takes codes of one scale to another; of floats, the activation alone."""
    (x,), (y,), activation = present(given), wanted, "none" if operation.kind == "requantize" else operation.kind
    if x.quantization is None or y.quantization is None:
        return unary(writer, x, y, activation, ACTIVATIONS[activation])
    words = {**names(x, y), "requantize": requantize(writer, operation)}
    writer.kernel("_common.c", "clamp")
    scaling, limits = rules(operation).code_multiplier(x, y), rules(operation).bounds(activation, y)
    fields = [x.quantization.zero_point, *scaling, y.quantization.zero_point, *limits]
    return _row(writer, "rescale", words, [count(y), *fields])


def unary(writer: Writer, x: Value, y: Value, name: str, value: str) -> Row:
    """The kernel that applies a C expression of `v` to floats."""
    if (x.dtype, y.dtype) != ("float32", "float32"):
        raise Unsupported(f"{name} of {x.dtype} to {y.dtype}", "The target c", "Both must be codes, or both floats")
    writer.kernel("_common.c", *(["clampf"] if "clampf" in value else []))
    return _row(writer, "unary", {"name": name, "VALUE": value}, [count(y)])


def of_one(value: str) -> RowOf:
    """The `row` of a function of one number, whose C expression of `v` always is the same."""
    return lambda writer, operation, given, wanted: function(writer, operation, given, wanted[0], value)


def function(writer: Writer, operation: Operation, given: Values, y: Value, value: str) -> Row:
    """The kernel for a function of one number: a table for codes, the C expression of `v` for floats."""
    (x,) = present(given)
    if x.quantization is None or y.quantization is None:
        plain = {*operation.attributes} <= {"rounding"}
        return unary(writer, x, y, operation.kind if plain else writer.step, value)
    words = {**names(x, y), "LEAST": str(arithmetic.limits(x)[0])}
    table = writer.table("table", rules(operation).table(operation.kind, x, y, operation.attributes), y.dtype)
    return _row(writer, "look_up", words, [count(y), table])


def count(y: Value) -> int:
    """Elements of a row."""
    return prod(y.shape[1:])


def _row(writer: Writer, kernel: str, words: Mapping[str, str], fields: Sequence[int | float | str]) -> Row:
    writer.kernel("stream.c", "row_kernel")
    writer.kernel("_elementwise.c", kernel, **words)
    name = f"{kernel}_{words['name']}"
    return Row(name, writer.layer(f"{name}_layer", [fields]))


Fields = dict[str, int | float]


def total(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """The kernel for a + b and a - b: both as multiples of one step much finer than the output's."""
    operands, turned = _ordered(given, wanted[0])
    subtract, leaky = operation.kind == "sub", operation.attributes.get("activation") == "leaky_relu"
    if not coded(operation, *operands):
        real = "b[m] - *a" if turned and subtract else f"*a {'-' if subtract else '+'} b[m]"
        fields: Fields = {"slope": float(operation.attributes["slope"])} if leaky else {}
        return _binary(
            writer, operation, operands, turned, (real, "v < 0 ? v * g->slope : v" if leaky else "v"), fields
        )
    if operation.rounding == "litert":
        return _total_of_addends(writer, operation, operands, turned)
    scales, zeros = _scales(operands)
    (scale_a, scale_b), shift = arithmetic.common_multipliers([scale / scales[2] for scale in scales[:2]])
    signs = (1, 1) if not subtract else (-1, 1) if turned else (1, -1)
    fields = {**zeros, "scale_a": signs[0] * scale_a, "scale_b": signs[1] * scale_b, "half": 1 << (shift - 1)}
    fields["shift"] = shift
    rounded = "((v + g->half) >> g->shift)"
    if leaky:
        fields["below"], fields["shift_below"] = arithmetic.multiplier(operation.attributes["slope"] / 2**shift)
        rounded = f"(v < 0 ? {requantize(writer, operation)}(v, g->below, g->shift_below) : {rounded})"
    exact = "(*a - g->zero_a) * g->scale_a + (b[m] - g->zero_b) * g->scale_b"
    return _binary(writer, operation, operands, turned, (exact, f"{rounded} + g->zero"), fields)


def _total_of_addends(writer: Writer, operation: Operation, operands: tuple[Value, Value, Value], turned: bool) -> Row:
    """The same as LiteRT rounds it: each operand by itself, then the sum."""
    fields = _scales(operands)[1]
    for name, pair in zip(("_a", "_b", ""), rules(operation).sum_multipliers(*operands), strict=True):
        fields[f"scale{name}"], fields[f"shift{name}"] = pair
    once = requantize(writer, operation)
    a, b = (
        f"(int32_t){once}(({value} - g->zero_{name}) * (1 << {HEAD_ROOM}), g->scale_{name}, g->shift_{name})"
        for name, value in (("a", "*a"), ("b", "b[m]"))
    )
    total = f"{a} + {b}"
    if operation.kind == "sub":
        total = f"{b} - {a}" if turned else f"{a} - {b}"
    return _binary(writer, operation, operands, turned, (total, f"{once}(v, g->scale, g->shift) + g->zero"), fields)


def product(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """The kernel for a * b."""
    operands, turned = _ordered(given, wanted[0])
    if not coded(operation, *operands):
        return _binary(writer, operation, operands, turned, ("*a * b[m]", "v"), {})
    zeros = _scales(operands)[1]
    scale, shift = rules(operation).product_multiplier(*operands)
    exact = "(*a - g->zero_a) * (b[m] - g->zero_b)"
    rounded = f"{requantize(writer, operation)}(v, g->scale, g->shift) + g->zero"
    return _binary(writer, operation, operands, turned, (exact, rounded), {**zeros, "scale": scale, "shift": shift})


def of_two(value: str) -> RowOf:
    """The `row` of a function of two floats, a C expression of {a} and {b}."""

    def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
        operands, turned = _ordered(given, wanted[0])
        if coded(operation, *operands):
            raise Unsupported(f"{operation.name} of codes", "The target c", f"It has {operation.kind} of float32")
        a, b = ("b[m]", "*a") if turned and operation.kind not in COMMUTATIVE else ("*a", "b[m]")
        return _binary(writer, operation, operands, turned, (value.format(a=a, b=b), "v"), {})

    return row


def _binary(
    writer: Writer,
    operation: Operation,
    operands: tuple[Value, Value, Value],
    turned: bool,
    value: tuple[str, str],
    fields: Mapping[str, int | float],
) -> Row:
    """The kernel for a function of two numbers.

    Args:
        writer: takes the kernel and the description of the layer.
        operation: gives the name and the activation.
        operands: a, b and the result; b may be repeated for outer and inner places of a.
        turned: a is the second input of the operation.
        value: two C expressions: v, of *a and b[m]; and the result, of v.
        fields: what else these read, as g->name.
    """
    a, b, y = operands
    activation = str(operation.attributes.get("activation", "none"))
    codes = y.quantization is not None
    words = names(a, b, y)
    backwards = "_turned" if turned and operation.kind not in COMMUTATIVE else ""
    leaky = "_leaky" if activation == "leaky_relu" else ""
    places = _blocks(a, b)
    kernel = f"{operation.kind}_{words['name']}{backwards}{leaky}{'' if places else '_apart'}"
    clamp = "clamp" if codes else "clampf"
    writer.kernel("_common.c", clamp)
    words |= {
        "name": kernel,
        "B": c_type(b.dtype),
        "A": "int32_t" if codes else "float",
        "FIELDS": "".join(f"{name}, " for name in fields),
        "SUM": value[0],
        "VALUE": f"{clamp}({value[1]}, g->low, g->high)",
    }
    writer.kernel("stream.c", "row_kernel")
    if not places:
        writer.kernel("_strided.c", "row_start")
    writer.kernel("_elementwise.c" if places else "_strided.c", "binary", **words)
    limits = rules(operation).bounds(activation, y) if codes else real_bounds(activation)
    sources = [writer.read(value) if value.data is not None else "NULL" for value in (a, b)]
    order = [int(sources[1] == "NULL" and turned), int(sources[0] == "NULL" and not turned)]
    rows = [places or _apart(writer, a, b, y), sources, order, [*fields.values(), *limits]]
    return Row(f"binary_{kernel}", writer.layer(f"binary_layer_{kernel}", rows))


def _ordered(given: Values, y: Value) -> tuple[tuple[Value, Value, Value], bool]:
    """The operands, the one of the result's size first, and the result; and whether that turned them round."""
    a, b = present(given)
    return ((b, a, y), True) if a.count < b.count else ((a, b, y), False)


def _scales(values: Sequence[Value]) -> tuple[list[float], Fields]:
    """The scales of a, b and the result, and their zero points as fields."""
    pairs = [value.quantization for value in values if value.quantization is not None]
    zeros: Fields = {name: pair.zero_point for name, pair in zip(("zero_a", "zero_b", "zero"), pairs, strict=True)}
    return [pair.scale for pair in pairs], zeros


def _rows(values: Sequence[Value]) -> list[tuple[int, ...]]:
    """The shapes of rows of as many axes; a constant is the same in every row."""
    shapes = [value.shape if value.data is not None else value.shape[1:] for value in values]
    return [(1,) * (max(map(len, shapes)) - len(shape)) + shape for shape in shapes]


def _blocks(a: Value, b: Value) -> tuple[int, int, int] | None:
    """A row of a as (outer, middle, inner), where b has the middle; None where there is no such."""
    whole, own = _rows((a, b))
    axes = [axis for axis, size in enumerate(own) if size > 1]
    if not axes:
        return prod(whole), 1, 1
    first, last = axes[0], axes[-1] + 1
    if own[first:last] != whole[first:last]:
        return None
    return prod(whole[:first]), prod(whole[first:last]), prod(whole[last:])


def _apart(writer: Writer, a: Value, b: Value, y: Value) -> list[int | str]:
    """Rows and rank of y, and the tables of its sizes and of the steps of both operands along its axes."""
    *operands, whole = _rows((a, b, y))
    rows, rank, tables = _strided.tables(
        writer, _strided.merged(whole, *(_strided.repeated(one, whole) for one in operands))
    )
    return [rows, rank, *tables]
