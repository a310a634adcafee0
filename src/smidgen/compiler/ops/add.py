"""a + b."""

from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._elementwise import total as row
from smidgen.compiler.ops._rows import emit, row_scratch

__all__ = ["emit", "memory", "row", "row_scratch"]
