"""x86-64 with AVX2: eight lanes, four products in two instructions. Bytes are widened to 16 bits first."""

from smidgen.compiler.kernels import _host
from smidgen.compiler.kernels._lanes import Lanes
from smidgen.compiler.kernels._lanes.form import Isa

ISA = Isa("avx2", lanes=8, signed=True, tiles=((4, 1), (2, 3), (1, 4)), blocks={16: 3})
NEEDED = ("avx2",)
find = Lanes(ISA).find


def flags() -> tuple[str, ...]:
    """What gcc and clang need to compile it."""
    return ("-mavx2",)


def suits_host() -> bool:
    """Whether this host runs it, as far as is known."""
    return _host.features().issuperset(NEEDED)
