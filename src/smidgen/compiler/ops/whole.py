"""a + b, a * b or a modulo b of whole numbers of 32 bits, which wrap around: hashes. b may be one number for all."""

from collections.abc import Sequence

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._elementwise import present
from smidgen.compiler.ops._writer import Values, Writer
from smidgen.errors import Unsupported

__all__ = ["emit", "memory"]

FUNCTIONS = {
    "add": "(int32_t)((uint32_t)a[i] + (uint32_t)*b)",
    "mul": "(int32_t)((uint32_t)a[i] * (uint32_t)*b)",
    "mod": "a[i] % *b < 0 ? a[i] % *b + *b : a[i] % *b",
}


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (a, b), (y,) = present(given), wanted
    function = operation.attributes["function"]
    if {a.dtype, b.dtype, y.dtype} != {"int32"} or a.count != y.count or b.count not in (1, y.count):
        raise Unsupported(operation.name, "The target c", "It takes int32 of one shape, or one number for all")
    writer.kernel("whole.c", "whole", name=function, VALUE=FUNCTIONS[function])
    step = 0 if b.count == 1 else 1
    return f"whole_{function}({writer.read(a)}, {writer.read(b)}, {step}, {y.count}, {writer.at(y)});"
