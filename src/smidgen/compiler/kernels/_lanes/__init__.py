"""Kernels with output channels in the lanes of vectors: one design for all processors that multiply four bytes a lane.

A lane is one 32-bit sum of one output channel. Four neighbouring bytes of the input meet the four weights of every lane
at once. Instruction sets differ in the few functions of their templates: NAME.c beside NAME.py, whose `find` is that of
a `Lanes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.compiler.kernels._lanes import add, conv2d, depthwise, mean, sliding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.kernels._lanes.form import Isa
    from smidgen.compiler.ops import Kind
    from smidgen.compiler.ops._writer import Values

FORMS: Mapping[str, Sequence[Callable[[Isa, Operation, Values, Value], Kind | None]]] = {
    "conv2d": (sliding.find, conv2d.find, depthwise.find),
    "dense": (conv2d.find,),
    "add": (add.find,),
    "sub": (add.find,),
    "mean": (mean.find,),
    "average_pool2d": (mean.find,),
}


@dataclass(frozen=True)
class Lanes:
    """The kernels of an instruction set, as a module of `kernels/` offers them."""

    isa: Isa

    def find(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Kind | None:
        """The form of an operation; None where the portable one must do."""
        for form in FORMS.get(operation.kind, ()):
            if found := form(self.isa, operation, given, wanted[0]):
                return found
        return None
