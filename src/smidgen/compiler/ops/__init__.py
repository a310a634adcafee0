"""What each kind of operation needs of memory, and its C: a module NAME.py of two functions beside its NAME.c.

`memory(operation, given, wanted)` says what may be overwritten; `emit(writer, operation, given, wanted)` puts kernels
and constants into the writer and returns the statement that calls them. `given` and `wanted` are the operation's input
and output values.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol, cast

from smidgen.compiler.ir import Operation, Program, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._writer import Writer
from smidgen.errors import Unsupported

Values = Sequence[Value | None]


class Kind(Protocol):
    """A module of this package."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """What the operation does with memory."""
        ...

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """The statement that runs the operation. Raises Unsupported for a form of it that has no C yet."""
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


def memory_of(program: Program) -> Callable[[Operation], Memory]:
    """What `memory.plan` asks about each operation of a program."""

    def answer(operation: Operation) -> Memory:
        return find(operation).memory(operation, *program.of(operation))

    return answer
