"""Run a command and measure it as a whole process, from its start to its end."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """How long a command took, the most memory it held, and what it printed on stdout."""

    seconds: float
    peak_bytes: int
    output: str
    code: int

    @property
    def megabytes(self) -> float:
        """Peak memory, in units of a million bytes."""
        return round(self.peak_bytes / 1e6, 1)


def measure(command: Sequence[str | Path], *codes: int) -> Measured:
    """Run a command, with its stderr shown; stops everything where it ends with a code other than 0 and `codes`.

    A small process stands in between, because Linux counts what the starting process held as memory of the started.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "usage.json"
        between = [sys.executable, __file__, str(note), *map(str, command)]
        ran = subprocess.run(between, stdout=subprocess.PIPE, text=True, check=False)
        if ran.returncode not in (0, *codes):
            sys.exit(f"{' '.join(map(str, command))} ended with code {ran.returncode}\n{ran.stdout}")
        usage = json.loads(note.read_text(encoding="utf-8"))
    return Measured(usage["seconds"], usage["peak_bytes"], ran.stdout, ran.returncode)


def smidgen() -> Path:
    """The command of the environment that runs this."""
    path = Path(sys.executable).with_name("smidgen")
    if not path.exists():
        sys.exit('There is no smidgen beside this Python; run: pip install -e ".[train]"')
    return path


def _between(note: str, *command: str) -> int:
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
    Path(note).write_text(json.dumps({"seconds": seconds, "peak_bytes": usage.ru_maxrss * unit}), encoding="utf-8")
    return child.returncode


if __name__ == "__main__":
    sys.exit(_between(*sys.argv[1:]))
