"""What each kind of operation needs of memory, and its C: a module NAME.py of functions beside its NAME.c.

`memory(operation, given, wanted)` says what may be overwritten; `emit(writer, operation, given, wanted)` puts kernels
and constants into the writer and returns the statement that calls them. `given` and `wanted` are the operation's input
and output values. A kind that can work row by row has `row`, its kernel for one row, and `row_scratch`, the bytes that
it needs meanwhile; then `emit` is that of `_rows`.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast, runtime_checkable

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._rows import Row
from smidgen.compiler.ops._writer import Values, Writer
from smidgen.errors import Unsupported


class Kind(Protocol):
    """A module of this package, or of `kernels/`."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """What the operation does with memory."""
        ...

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """The statement that runs the operation. Raises Unsupported for a form of it that has no C yet."""
        ...


@runtime_checkable
class RowKind(Kind, Protocol):
    """One that can work row by row."""

    def row(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> Row:
        """The kernel of a row; of the shapes of inputs and output all but the first axis counts."""
        ...

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes that the kernel needs beside its rows."""
        ...


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of operation that have C, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"))


def find(operation: Operation) -> Kind:
    """The module of an operation; raises Unsupported."""
    if operation.kind not in kinds():
        can = f"The C of smidgen has {', '.join(kinds())}"
        raise Unsupported(f"{operation.name} ({operation.kind})", "The target c", can)
    return cast("Kind", importlib.import_module(f"{__name__}.{operation.kind}"))
