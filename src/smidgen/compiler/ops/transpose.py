"""Axes in another order."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import names, present
from smidgen.compiler.ops._writer import Writer
from smidgen.errors import Unsupported

AXES = 4


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:  # noqa: ARG001
    """Elements change places."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,), order = present(given), wanted, operation.attributes["order"]
    if len(order) > AXES:
        raise Unsupported(f"{operation.name}, {len(order)} axes", "The target c", f"It transposes up to {AXES}")
    strides = [int(np.prod(x.shape[axis + 1 :])) for axis in order]
    missing = AXES - len(order)
    words = names(x)
    writer.kernel("transpose.c", "transpose", **words)
    size = writer.table("size", np.array([1] * missing + list(y.shape)), "int32")
    step = writer.table("step", np.array([0] * missing + strides), "int32")
    return f"transpose_{words['name']}({writer.read(x)}, {writer.at(y)}, {size}, {step});"
