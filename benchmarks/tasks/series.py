"""Remaining life of engines (C-MAPSS FD001) and faults of bearings (CWRU): the bars for series, with rivals.

python benchmarks/tasks/series.py --seeds 0,1,2 [life bearings]

Each fit is that of `smidgen fit` on files that are made here from `../shared/data`. The test engines are measured at
their last known cycle, as is usual for this data; nothing is chosen by them. What a noisy sensor gives is made here
from the test windows, and goes through the file that ships.
"""

import argparse
import csv
import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

import smidgen
from smidgen.data.load import load
from smidgen.types import Dataset, Part

DATA = Path(__file__).parents[3] / "shared" / "data" / "industry"
CAP = 125.0  # cycles; a longer life counts as this, in training and in the test
LIFE: dict[str, Any] = {"task": "series-regression", "window": 60, "cap": CAP}
BEARINGS: dict[str, Any] = {"task": "series-classification", "window": 2048}
CYCLES = ["engine", "cycle", *(f"setting{i}" for i in (1, 2, 3)), *(f"sensor{i}" for i in range(1, 22)), "rul", "part"]
Array = NDArray[Any]
Row = dict[str, Any]


def life(seeds: Sequence[int], folder: Path, data: Path = DATA / "cmapss_fd001", epochs: int | None = None) -> Row:
    """Root mean square error on the standard test of FD001, at most 20,000 parameters."""
    source = folder / "fd001.csv"
    write_engines(data, source)
    rows = []
    for seed in seeds:
        bundle = folder / f"life-{seed}"
        smidgen.fit(str(source), out=bundle, params="20k", family="filters", seed=seed, epochs=epochs, **LIFE)
        rows.append({"seed": seed, **_shipped(bundle, "rmse", "mae", "r2", "parameters", "file_bytes")})
        rows[-1]["trees rmse"] = _trees(load(source, seed=seed, **LIFE), seed)
    summary = _summary(rows, ["rmse", "trees rmse"])
    return {
        "name": "remaining-life",
        "rows": rows,
        "summary": summary,
        "bars": [
            {"what": "mean rmse of 100 engines", "value": summary["mean rmse"], "limit": 12.5, "rule": "at most"},
            {
                "what": "most parameters",
                "value": max(r["parameters"] for r in rows),
                "limit": 20_000,
                "rule": "at most",
            },
            {"what": "seeds", "value": len(rows), "limit": 10, "rule": "at least"},
        ],
        "notes": [
            "In the literature: GRU 14.2, XGBoost 11.9.",
            "Trees: scikit-learn's HistGradientBoostingRegressor on level, trend and spread of each channel's window.",
        ],
    }


def bearings(seeds: Sequence[int], folder: Path, data: Path = DATA / "cwru", epochs: int | None = 15) -> Row:
    """Accuracy on the last 15 % of each recording, as it is and with white noise."""
    source = data / "de_12k_load0.npz"
    rows = []
    for seed in seeds:
        bundle = folder / f"bearings-{seed}"
        smidgen.fit(
            str(source), out=bundle, params="12k", hop=64, seed=seed, epochs=epochs,
            **BEARINGS,
        )  # fmt: skip
        examples = load(source, hop=64, seed=seed, **BEARINGS)
        rows.append({"seed": seed, **_shipped(bundle, "accuracy", "parameters", "file_bytes")})
        rows[-1] |= {f"accuracy at {level} dB": _noisy(bundle, examples.test, level, seed) for level in (10, 0)}
        rows[-1] |= _spectrum(examples, seed)
    summary = _summary(rows, [name for name in rows[0] if "accuracy" in name or "spectrum" in name])
    what = [f"mean accuracy{noise}" for noise in ("", " at 10 dB", " at 0 dB")]
    return {
        "name": "bearings",
        "rows": rows,
        "summary": summary,
        "bars": [
            *({"what": name, "value": summary[name], "limit": 0.99, "rule": "at least"} for name in what),
            {"what": "largest file", "value": max(r["file_bytes"] for r in rows), "limit": 20_000, "rule": "at most"},
            {"what": "seeds", "value": len(rows), "limit": 3, "rule": "at least"},
        ],
        "notes": [
            "Test windows do not overlap; with noise each is heard ten times.",
            "Spectrum: logistic regression on the logarithm of the power in 64 bands, trained without noise.",
        ],
    }


