"""AArch64 with the dot product of Armv8.2: four lanes, and four products of signed bytes in each at once."""

from smidgen.compiler.kernels import _host
from smidgen.compiler.kernels._lanes import Lanes
from smidgen.compiler.kernels._lanes.form import Isa

ISA = Isa("neon", lanes=4, signed=True, tiles=((8, 1), (4, 5), (2, 8), (1, 8)), blocks={16: 4})
NEEDED = ("asimd", "asimddp")
find = Lanes(ISA).find


def flags() -> tuple[str, ...]:
    """What gcc and clang need to compile it."""
    return ("-march=armv8.2-a+dotprod",)


def suits_host() -> bool:
    """Whether this host runs it, as far as is known."""
    return _host.features().issuperset(NEEDED)
