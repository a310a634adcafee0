"""Kernels for Helium, the vectors of Armv8.1-M: Cortex-M55 and M85. What has no form here has that of ARMv7E-M."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compiler.kernels import armv7em
from smidgen.compiler.kernels.mve import add, conv2d, depthwise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops import Kind
    from smidgen.compiler.ops._writer import Values

FORMS: Mapping[str, Sequence[Callable[[Operation, Values, Value], Kind | None]]] = {
    "conv2d": (conv2d.find, depthwise.find),
    "dense": (conv2d.find_dense,),
    "add": (add.find,),
    "sub": (add.find,),
}


def find(operation: Operation, given: Values, wanted: Sequence[Value]) -> Kind | None:
    """The form of an operation here; None where the portable one must do."""
    for form in FORMS.get(operation.kind, ()):
        if found := form(operation, given, wanted[0]):
            return found
    return armv7em.find(operation, given, wanted)
