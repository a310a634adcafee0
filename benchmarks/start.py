"""How long commands take that a person waits for: help, one prediction, the demo."""

import statistics
import subprocess
from pathlib import Path

from process import measure, smidgen
from record import Row

ROOT = Path(__file__).parent.parent
RUNS = 10


def repeated(name: str, *words: str | Path) -> Row:
    """The seconds of a smidgen command as a whole process, over several runs."""
    times = sorted(measure([smidgen(), *words]).seconds for _ in range(RUNS))
    low, middle, high = (round(value, 3) for value in (times[0], statistics.median(times), times[-1]))
    return {"command": name, "runs": RUNS, "median": middle, "fastest": low, "slowest": high}


def commands(folder: Path) -> list[Row]:
    """`smidgen --help`, and the prediction of one image by a bundle made for it."""
    from PIL import Image

    bundle, picture = folder / "digits", folder / "digit.png"
    measure([smidgen(), "fit", "digits", "--epochs", "1", "--family", "mlp", "--out", bundle, "--quiet"])
    Image.linear_gradient("L").resize((8, 8)).save(picture)
    return [
        repeated("smidgen --help", "--help"),
        repeated("smidgen predict BUNDLE IMAGE", "predict", bundle, picture, "--quiet"),
    ]


def demo(folder: Path) -> list[Row]:
    """`make demo` in a fresh clone of this commit: with its installation, and again after it."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    times = {when: measure(["make", "-C", clone, "demo"]) for when in ("with installation", "after installation")}
    return [
        {"command": "make demo", "when": when, "seconds": round(ran.seconds, 1), "peak MB": ran.megabytes}
        for when, ran in times.items()
    ]
