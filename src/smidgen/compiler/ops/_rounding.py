"""The two roundings of integers, as operations need them in C."""

from types import ModuleType

from smidgen.compiler import arithmetic, litert
from smidgen.compiler.ir import Operation
from smidgen.compiler.ops._writer import Writer

RULES: dict[str, ModuleType] = {"onnx": arithmetic, "litert": litert}


def rules(operation: Operation) -> ModuleType:
    """The arithmetic that an operation follows: its multipliers, bounds and tables."""
    return RULES[operation.rounding]


def requantize(writer: Writer, operation: Operation) -> str:
    """The name of the function that scales a sum of an operation and rounds it; the writer takes it."""
    writer.kernel("_common.c", "requantize")
    if operation.rounding == "onnx" or operation.kind == "dense":
        return "requantize"
    writer.kernel("_common.c", "requantize_twice")
    return "requantize_twice"
