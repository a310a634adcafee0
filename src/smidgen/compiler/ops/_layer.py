"""What convolutions and dense layers share: the types of their sums, and what becomes of a sum."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._rounding import requantize, rules
from smidgen.compiler.ops._writer import Writer, c_type, number, real_bounds, short
from smidgen.errors import Unsupported
from smidgen.types import Array

Row = list[int | float | str]


class Constant(Value):
    """A value whose data is known."""

    data: Array


def parts(operation: Operation, given: Sequence[Value | None]) -> tuple[Value, Constant, Value | None]:
    """Input, weight and bias of a layer. Raises Unsupported for computed weights and for types without kernels."""
    x, weight, bias = given
    if x is None or any(value is not None and value.data is None for value in (weight, bias)):
        raise Unsupported(operation.name, "The target c", "Weights and biases must be constants")
    if weight is not None and weight.dtype != ("int8" if x.quantization else "float32"):
        raise Unsupported(
            f"{operation.name}, weights of {weight.dtype}", "The target c", "It takes int8, or all floats"
        )
    return x, cast("Constant", weight), bias


def words(x: Value, weight: Value, y: Value, operation: Operation) -> dict[str, str]:
    """What the placeholders of the templates stand for."""
    name = short(x.dtype) if x.dtype == y.dtype else f"{short(x.dtype)}_{short(y.dtype)}"
    if operation.attributes.get("activation") == "leaky_relu" and y.quantization is not None:
        name += "_leaky"
    if operation.rounding == "litert" and operation.kind == "conv2d" and y.quantization is not None:
        name += "_twice"
    sum_type = "int32_t" if x.quantization else "float"
    types = {"X": c_type(x.dtype), "W": c_type(weight.dtype), "Y": c_type(y.dtype), "A": sum_type}
    return {"name": name, "dot": short(x.dtype), **types}


def dot(writer: Writer, given: Mapping[str, str]) -> None:
    """The kernel that sums products of neighbours."""
    writer.kernel("_common.c", "dot" if given["A"] == "int32_t" else "dot_float", **given)


def zero(x: Value) -> int | float:
    """What a real 0 is in a value, as the sums take it."""
    return x.quantization.zero_point if x.quantization else 0.0


def bias(writer: Writer, x: Value, weight: Value, given: Value | None) -> str:
    """The table of biases; of zeros where there are none."""
    data = np.zeros(weight.shape[0]) if given is None or given.data is None else given.data
    return writer.table("bias", data, "int32" if x.quantization else "float32")


def finish(writer: Writer, operation: Operation, x: Value, weight: Value, y: Value) -> str:
    """The kernel for what becomes of a sum, and its fields in a layer's description."""
    activation = str(operation.attributes.get("activation", "none"))
    leaky = activation == "leaky_relu"
    slope = float(operation.attributes["slope"]) if leaky else 1.0
    given = words(x, weight, y, operation)
    if y.quantization is not None:
        given["requantize"] = requantize(writer, operation)
        writer.kernel("_common.c", "clamp")
        writer.kernel("_common.c", "finish_leaky" if leaky else "finish", **given)
        fields = _scaling(writer, "", *rules(operation).layer_multipliers(operation.kind, x, weight, y))
        if leaky:
            fields += _scaling(writer, "_below", *arithmetic.channel_multipliers(x, weight, y, slope))
        return braces([*fields, y.quantization.zero_point, *rules(operation).bounds(activation, y)])
    limits: Row = [slope, *real_bounds(activation)]
    writer.kernel("_common.c", "clampf")
    writer.kernel("_common.c", "finish_dequantized" if x.quantization else "finish_float", **given)
    if x.quantization:
        limits.insert(0, writer.table("scale", arithmetic.accumulator_scales(x, weight), "float32"))
    return braces(limits)


def _scaling(writer: Writer, suffix: str, multipliers: Array, shifts: Array) -> Row:
    multiplier = writer.table(f"multiplier{suffix}", multipliers, "int32")
    return [multiplier, writer.table(f"shift{suffix}", shifts, "uint8")]


def braces(fields: Row) -> str:
    """Fields of a struct within a struct."""
    return f"{{{', '.join(map(number, fields))}}}"
