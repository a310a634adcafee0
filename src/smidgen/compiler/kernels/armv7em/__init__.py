"""Kernels for the DSP instructions of ARMv7E-M with an FPU: Cortex-M4, M7 and M33.

Each module is a form of an operation: `find(operation, given, y)` gives it, or None where it would not be exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compiler.kernels import armv6m
from smidgen.compiler.kernels.armv7em import add, conv2d, dense, depthwise, max_pool2d, mean, recurrent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops import Kind
    from smidgen.compiler.ops._writer import Values


def _of_any_window(operation: Operation, given: Values, y: Value) -> Kind | None:
    """A depthwise convolution of other windows, which needs no DSP instructions."""
    return armv6m.find(operation, given, [y])


FORMS: Mapping[str, Sequence[Callable[[Operation, Values, Value], Kind | None]]] = {
    "conv2d": (conv2d.find, depthwise.find, _of_any_window),
    "dense": (dense.find,),
    "add": (add.find,),
    "sub": (add.find,),
    "mean": (mean.find,),
    "average_pool2d": (mean.find,),
    "max_pool2d": (max_pool2d.find,),
    **dict.fromkeys(recurrent.KINDS, (recurrent.find,)),
}


def find(operation: Operation, given: Values, wanted: Sequence[Value]) -> Kind | None:
    """The form of an operation here; None where the portable one must do."""
    for form in FORMS.get(operation.kind, ()):
        if found := form(operation, given, wanted[0]):
            return found
    return None
