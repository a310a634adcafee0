"""Values behind each other along an axis."""

from collections.abc import Sequence
from math import prod

from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Writer


def memory(operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> Memory:
    """Every input moves."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> str:
    """One call for each input."""
    (y,), axis = wanted, operation.attributes["axis"] % len(wanted[0].shape)
    writer.kernel("concat.c", "copy")
    count, element = prod(y.shape[:axis]), BITS[y.dtype] // 8
    stride, offset, calls = prod(y.shape[axis:]) * element, 0, []
    for index, value in enumerate(present(given)):
        block = prod(value.shape[axis:]) * element
        to = f"{writer.at(y)} + {offset // element}"
        calls.append(f"copy_blocks({writer.at(value, f'part_{index}')}, {to}, {count}, {block}, {block}, {stride});")
        offset += block
    return "\n    ".join(calls)
