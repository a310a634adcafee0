"""gamma times x where it is positive, else gamma * alpha * (exp(x) - 1): ELU (Clevert et al. 2015,
arXiv:1511.07289), SELU with the gamma of Klambauer et al. 2017 (arXiv:1706.02515)."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops import _elementwise
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import Row, emit, row_scratch
from smidgen.compiler.ops._writer import Values, Writer, number

__all__ = ["emit", "memory", "row", "row_scratch"]


def row(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
    """A table for codes, a formula for floats."""
    alpha, gamma = (number(float(operation.attributes[name])) for name in ("alpha", "gamma"))
    return _elementwise.function(writer, operation, given, wanted[0], f"{gamma} * (v > 0 ? v : {alpha} * expm1f(v))")
