"""The error function."""

from smidgen.compiler.ops._elementwise import of_one
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import emit, row_scratch

__all__ = ["emit", "memory", "row", "row_scratch"]

row = of_one("erff(v)")
