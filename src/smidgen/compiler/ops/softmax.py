"""Probabilities from logits, of floats."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Writer
from smidgen.errors import Unsupported

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    if (x.dtype, y.dtype) != ("float32", "float32") or len([size for size in x.shape if size != 1]) > 1:
        what_can = "It takes one row of float32"
        raise Unsupported(f"{operation.name}, softmax of {x.dtype} {x.shape}", "The target c", what_can)
    writer.kernel("softmax.c", "softmax")
    return f"softmax({writer.read(x)}, {writer.at(y)}, {x.count});"
