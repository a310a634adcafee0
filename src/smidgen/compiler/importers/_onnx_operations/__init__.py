"""Each operation of ONNX that the compiler knows, as operations of its own: one module for each theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smidgen.compiler.importers._onnx_operations import (
    elementwise,
    joins,
    products,
    recurrent,
    reductions,
    rounding,
    scattering,
    views,
    whole,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.compiler.importers._onnx_graph import Network, Node

OPERATIONS: dict[str, Callable[[Network, Node], None]] = {
    **elementwise.OPERATIONS,
    **joins.OPERATIONS,
    **products.OPERATIONS,
    **recurrent.OPERATIONS,
    **reductions.OPERATIONS,
    **rounding.OPERATIONS,
    **scattering.OPERATIONS,
    **views.OPERATIONS,
    **whole.OPERATIONS,
    **windows.OPERATIONS,
}
