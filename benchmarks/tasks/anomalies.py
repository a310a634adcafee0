"""The Tennessee Eastman process: learn from normal operation, find faults 1, 2 and 6. What ships against plain PCA.

    python benchmarks/tasks/anomalies.py --seeds 0,1,2

Downs and Vogel 1993 (Computers Chem. Engng 17:245); data of Chiang, Russell and Braatz 2001: 52 variables every three
minutes, simulated. Learnt from are the 500 normal rows of d00, of which each seed keeps another stretch of 150 for
validation, which is where the threshold comes from. d00_te and the first 160 rows of each fault's file, all normal,
count false alarms; the rows after them count as faults.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for running it by itself

import smidgen  # noqa: E402
from record import RESULTS, Bar, Result, Row  # noqa: E402
from smidgen.bundle import Bundle  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array

    Scores = Callable[[Array], Array]  # rows (n, 52) -> scores (n,), from 1 on an alarm

DATA = ROOT.parent.parent / "shared" / "data" / "industry" / "tep"
NAMES = tuple(f"v{index:02d}" for index in range(1, 53))
FAULTS = ("d01", "d02", "d06")
START = 160  # row of a test file at which its fault begins
HELD_OUT = 150  # normal rows for validation
MINUTES = 3  # from row to row
IN_A_ROW = 3  # alarms that an operator waits for
BUDGET = 0.01  # of normal rows that may raise an alarm
EXPLAINED = 0.9  # of the variance, by the components of the rival
FAMILIES = ("", "principal", "autoencoder")  # "": what the race chooses


def measure(options: argparse.Namespace, folder: Path) -> Result:
    """All seeds; `options.seeds` is how many, or which."""
    seeds = options.seeds if isinstance(options.seeds, list) else range(options.seeds or 3)
    rows = [row for seed in seeds for row in _of_seed(seed, folder)]
    ours = [row for row in rows if row["model"] == "smidgen"]
    summary = {
        f"mean {name} of {model}": round(mean(row[name] for row in chosen), 5)
        for model in dict.fromkeys(row["model"] for row in rows)
        for chosen in [[row for row in rows if row["model"] == model]]
        for name in ("detection rate", "false alarms", "false alarms on d00_te", "delay in minutes")
    }
    names = ("detection rate", "false alarms", "false alarms on d00_te")
    detected, false, alone = (mean(row[name] for row in ours) for name in names)
    bars = [
        Bar("mean detection rate", detected, 0.95),
        Bar("mean false alarms, all normal rows", false, BUDGET, "at most"),
        Bar("mean false alarms, d00_te alone", alone, BUDGET, "at most", stretch=True),
    ]
    notes = [
        f"Rows of {MINUTES} minutes. Delay: from the start of a fault to its first alarm, mean over the three faults.",
        "PCA: T2 and SPE with limits from their distributions (Jackson and Mudholkar 1979), alarm where one is above. "
        "PCA, held out: with the largest values on the validation rows as limits.",
    ]
    return Result("anomalies", options.command, rows, {"seeds": len(list(seeds)), **summary}, bars, notes)


def _of_seed(seed: int, folder: Path) -> list[Row]:
    normal, held_out = _divided(seed)
    table = _table(folder / f"tep-{seed}.csv", normal, held_out)
    found: list[tuple[str, Scores, Row]] = [
        (f"smidgen, {family}" if family else "smidgen", *_fitted(table, seed, folder, family)) for family in FAMILIES
    ]
    found += [("PCA", _pca(normal, None), {}), ("PCA, held out", _pca(normal, held_out), {})]
    return [{"seed": seed, "model": name, **_judged(scores), **facts} for name, scores, facts in found]


def _divided(seed: int) -> tuple[Array, Array]:
    """Normal rows to learn from, and a stretch of them for validation: at the end, at the start, between, by seed."""
    rows = np.load(DATA / "d00.npy").T  # stored as (variables, rows)
    last = len(rows) - HELD_OUT
    start = (last, 0, last // 2)[seed % 3]
    return np.delete(rows, slice(start, start + HELD_OUT), axis=0), rows[start : start + HELD_OUT]


def _table(path: Path, normal: Array, held_out: Array) -> Path:
    """The CSV file that is fitted."""
    runs = [("train", normal, "train", ""), ("validation", held_out, "validation", "")]
    runs += [(name, np.load(DATA / f"{name}_te.npy"), "test", name) for name in ("d00", *FAULTS)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "step", *NAMES, "label", "part"])
        for run, values, part, fault in runs:
            for step, row in enumerate(values.tolist()):
                faulty = fault in FAULTS and step >= START
                writer.writerow([run, step, *row, f"fault {int(fault[1:])}" if faulty else "normal", part])
    return path


def _fitted(table: Path, seed: int, folder: Path, family: str) -> tuple[Scores, Row]:
    """The scores of the file that ships, and what it is."""
    out = folder / f"tep-{seed}-{family or 'chosen'}"
    options: dict[str, Any] = {"task": "anomaly-detection", "window": 1, "false_alarms": BUDGET, "seed": seed}
    bundle = smidgen.fit(str(table), out=out, family=family or None, **options)
    if not isinstance(bundle, Bundle) or bundle.evidence is None:
        raise TypeError("the fit made no bundle")
    runner, channels = bundle.runner(threads=1), bundle.signal.to_json()["channels"]
    chosen = [NAMES.index(name) for name in channels]

    def scores(rows: Array) -> Array:
        series = rows[:, None, chosen].astype(np.float32)
        return runner({bundle.signal.input.name: series})[bundle.answer.output.name][:, 0]

    claimed = {m.name: m.value for m in bundle.evidence.measures if m.form == runner.form}
    facts = {"family": bundle.manifest["family"]}
    return scores, {**facts, "parameters": int(claimed["parameters"]), "file bytes": int(claimed["file_bytes"])}


def _pca(normal: Array, held_out: Array | None) -> Scores:
    """T2 and SPE, whichever is further above its limit."""
    from scipy import stats  # type: ignore[import-untyped]

    centre, deviation = normal.mean(axis=0), normal.std(axis=0, ddof=1)
    variances, axes = np.linalg.eigh(np.cov(((normal - centre) / deviation).T))
    variances, axes = variances[::-1], axes[:, ::-1]
    used = int(np.searchsorted(np.cumsum(variances) / variances.sum(), EXPLAINED)) + 1

    def both(rows: Array) -> Array:
        parts = ((rows - centre) / deviation @ axes) ** 2
        return np.stack([(parts[:, :used] / variances[:used]).sum(axis=1), parts[:, used:].sum(axis=1)], axis=1)

    if held_out is not None:
        limits = both(held_out).max(axis=0)
    else:
        n, rest = len(normal), [float((variances[used:] ** power).sum()) for power in (1, 2, 3)]
        t2 = used * (n**2 - 1) / (n * (n - used)) * stats.f.ppf(1 - BUDGET, used, n - used)
        h = 1 - 2 * rest[0] * rest[2] / (3 * rest[1] ** 2)
        z = stats.norm.ppf(1 - BUDGET)
        base = z * np.sqrt(2 * rest[1] * h**2) / rest[0] + 1 + rest[1] * h * (h - 1) / rest[0] ** 2
        limits = np.array([t2, rest[0] * base ** (1 / h)])
    return lambda rows: (both(rows) / limits).max(axis=1)


def _judged(scores: Scores) -> Row:
    """Detection, false alarms and delays on the test files."""
    free = scores(np.load(DATA / "d00_te.npy")) >= 1
    alarms = [scores(np.load(DATA / f"{name}_te.npy")) >= 1 for name in FAULTS]
    found = [float(each[START:].mean()) for each in alarms]
    return {
        "detection rate": mean(found),
        **{f"fault {int(name[1:])}": share for name, share in zip(FAULTS, found, strict=True)},
        "false alarms": float(np.concatenate([free, *(each[:START] for each in alarms)]).mean()),
        "false alarms on d00_te": float(free.mean()),
        "delay in minutes": mean(_delay(each[START:], 1) for each in alarms),
        f"delay of {IN_A_ROW} in a row": mean(_delay(each[START:], IN_A_ROW) for each in alarms),
        "family": "",
        "parameters": "",
        "file bytes": "",
    }


def _delay(alarms: Array, wanted: int) -> float:
    """Minutes until the last of the first `wanted` alarms in a row; as long as the file is where there are none."""
    runs = np.convolve(alarms, np.ones(wanted), "valid") == wanted
    return MINUTES * float(runs.argmax() + wanted - 1 if runs.any() else len(alarms))


def main(words: Sequence[str] | None = None) -> int:
    """Run it; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description="Anomalies of the Tennessee Eastman process")
    parser.add_argument("--seeds", default="0,1,2", help="which, with commas")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results go")
    options = parser.parse_args(words)
    options.command = f"python benchmarks/tasks/anomalies.py --seeds {options.seeds}"
    options.seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory(prefix="smidgen-bars-") as folder:
        result = measure(options, Path(folder))
    result.write(options.out)
    print(result.text())
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
