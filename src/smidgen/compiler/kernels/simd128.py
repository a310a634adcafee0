"""WebAssembly with vectors of 128 bits: four lanes, four products in two instructions. Bytes are widened first."""

from smidgen.compiler.kernels._lanes import Lanes
from smidgen.compiler.kernels._lanes.form import Isa

ISA = Isa("simd128", lanes=4, signed=True, tiles=((4, 1), (2, 3), (1, 4)), blocks={16: 2}, factors=30)
find = Lanes(ISA).find


def flags() -> tuple[str, ...]:
    """What clang needs to compile it."""
    return ("-msimd128",)


def suits_host() -> bool:
    """No host runs it without a browser."""
    return False
