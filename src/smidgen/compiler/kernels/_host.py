"""What the processor of this host can do."""

from functools import cache
from pathlib import Path


@cache
def features() -> frozenset[str]:
    """Names of instruction sets as Linux gives them; none where it cannot be known."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    lines = (line.partition(":") for line in text.splitlines())
    return frozenset(word for key, _, words in lines if key.strip() in ("flags", "Features") for word in words.split())
