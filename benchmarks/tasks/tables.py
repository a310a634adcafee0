"""Tables, as `smidgen fit` learns them: python benchmarks/tasks/tables.py --seeds 0,1,2

Breast cancer (scikit-learn's 569 tumours): five folds, for each seed folds of its own; of the other four a tenth is
validation. Steel plates (1,941 plates, 27 measurements, 7 faults): the same, beside scikit-learn's
HistGradientBoostingClassifier, which learns from train and validation together; its bytes are those of its pickle.
Diabetes (442 patients): a number, beside ridge regression with its penalty chosen by cross-validation.
"""

from __future__ import annotations

import argparse
import csv
import json
import pickle
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import smidgen
from smidgen.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.types import Array

Row = dict[str, Any]
STEEL = Path(__file__).parents[3] / "shared" / "data" / "industry" / "steel_plates" / "SteelPlatesFaults_Clean.csv"
FAULTS = 7  # the last columns, one-hot
FOLDS = 5
MEASURES = ("accuracy", "auc")
CANCER_OPTIONS = {"params": "1k"}
STEEL_OPTIONS = {"task": "tabular-classification", "target": "*_Fault*", "params": "70k"}


def breast_cancer(folder: Path, seeds: list[int]) -> Row:
    """AUC and accuracy of the shipped file, the means over all folds."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [*data.feature_names.tolist(), "diagnosis"]
    cells = [[*row, data.target_names[target]] for row, target in zip(data.data.tolist(), data.target, strict=True)]
    rows = [
        _fitted(_table(folder / f"cancer-{seed}-{fold}", names, cells, parts), seed, *MEASURES, **CANCER_OPTIONS)
        | {"fold": fold}
        for seed in seeds
        for fold, parts in enumerate(_folds(data.target, seed))
    ]
    bars = [
        ("mean AUC", _mean(rows, "auc"), ">=", 0.995),
        ("mean accuracy", _mean(rows, "accuracy"), ">=", 0.979),
        ("largest file bytes", max(row["file bytes"] for row in rows), "<=", 4096),
    ]
    return {"name": "breast-cancer", "rows": rows, "bars": bars}


def steel_plates(folder: Path, seeds: list[int]) -> Row:
    """Accuracy beside that of boosted trees on the same folds, and the share of their bytes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    with STEEL.open(encoding="utf-8", newline="") as file:
        names, *cells = list(csv.reader(file))
    x = np.array([row[:-FAULTS] for row in cells], np.float64)
    y = np.array([row[-FAULTS:] for row in cells], np.float64).argmax(axis=1)
    rows = []
    for seed in seeds:
        for fold, parts in enumerate(_folds(y, seed)):
            table = _table(folder / f"steel-{seed}-{fold}", names, cells, parts)
            row = _fitted(table, seed, "accuracy", **STEEL_OPTIONS) | {"fold": fold}
            test = np.array(parts) == "test"
            rival = HistGradientBoostingClassifier(random_state=seed).fit(x[~test], y[~test])
            row |= {"rival accuracy": rival.score(x[test], y[test]), "rival bytes": len(pickle.dumps(rival))}
            rows.append(row)
    runs = [[row["rival accuracy"] for row in rows if row["seed"] == seed] for seed in seeds]
    error = statistics.fmean(statistics.stdev(run) / FOLDS**0.5 for run in runs)  # of the mean of five folds
    bars = [
        ("mean accuracy", _mean(rows, "accuracy"), ">=", _mean(rows, "rival accuracy") - error),
        ("largest file, of the rival's bytes", max(r["file bytes"] / r["rival bytes"] for r in rows), "<=", 1 / 20),
    ]
    rival = {f"rival mean {name}": _mean(rows, f"rival {name}") for name in ("accuracy", "bytes")}
    return {"name": "steel-plates", "rows": rows, "bars": bars, "standard error of a run's folds": error, **rival}


def diabetes(folder: Path, seeds: list[int]) -> Row:
    """R2 and RMSE beside those of ridge regression on the same folds; reported, no bar."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_diabetes(scaled=False)
    cells = [[*row, target] for row, target in zip(data.data.tolist(), data.target.tolist(), strict=True)]
    quarters, rows = np.digitize(data.target, np.quantile(data.target, [0.25, 0.5, 0.75])), []
    for seed in seeds:
        for fold, parts in enumerate(_folds(quarters, seed)):
            table = _table(folder / f"diabetes-{seed}-{fold}", [*data.feature_names, "progression"], cells, parts)
            row, test = _fitted(table, seed, "r2", "rmse") | {"fold": fold}, np.array(parts) == "test"
            ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 16)))
            ridge.fit(data.data[~test], data.target[~test])
            error = ridge.predict(data.data[test]) - data.target[test]
            rows.append(row | {"rival rmse": float(np.sqrt(np.mean(error**2)))})
    rival = {"mean rmse": _mean(rows, "rmse"), "rival mean rmse": _mean(rows, "rival rmse")}
    return {"name": "diabetes", "rows": rows, "bars": [], "mean r2": _mean(rows, "r2"), **rival}


def _fitted(table: Path, seed: int, *measures: str, **options: str) -> Row:
    """One fit, and what its evidence says of the shipped file."""
    bundle = smidgen.fit(str(table), out=table.with_suffix(""), seed=seed, **options)  # type: ignore[arg-type]
    if not isinstance(bundle, Bundle):
        raise TypeError("a dry run makes no bundle")
    evidence = json.loads((Path(bundle) / "evidence.json").read_text(encoding="utf-8"))
    found = {one["name"]: one["value"] for one in evidence["measures"] if one["form"] == "model.onnx"}
    row = {"seed": seed, **{name: found[name] for name in measures}, "file bytes": int(found["file_bytes"])}
    return {**row, "parameters": int(found["parameters"]), "family": bundle.manifest["family"]}


def _folds(targets: Array, seed: int) -> list[list[str]]:
    """For each fold the part of each row; every fold has its share of each class, and a tenth of the rest validates."""
    dice, fold, shade = np.random.default_rng(seed), np.empty(len(targets), int), np.empty(len(targets), int)
    start = 0
    for target in np.unique(targets):
        where = dice.permutation(np.flatnonzero(targets == target))
        places = start + np.arange(len(where))
        fold[where], shade[where] = places % FOLDS, places // FOLDS % 10
        start += len(where)
    return [
        ["test" if f == number else "validation" if s == 0 else "train" for f, s in zip(fold, shade, strict=True)]
        for number in range(FOLDS)
    ]


def _table(stem: Path, names: Sequence[str], cells: Sequence[Sequence[Any]], parts: Sequence[str]) -> Path:
    path = stem.with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["part", *names])
        writer.writerows([part, *row] for part, row in zip(parts, cells, strict=True))
    return path


def _mean(rows: Sequence[Row], name: str) -> float:
    return statistics.fmean(row[name] for row in rows)


MADE: dict[str, Callable[[Path, list[int]], Row]] = {
    "breast-cancer": breast_cancer, "steel-plates": steel_plates, "diabetes": diabetes,
}  # fmt: skip


def main() -> None:
    """Everything, or what is named, as JSON on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", default="0,1,2", help="of folds and fits, such as 0,1,2")
    parser.add_argument("--only", default=",".join(MADE))
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory() as name:
        for each in options.only.split(","):
            print(json.dumps(MADE[each](Path(name), seeds), indent=1), flush=True)


if __name__ == "__main__":
    main()
