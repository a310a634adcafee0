"""Recommendation against ALS and BPR of the package implicit, and popularity: python benchmarks/tasks/recommend.py.

All of them learn from the same choices, rank all items that somebody has not chosen, and are tuned on the same
validation part. The rivals learn their final factors from training and validation part, smidgen from the former alone.
"""

import argparse
import csv
import itertools
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import smidgen
from record import Bar, Result, Row
from smidgen.answers.ranking import best, gains, recalls
from smidgen.data.load import load
from smidgen.types import Array, Dataset, Part

DATA = Path(__file__).parents[3] / "shared" / "data" / "recommendation" / "ml_latest_small"
SPLITS: dict[str, dict[str, Any]] = {"last-per-user": {}, "75/25": {"ignore": ["timestamp"]}}
ALL: dict[str, Any] = {"positive": "0.5"}  # any rating is a choice, as is usual for this data
LARGEST = 1_000_000  # bytes
NEW = 0.1  # of the items, of which nothing is learnt
Settings = dict[str, Any]
Grid = dict[str, Sequence[Any]]
ALS: Grid = {"factors": (64, 128), "regularization": (10.0, 30.0), "alpha": (1.0, 5.0), "iterations": (15,)}
BPR: Grid = {"factors": (64,), "learning_rate": (0.02, 0.05), "regularization": (0.01, 0.1), "iterations": (300,)}


def rivals(data: Dataset, seed: int) -> Row:
    """nDCG@10 and recall@10 of popularity, ALS and BPR on the test part."""
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking

    both = _choices(data, data.train, data.validation)
    row = _scores("popularity", np.tile(np.asarray(both.sum(axis=0)), (both.shape[0], 1)), data, data.test)
    for name, kind, grid in (("ALS", AlternatingLeastSquares, ALS), ("BPR", BayesianPersonalizedRanking, BPR)):
        tuned = _tuned(kind, grid, data, seed)
        row |= _scores(name, _factors(kind, tuned, both, seed), data, data.test) | {
            f"{name} settings": json.dumps(tuned)
        }
        if name == "ALS":
            row |= _scores(
                "ALS folded in", _folded(kind(**tuned, random_state=seed, num_threads=1), data), data, data.test
            )
    return row


def _folded(model: Any, data: Dataset) -> Array:
    """Scores of items whose factors were learnt from the training part, for users with all that is known of them."""
    model.fit(_choices(data, data.train), show_progress=False)
    users = model.recalculate_user(np.arange(len(data.train)), _choices(data, data.train, data.validation))
    return np.asarray(users @ model.item_factors.T)


def _tuned(kind: Callable[..., Any], grid: Grid, data: Dataset, seed: int) -> Settings:
    """The settings that do best on validation."""
    choices = _choices(data, data.train)
    tried = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]

    def standing(settings: Settings) -> float:
        scores = _factors(kind, settings, choices, seed)
        return float(_scores("x", scores, data, data.validation)["x ndcg@10"])

    return max(tried, key=standing)


def _factors(kind: Callable[..., Any], settings: Settings, choices: Any, seed: int) -> Array:
    """The scores of all items for all users, by a model of implicit."""
    model = kind(**settings, random_state=seed, num_threads=1)
    model.fit(choices, show_progress=False)
    return np.asarray(model.user_factors @ model.item_factors.T)


def _users(part: Part) -> dict[str, int]:
    return {name: number for number, name in enumerate(part.names)}


