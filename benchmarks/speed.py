"""Time to first reach 99.0 % on the MNIST test part: smidgen's loop and the article's Keras program, in turn."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from process import measure
from record import Row

HERE = Path(__file__).parent


def keras_python(folder: Path) -> Path:
    """A throw-away virtual environment with TensorFlow."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "tensorflow-cpu"], check=True)
    return python


def run(program: str, python: Path, archive: Path, seed: int, *options: str | int) -> Row:
    """One program to its end: when it reached the goal, and all its looks (seconds, accuracy)."""
    ran = measure([python, HERE / f"speed_{program}.py", archive, str(seed), *map(str, options)])
    state = json.loads(ran.output.splitlines()[-1])
    version = state.pop("version", None)
    name = program if version is None else f"{program} (TensorFlow {version})"
    return {"program": name, "seed": seed, **state, "process seconds": round(ran.seconds, 1), "peak MB": ran.megabytes}


def median(rows: list[Row], program: str) -> float | None:
    """Of the seconds to the goal; None where the median run never reached it."""
    times = [row["seconds"] for row in rows if row["program"].startswith(program)]
    middle = statistics.median(float("inf") if seconds is None else seconds for seconds in times)
    return None if middle == float("inf") else round(middle, 3)
