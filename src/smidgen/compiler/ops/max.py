"""The greatest value along neighbouring axes."""

from smidgen.compiler.ops._reduce import emit, memory

__all__ = ["emit", "memory"]
