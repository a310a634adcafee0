"""Measure the bars that smidgen sets itself: python benchmarks/bars.py NAME."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fits
import scaling
import speed
import start
from compiler import cortex_m, host, models, page, price
from record import RESULTS, Bar, Result, Row
from tasks import anomalies, audio, recommend, recurrent, series, tables, text
from tasks.recorded import recorded

Options = argparse.Namespace
SIZES = [2_000, 6_000, 20_000, 60_000, 200_000]


def mnist(options: Options, folder: Path) -> Result:
    rows = _fits(options, folder, options.mnist)
    made = fits.summary(rows)
    bars = [
        Bar("mean accuracy", made["mean accuracy"], 0.993),
        Bar("largest file bytes", made["largest file bytes"], 60_000, "at most"),
        Bar("longest fit seconds", made["longest fit seconds"], 8 * 60, "at most"),
        *fits.proof(rows),
    ]
    return Result("mnist", options.command, rows, made, bars)


def params_700(options: Options, folder: Path) -> Result:
    rows = _fits(options, folder, options.mnist, "--params", "700")
    made = fits.summary(rows)
    bars = [
        Bar("mean accuracy", made["mean accuracy"], 0.98),
        Bar("most parameters", max(row["parameters"] for row in rows), 700, "at most"),
        Bar("mean accuracy over 10 seeds", made["mean accuracy"] if len(rows) >= 10 else None, 0.99, stretch=True),
        *fits.proof(rows),
    ]
    return Result("params-700", options.command, rows, made, bars)


def fashion(options: Options, folder: Path) -> Result:
    rows = _fits(options, folder, options.fashion)
    made = fits.summary(rows)
    bars = [
        Bar("mean accuracy", made["mean accuracy"], 0.925),
        Bar("largest file bytes", made["largest file bytes"], 99_999, "at most"),
        *fits.proof(rows),
    ]
    return Result("fashion", options.command, rows, made, bars)


def cortex_m0(options: Options, folder: Path) -> Result:
    rows = _fits(options, folder, options.mnist, *fits.SMALLEST)
    rows = [row | fits.firmware(folder / f"seed-{row['seed']}") for row in rows]
    made = fits.summary(rows)
    bars = [
        Bar("mean accuracy", made["mean accuracy"], 0.99),
        Bar("mean accuracy", made["mean accuracy"], 0.9955, stretch=True),
        Bar("largest flash bytes", max(row["flash bytes"] for row in rows), 16 * 1024, "at most"),
        Bar("largest RAM bytes", max(row["RAM bytes"] for row in rows), 4 * 1024, "at most"),
        *fits.proof(rows),
    ]
    notes = ["Flash and RAM are those of the whole firmware: code, constants, startup; values, variables and stack."]
    return Result("cortex-m0", options.command, rows, made, bars, notes)


def speed_(options: Options, folder: Path) -> Result:
    archive = folder / "mnist.npz"
    scaling.arrays(options.mnist, archive)
    keras = options.keras_python or speed.keras_python(folder / "keras")
    rows: list[Row] = []
    ours: tuple[str | int, ...] = (options.epochs or 2, options.family, options.size)
    for seed in range(max(options.seeds or 5, options.keras_seeds)):
        if seed < options.keras_seeds:
            rows.append(speed.run("keras", keras, archive, seed, options.keras_epochs))
        if seed < (options.seeds or 5):
            rows.append(speed.run("smidgen", Path(sys.executable), archive, seed, *ours))
    mine, theirs = speed.median(rows, "smidgen"), speed.median(rows, "keras")
    ratio = mine / theirs if mine is not None and theirs else None
    made: Row = {"median seconds smidgen": mine, "median seconds keras": theirs, "ratio": ratio}
    bars = [
        Bar("ratio", ratio, 1 / 3, "at most"),
        Bar("ratio", ratio, 1 / 5, "at most", stretch=True),
        Bar("test examples", min(row["test examples"] for row in rows), 10_000),
    ]
    notes = [
        "Seconds are from the first step of training to the end of the look at the test part that shows 99.0 %; both "
        "look after each quarter of an epoch. Setup is importing, reading data and building the network. smidgen keeps "
        f"a tenth of the training part for validation; {options.family} of at most {options.size:,} parameters, "
        f"{ours[0]} epochs planned."
    ]
    return Result("speed", options.command, rows, made, bars, notes)


def scaling_(options: Options, folder: Path) -> Result:
    epochs = options.epochs or 1
    rows = scaling.rows(options.mnist, options.sizes, epochs, folder)
    scaling.draw(rows, options.out / f"{datetime.now(UTC):%Y-%m-%d}-scaling{'-trial' if _trial(options) else ''}.svg")
    notes = [
        f"Every fit: --epochs {epochs} {' '.join(scaling.FIXED)}. "
        "Synthetic examples are MNIST's own, shifted, with noise."
    ]
    return Result("scaling", options.command, rows, {}, scaling.bars(rows), notes)


def start_(options: Options, folder: Path) -> Result:
    rows = start.commands(folder)
    bars = [Bar(f"median seconds: {row['command']}", row["median"], limit, "at most")
            for row, limit in zip(rows, (0.5, 1.5), strict=True)]  # fmt: skip
    return Result("start", options.command, rows, {}, bars)


def demo(options: Options, folder: Path) -> Result:
    rows = start.demo(folder)
    return Result("demo", options.command, rows, {}, [Bar("seconds", rows[-1]["seconds"], 120, "at most")])


BENCHMARKS: dict[str, Callable[[Options, Path], Result]] = {
    "mnist": mnist, "params-700": params_700, "cortex-m0": cortex_m0, "fashion": fashion,
    "speed": speed_, "scaling": scaling_, "start": start_, "demo": demo,
    "compiler-cortex-m": cortex_m.measure, "compiler-host": host.measure, "page": page.measure, "price": price.measure,
}  # fmt: skip


UNSEEN = 10  # the first seed whose folds no choice has seen
TASKS: dict[str, tuple[Callable[[Path, list[int]], Row], int]] = {  # what is measured, and over how many seeds
    "spam": (text.spam, 3),
    "sentiment": (text.sentiment, 3),
    "digits": (audio.digits, 3),
    "speakers": (lambda folder, seeds: audio.speakers(folder, seeds[0]), 1),
    "keywords": (audio.keywords, 3),
    "gru-keywords": (recurrent.keywords, 1),
    "breast-cancer": (lambda folder, seeds: tables.breast_cancer(folder, [UNSEEN + seed for seed in seeds]), 5),
    "steel-plates": (lambda folder, seeds: tables.steel_plates(folder, [UNSEEN + seed for seed in seeds]), 3),
    "diabetes": (tables.diabetes, 3),
    "remaining-life": (lambda folder, seeds: series.life(seeds, folder), 10),
    "bearings": (lambda folder, seeds: series.bearings(seeds, folder), 3),
}


def _task(name: str) -> Callable[[Options, Path], Result]:
    measure, seeds = TASKS[name]
    return lambda options, folder: recorded(measure, options.seeds or seeds, folder, options.command)


def recommendation(options: Options, folder: Path) -> Result:
    return recommend.run(list(range(options.seeds or 3)), recommend.DATA, folder, options.command)


BENCHMARKS |= {
    **{name: _task(name) for name in TASKS},
    "anomalies": anomalies.measure,
    "recommendation": recommendation,
}


def _fits(options: Options, folder: Path, source: str, *words: str) -> list[Row]:
    """A fit for every seed."""
    trial = ("--epochs", str(options.epochs)) if options.epochs else ()
    return [fits.fit(source, seed, folder, *words, *trial) for seed in range(options.seeds or 3)]


def _command(options: Options, parser: argparse.ArgumentParser) -> str:
    """What was typed, without paths."""
    words = ["python benchmarks/bars.py", options.name]
    for name in ("seeds", "epochs", "family", "size", "keras_seeds", "keras_epochs", "sizes", "examples"):
        value = getattr(options, name)
        if value != parser.get_default(name):
            given = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, given)]
    return " ".join(words)


def _trial(options: Options) -> bool:
    """Whether settings differ from those of the bars, whose results then prove nothing."""
    ours = options.epochs and options.name != "speed"
    fewer = options.name == "compiler-cortex-m" and options.examples is not None
    return bool(ours or fewer or (options.name == "scaling" and options.sizes != SIZES))


def main() -> int:
    """Run one benchmark; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--seeds", type=int, help="how many; by default 3, and 5 for speed")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results go")
    parser.add_argument("--mnist", default="mnist", help="the sample, or a folder with its idx files")
    parser.add_argument("--fashion", default="fashion-mnist", help="the sample, or a folder with its idx files")
    parser.add_argument("--epochs", type=int, help="for a trial; speed: what smidgen plans, 2 by default")
    parser.add_argument("--family", default="cnn", help="speed: the network of smidgen")
    parser.add_argument("--size", type=int, default=42_100, help="speed: its parameters, at most")
    parser.add_argument("--keras-seeds", type=int, default=3, help="speed: runs of Keras")
    parser.add_argument("--keras-epochs", type=int, default=12, help="speed: after which Keras gives up")
    parser.add_argument("--keras-python", type=Path, help="speed: a Python with TensorFlow, instead of making one")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="scaling: training examples")
    parser.add_argument("--data", type=Path, default=models.DATA, help="compiler: the folder of models and data")
    parser.add_argument("--examples", type=int, help="compiler-cortex-m, for a trial: random inputs, and real ones")
    options = parser.parse_args()
    options.command = _command(options, parser)
    busy = f"Load average of the minute before the start: {os.getloadavg()[0]:.2f}."
    with tempfile.TemporaryDirectory(prefix="smidgen-bars-") as folder:
        result = BENCHMARKS[options.name](options, Path(folder))
    result = replace(result, trial=_trial(options), notes=[*result.notes, busy])
    result.write(options.out)
    print(result.text())
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
