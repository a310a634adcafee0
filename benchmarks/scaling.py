"""Time and peak memory of a fit against the size of its data, in memory and with the data kept in a file."""

import shutil
import sys
from pathlib import Path

from process import measure, smidgen
from record import Bar, Row

FIXED = ("--family", "cnn", "--size", "10k", "--no-distill", "--no-augment")  # no stage of a fixed length
LIMITED = "16MB"
MEMORY = {"by default": (), LIMITED: ("--memory", LIMITED)}  # beyond it, decoded data is kept in a file
GROWTH, TIMES = 11.0, 10  # bar: data so many times larger takes at most so many times as long
PEAK = 1.25  # bar, with limited memory: so many times the peak of a tenth of the data


def arrays(source: str, path: Path, *examples: int) -> int:
    """Write the source, or so many training examples of it, as a .npz; how many of them are synthetic."""
    words: list[str | Path] = [sys.executable, Path(__file__).with_name("arrays.py"), source, path]
    return int(measure([*words, *map(str, examples)]).output)


def rows(source: str, sizes: list[int], epochs: int, folder: Path) -> list[Row]:
    """A fit of every size with each memory; also the data report alone, which is the part before training."""
    found: list[Row] = []
    for size in sizes:
        archive = folder / f"{size}.npz"
        synthetic = arrays(source, archive, size)
        read = measure([smidgen(), "data", archive, "--json", "--quiet"])
        for memory, options in MEMORY.items():
            bundle = folder / "bundle"
            fitted = measure([smidgen(), "fit", archive, "--epochs", str(epochs), *FIXED, *options, "--out", bundle])
            row: Row = {
                "examples": size,
                "of these synthetic": synthetic,
                "memory": memory,
                "fit seconds": round(fitted.seconds, 2),
                "peak MB": fitted.megabytes,
                "data report seconds": round(read.seconds, 2),
            }
            smaller = next((other for other in reversed(found) if other["memory"] == memory), None)
            found.append(row | _further(row, smaller))
            shutil.rmtree(bundle)
        archive.unlink()
    return found


def _further(row: Row, smaller: Row | None) -> Row:
    """What each example more than in the next smaller size costs: whole fits also hold what is the same for all."""
    if smaller is None:
        return {"ms a further example": "", "bytes a further example": ""}
    more = row["examples"] - smaller["examples"]
    seconds, megabytes = (row[column] - smaller[column] for column in ("fit seconds", "peak MB"))
    return {
        "ms a further example": round(1e3 * seconds / more, 3),
        "bytes a further example": round(1e6 * megabytes / more),
    }


def bars(found: list[Row]) -> list[Bar]:
    """Ten times the data, wherever both sizes were run."""
    by_size = {(row["memory"], row["examples"]): row for row in found}
    judged: list[Bar] = []
    for (memory, size), row in by_size.items():
        tenth = by_size.get((memory, size // TIMES))
        if tenth is None:
            continue
        step = f"{size // TIMES:,} to {size:,} examples, memory {memory}"
        judged.append(Bar(f"times as long: {step}", row["fit seconds"] / tenth["fit seconds"], GROWTH, "at most"))
        if memory == LIMITED:
            judged.append(Bar(f"times the peak: {step}", row["peak MB"] / tenth["peak MB"], PEAK, "at most"))
    return judged


def draw(found: list[Row], path: Path) -> None:
    """The curves, as SVG."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "smidgen"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for axis, column in zip(axes, ("fit seconds", "peak MB"), strict=True):
        for memory in MEMORY:
            points = [(row["examples"], row[column]) for row in found if row["memory"] == memory]
            axis.plot(*zip(*points, strict=True), marker="o", label=f"memory {memory}")
        axis.set(xlabel="thousand training examples", ylabel=column, xlim=0, ylim=0)
        axis.xaxis.set_major_formatter(lambda examples, _: f"{examples / 1000:g}")
        for row in found:
            if row["of these synthetic"]:
                axis.axvline(row["examples"], color="0.8", zorder=0)
        axis.grid(visible=True, alpha=0.3)
    axes[0].legend(title="grey line: with synthetic examples")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
