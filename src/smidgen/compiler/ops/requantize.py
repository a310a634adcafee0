"""Codes of one scale to codes of another."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _elementwise
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._writer import Writer

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:  # noqa: ARG001
    """One call."""
    (x,) = _elementwise.present(given)
    return _elementwise.rescale(writer, x, wanted[0], "none")
