"""Codes to real numbers."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import names, present, quantization
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._writer import Writer, number

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    words, codes = names(x, y), quantization(operation, x)
    writer.kernel("dequantize.c", "dequantize", **words)
    numbers = f"{number(codes.scale)}, {codes.zero_point}"
    return f"dequantize_{words['name']}({writer.read(x)}, {writer.at(y)}, {y.count}, {numbers});"
