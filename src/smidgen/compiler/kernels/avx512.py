"""x86-64 with AVX-512 VNNI: sixteen lanes, and four products of unsigned and signed bytes in each at once."""

from smidgen.compiler.kernels import _host
from smidgen.compiler.kernels._lanes import Lanes
from smidgen.compiler.kernels._lanes.form import Isa

ISA = Isa(
    "avx512",
    lanes=16,
    signed=False,
    tiles=((8, 1), (4, 6), (2, 8), (1, 16)),
    blocks={16: 8, 64: 6},
    registers=31,
    reals=True,
)
NEEDED = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni")
find = Lanes(ISA).find


def flags() -> tuple[str, ...]:
    """What gcc and clang need to compile it."""
    return tuple(f"-m{name.replace('_', '')}" for name in NEEDED)


def suits_host() -> bool:
    """Whether this host runs it, as far as is known."""
    return _host.features().issuperset(NEEDED)