def write_engines(data: Path, path: Path) -> None:
    """FD001 as one table. Of a test engine only the last cycle has a target; the ones before are seen."""
    left = np.loadtxt(data / "RUL_FD001.txt")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CYCLES)
        for part in ("train", "test"):
            table = np.loadtxt(data / f"{part}_FD001.txt")
            for engine in np.unique(table[:, 0]).astype(int):
                run = table[table[:, 0] == engine]
                for ahead, row in zip(range(len(run) - 1, -1, -1), run.tolist(), strict=True):
                    known = [ahead, part] if part == "train" else [left[engine - 1], part] if not ahead else ["", ""]
                    writer.writerow([f"{part} {engine}", int(row[1]), *row[2:], *known])


def _shipped(bundle: Path, *names: str) -> Row:
    """What the evidence says about the file that ships."""
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))
    found = {one["name"]: one["value"] for one in evidence["measures"] if one["form"] == "model.onnx"}
    return {name.replace("_", " ") if name != "file_bytes" else name: found[name] for name in names}


def _noisy(bundle: Path, part: Part, decibels: float, seed: int) -> float:
    """The accuracy of the file that ships on windows with white noise."""
    session = onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    heard, targets = _heard(part, decibels, seed)
    return float(np.mean(session.run(None, {name: heard})[0].argmax(axis=1) == targets))


def _heard(part: Part, decibels: float, seed: int, times: int = 10) -> tuple[Array, Array]:
    """Windows with noise at a ratio of signal to noise, each several times, and their targets."""
    clean, dice = np.repeat(part.inputs[np.arange(len(part))], times, axis=0), np.random.default_rng(seed)
    size = np.sqrt((clean**2).mean(axis=(1, 2), keepdims=True) * 10 ** (-decibels / 10))
    return (clean + size * dice.standard_normal(clean.shape)).astype(np.float32), np.repeat(part.targets, times)


def _trees(data: Dataset, seed: int) -> float:
    """The error of boosted trees on the same engines."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def described(part: Part) -> Array:
        windows = part.inputs[np.arange(len(part))]
        slope = np.linspace(-1, 1, windows.shape[1])[None, :, None]
        facts = [windows[:, -10:].mean(1), windows.mean(1), (windows * slope).mean(1), windows.std(1), windows[:, -1]]
        return np.concatenate(facts, axis=1)

    model = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.05, max_leaf_nodes=15, random_state=seed)
    model.fit(described(data.train), data.train.targets[:, 0])
    guess = np.clip(model.predict(described(data.test)), 0, CAP)
    return float(np.sqrt(np.mean((guess - data.test.targets[:, 0]) ** 2)))


def _spectrum(data: Dataset, seed: int) -> Row:
    """The accuracy of logistic regression on spectra, with and without noise."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def described(windows: Array) -> Array:
        power = np.abs(np.fft.rfft(windows[:, :, 0]))[:, 1:] ** 2
        return np.asarray(np.log(power.reshape(len(power), 64, -1).mean(axis=2) + 1e-9))

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    trained = np.arange(0, len(data.train), 8)
    model.fit(described(data.train.inputs[trained]), data.train.targets[trained])
    clean = described(data.test.inputs[np.arange(len(data.test))])
    scores = {"spectrum": float(model.score(clean, data.test.targets))}
    for level in (10, 0):
        heard, targets = _heard(data.test, level, seed)
        scores[f"spectrum at {level} dB"] = float(model.score(described(heard), targets))
    return scores


def _summary(rows: Sequence[Row], names: Sequence[str]) -> Row:
    means = {f"mean {name}": statistics.fmean(row[name] for row in rows) for name in names}
    spread = {f"deviation of {name}": statistics.stdev(row[name] for row in rows) for name in names if len(rows) > 1}
    return means | spread


TASKS: dict[str, Callable[..., Row]] = {"life": life, "bearings": bearings}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TASKS), help="life, bearings")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with commas")
    parser.add_argument("--epochs", type=int, help="for a trial")
    options = parser.parse_args()
    for name in options.names:
        given = {} if options.epochs is None else {"epochs": options.epochs}
        with tempfile.TemporaryDirectory(prefix="smidgen-bars-") as folder:
            seeds = [int(seed) for seed in options.seeds.split(",")]
            print(json.dumps(TASKS[name](seeds, Path(folder), **given), indent=1))


if __name__ == "__main__":
    main()
