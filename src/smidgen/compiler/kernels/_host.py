"""What the processor of this host can do, and which kernels suit it."""

from functools import cache
from pathlib import Path

from smidgen.compiler import kernels

WIDEST_FIRST = ("avx512", "avx2", "neon")


@cache
def features() -> frozenset[str]:
    """Names of instruction sets as Linux gives them; none where it cannot be known."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    lines = (line.partition(":") for line in text.splitlines())
    return frozenset(word for key, _, words in lines if key.strip() in ("flags", "Features") for word in words.split())


def best() -> str:
    """The widest set of kernels that this host runs."""
    return next((name for name in WIDEST_FIRST if kernels.module(name).suits_host()), kernels.PORTABLE)


def needed(kernel_set: str) -> tuple[str, ...]:
    """What a set needs of `features`."""
    return () if kernel_set == kernels.PORTABLE else tuple(getattr(kernels.module(kernel_set), "NEEDED", ()))
