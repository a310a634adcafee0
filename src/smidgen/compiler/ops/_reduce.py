"""Sums and greatest and smallest values along axes."""

from collections.abc import Sequence
from math import prod

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import coded, names, present
from smidgen.compiler.ops._rounding import requantize, rules
from smidgen.compiler.ops._writer import Values, Writer, number
from smidgen.errors import Unsupported

STEPS = {"sum": "v + next", "max": "next > v ? next : v", "min": "next < v ? next : v"}


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """The elements of a block are read before the next begins, and a block of the output is no larger."""
    (x,), (y,) = present(given), wanted
    return Memory({0: 0} if x.dtype == y.dtype else {})


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    outer, middle, inner = blocks(operation, x)
    words, value = names(x, y), "v"
    name = f"{operation.kind}_{words['name']}"
    if coded(operation, x, y) and operation.kind == "sum":
        value, name = _scaled(writer, operation, x, y, middle), writer.step
    words |= {"name": name, "A": "int32_t" if x.quantization else "float", "STEP": STEPS[operation.kind]}
    writer.kernel("_reduce.c", "reduce", **words, VALUE=value)
    return f"reduce_{name}({writer.read(x)}, {writer.at(y)}, {outer}, {middle}, {inner});"


def blocks(operation: Operation, x: Value) -> tuple[int, int, int]:
    """The elements before, along and after the axes that an operation takes together; raises Unsupported."""
    axes = sorted(axis % len(x.shape) for axis in operation.attributes["axes"])
    if axes != list(range(axes[0], axes[-1] + 1)):
        what_can = "They must be neighbours"
        raise Unsupported(f"{operation.name}, a {operation.kind} over axes {axes}", "The target c", what_can)
    return prod(x.shape[: axes[0]]), prod(x.shape[axes[0] : axes[-1] + 1]), prod(x.shape[axes[-1] + 1 :])


def _scaled(writer: Writer, operation: Operation, x: Value, y: Value, count: int) -> str:
    """The C expression of a sum of `count` codes as a code of the output."""
    writer.kernel("_common.c", "clamp")
    scaling = ", ".join(map(number, rules(operation).mean_multiplier(x, y, 1)))
    least, most = rules(operation).bounds("none", y)
    zeros = count * x.quantization.zero_point if x.quantization else 0
    zero = y.quantization.zero_point if y.quantization else 0
    return f"clamp({requantize(writer, operation)}(v - ({zeros}), {scaling}) + ({zero}), {least}, {most})"
