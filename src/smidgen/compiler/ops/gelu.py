"""x times the normal distribution function of x (Hendrycks and Gimpel 2016, arXiv:1606.08415), by erf."""

from smidgen.compiler.ops._elementwise import of_one
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rows import emit, row_scratch

__all__ = ["emit", "memory", "row", "row_scratch"]

row = of_one("0.5f * v * (1 + erff(v * 0.707106781f))")
