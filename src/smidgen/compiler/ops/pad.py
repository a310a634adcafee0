"""A border of real zeros around up to three axes."""

from collections.abc import Sequence
from math import prod

from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Writer
from smidgen.errors import Unsupported


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:
    """Everything moves."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """The output is filled with zeros, then the rows are put into it."""
    (x,), (y,) = present(given), wanted
    rank, element = len(x.shape), BITS[y.dtype] // 8
    if rank > 3 or (x.quantization is not None and element > 1):
        raise Unsupported(f"{operation.name}, padding of {x.dtype} {x.shape}", "The target c", "It pads up to 3 axes")
    (planes, rows, row), (_, out_rows, out_row) = ((1,) * (3 - rank) + value.shape for value in (x, y))
    before = (0,) * (3 - rank) + tuple(operation.attributes["before"])
    start = (before[0] * out_rows + before[1]) * out_row + before[2]
    zero = x.quantization.zero_point if x.quantization else 0
    writer.kernel("pad.c", "pad")
    sizes = f"{planes}, {rows}, {row * element}, {out_rows}, {out_row * element}"
    to = f"(uint8_t *){writer.at(y)}"
    return (
        f"memset({writer.at(y)}, {zero}, {prod(y.shape) * element});\n"
        f"    pad({writer.read(x)}, {to} + {start * element}, {sizes});"
    )
