"""Real zeros between the elements of an image, in rows and columns: the first step of a transposed convolution."""

from collections.abc import Sequence

from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer
from smidgen.errors import Unsupported


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Everything moves."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """The output is filled with zeros, then the pixels are put into it row by row."""
    (x,), (y,), (down, across) = present(given), wanted, operation.attributes["stride"]
    element = BITS[y.dtype] // 8
    if x.quantization is not None and element > 1:
        raise Unsupported(f"{operation.name} of {x.dtype}", "The target c", "It takes 8-bit codes or float32")
    zero = x.quantization.zero_point if x.quantization else 0
    height, width, channels = x.shape
    writer.kernel("spread.c", "spread")
    pixel = channels * element
    steps = f"{across * pixel}, {down * y.shape[1] * pixel}"
    return (
        f"memset({writer.at(y)}, {zero}, {y.bytes});\n"
        f"    spread({writer.read(x)}, {writer.at(y)}, {height}, {width}, {pixel}, {steps});"
    )