def _choices(data: Dataset, *parts: Part) -> Any:
    """Who chose what, sparse (users of the training part, items)."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    users, found = _users(data.train), np.zeros((len(data.train), data.answer.width), np.float32)
    for part in parts:
        for name, target in zip(part.names, part.targets, strict=True):
            found[users[name], target[target >= 0]] = 1
    return csr_matrix(found)


def _scores(name: str, scores: Array, data: Dataset, part: Part) -> Row:
    """How users are served whose rows are `scores`, without what they had chosen before."""
    users = _users(data.train)
    rows = np.array(scores[[users[one] for one in part.names]], np.float64)
    histories = part.inputs[np.arange(len(part))]
    known = {"validation": (data.train,), "test": (data.train, data.validation)}[
        "test" if part is data.test else "validation"
    ]
    seen = _choices(data, *known)[[users[one] for one in part.names]].toarray() > 0
    seen[np.arange(len(rows))[:, None], np.maximum(histories - 1, 0)] |= histories > 0
    rows[seen] = -np.inf
    lists = best(rows)
    return {
        f"{name} ndcg@10": float(gains(lists, part.targets).mean()),
        f"{name} recall@10": float(recalls(lists, part.targets).mean()),
    }


def ours(source: Path, seed: int, folder: Path, **options: Any) -> Row:
    """What ships: measured by fit on the test part."""
    smidgen.fit(str(source), task="recommendation", seed=seed, out=folder, **options)
    evidence = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    found = {one["name"]: one["value"] for one in evidence["measures"] if one["form"] == "model.onnx"}
    kept = (
        "ndcg@10",
        "recall@10",
        "coverage@10",
        "novelty@10",
        "ndcg@10_popularity",
        "ndcg@10_new",
        "ndcg@10_new_chance",
    )
    taken = {"file bytes": int(found["file_bytes"]), "parameters": int(found["parameters"])}
    return {**{name: found[name] for name in kept if name in found}, **taken}


def with_new_items(source: Path, folder: Path, seed: int) -> Path:
    """The same data, of whose items a tenth is marked as new: choices of them are for the test only."""
    for name in ("ratings.csv", "tags.csv"):
        shutil.copy(source / name, folder / name)
    with (source / "movies.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    dice = np.random.default_rng(seed).random(len(rows))
    with (folder / "movies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "new"])
        writer.writeheader()
        writer.writerows({**row, "new": int(luck < NEW)} for row, luck in zip(rows, dice, strict=True))
    return folder


def run(seeds: Sequence[int], source: Path, folder: Path, command: str) -> Result:
    """All splits and seeds, the rivals beside; and items never seen in training."""
    rows: list[Row] = []
    for seed, (name, options) in itertools.product(seeds, SPLITS.items()):
        row = {"split": name, "seed": seed, **ours(source, seed, folder / f"{name[:2]}-{seed}", **options, **ALL)}
        rows.append(row | rivals(load(source, task="recommendation", seed=seed, **options, **ALL), seed))
        print(json.dumps(rows[-1]), flush=True)
    summary: Row = {}
    bars = [
        Bar("largest file bytes", max(row["file bytes"] for row in rows), LARGEST, "at most"),
        Bar("seeds", len(seeds), 3),
    ]
    for name in SPLITS:
        mean = {
            one: statistics.fmean(row[one] for row in rows if row["split"] == name)
            for one in (
                "ndcg@10",
                "popularity ndcg@10",
                "ALS ndcg@10",
                "ALS folded in ndcg@10",
                "BPR ndcg@10",
                "recall@10",
            )
        }
        summary |= {f"{name} {one}": value for one, value in mean.items()}
        bars += [
            Bar(f"{name}: ndcg@10 less that of {rival}", mean["ndcg@10"] - mean[f"{rival} ndcg@10"], 1e-9)
            for rival in ("popularity", "ALS", "ALS folded in", "BPR")
        ]
    fresh = []
    for seed in seeds:
        made = folder / f"new-{seed}"
        made.mkdir()
        fresh.append(ours(with_new_items(source, made, seed), seed, folder / f"new-{seed}-bundle", **ALL))
        print(json.dumps(fresh[-1]), flush=True)
    for one in ("ndcg@10_new", "ndcg@10_new_chance"):
        summary[one] = statistics.fmean(row[one] for row in fresh)
    bars.append(
        Bar("new items: ndcg@10 less that of chance", summary["ndcg@10_new"] - summary["ndcg@10_new_chance"], 1e-9)
    )
    notes = ["The split by time is the same for all seeds; what differs then is the chance in ALS and BPR."]
    return Result("recommendation", command, rows, summary, bars, notes, trial=len(seeds) < 3)


def main() -> None:
    """Run, show and record."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--data", type=Path, default=DATA, help="the folder ml_latest_small")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeds = [int(seed) for seed in given.seeds.split(",")]
        command = f"python benchmarks/tasks/recommend.py --seeds {given.seeds}"
        result = run(seeds, given.data, Path(folder), command)
    print(result.text())
    print(result.write())


if __name__ == "__main__":
    main()
