"""Rows of a constant table by their numbers; a number beyond the table takes its nearest row."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer, c_type, short
from smidgen.errors import Unsupported


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Rows are wider than their numbers."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call: rows are copied, or scaled where the table has codes and the output floats."""
    (indices, table), (y,) = present(given), wanted
    if table.data is None or (table.dtype != y.dtype and y.dtype != "float32"):
        what_can = "It takes a constant table of the output's type, or of codes where the output is float32"
        raise Unsupported(f"{operation.name}, a table of {table.dtype}", "The target c", what_can)
    rows, width = table.shape
    scaled = table.dtype != y.dtype
    kernel = "scaled" if scaled else "copied"
    name = f"{short(indices.dtype)}_{short(table.dtype)}"
    words = {"name": name, "I": c_type(indices.dtype), "W": c_type(table.dtype)}
    writer.kernel("embedding.c", "row")
    writer.kernel("embedding.c", kernel, **words)
    scales = f"{_scales(writer, table)}, " if scaled else ""
    source = f"{writer.table('table', table.data, table.dtype)}, {scales}{rows}, {width}"
    return f"embedding_{kernel}_{name}({writer.read(indices)}, {indices.count}, {source}, {writer.at(y)});"


def _scales(writer: Writer, table: Value) -> str:
    given = table.quantization.scales if table.quantization is not None else (1.0,)
    return writer.table("scale", np.broadcast_to(np.asarray(given), table.shape[:1]), "float32")
