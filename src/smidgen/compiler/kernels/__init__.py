"""Sets of kernels: the forms that operations take on one instruction set, a module of one function each.

`find(operation, given, wanted)` gives a `Kind` as the modules of `ops/` are, or None where the portable one must do.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from smidgen.compiler import ops
from smidgen.compiler.ir import Operation, Program, Value
from smidgen.compiler.memory import Memory
from smidgen.errors import UsageError

PORTABLE = "portable"


@cache
def names() -> tuple[str, ...]:
    """The sets of kernels, "portable" first."""
    return (PORTABLE, *sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"))


@cache
def module(name: str) -> Any:
    """The module of a set other than "portable"; raises UsageError."""
    if name not in names():
        raise UsageError(f"There are no kernels {name!r}", f"Take one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def floating_point(name: str) -> bool:
    """Whether the cores of a set compute with floats; where not, its module says FLOATING_POINT = False."""
    return name == PORTABLE or getattr(module(name), "FLOATING_POINT", True)


def find(name: str, operation: Operation, given: Sequence[Value | None], wanted: Sequence[Value]) -> ops.Kind:
    """The form of an operation in a set of kernels; raises Unsupported where it has none at all."""
    special: ops.Kind | None = None if name == PORTABLE else module(name).find(operation, given, wanted)
    return special or ops.find(operation)


def memory_of(program: Program, name: str = PORTABLE) -> Callable[[Operation], Memory]:
    """What `memory.plan` asks about each operation of a program."""

    def answer(operation: Operation) -> Memory:
        given, wanted = program.of(operation)
        return find(name, operation, given, wanted).memory(operation, given, wanted)

    return answer
