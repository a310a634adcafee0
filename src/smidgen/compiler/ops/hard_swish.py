"""x * min(max(x / 6 + 0.5, 0), 1) (Howard et al. 2019, arXiv:1905.02244)."""

from smidgen.compiler.ops._elementwise import of_one
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import emit, row_scratch

__all__ = ["emit", "memory", "row", "row_scratch"]

row = of_one("v * clampf(v / 6 + 0.5f, 0, 1)")
