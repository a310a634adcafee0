"""Texts, as tables that the command line fits: python benchmarks/tasks/text.py --seeds 0,1,2

Spam: the SMS spam collection, each message once, five folds, for each seed folds of its own; of the other four an
eighth is validation. Sentiment: sentences of film reviews, 80 % train, 10 % validation, 10 % test, as the seed says.
The rival in the same run is TF-IDF of words and pairs of words with a linear support vector machine, its strength
chosen on the same validation part and then fitted on train and validation together; its bytes are those of its pickle.
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

from process import measure, smidgen

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
Texts = list[tuple[str, str]]  # text, label
DATA = Path(__file__).parents[3] / "shared" / "data" / "text-classification"
FOLDS = 5
SPAM = ("--size", "45k", "--positive", "spam")
SENTIMENT = ("--size", "65k", "--positive", "pos")
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)


def spam(folder: Path, seeds: list[int]) -> Row:
    """Each message is tested once a seed: F1 of spam, the mean over folds, of ours and of the rival."""
    texts, rows = _messages(), []
    for seed in seeds:
        for fold, parts in enumerate(_folds([label for _, label in texts], seed)):
            table = _table(folder / f"spam-{seed}-{fold}.csv", texts, parts)
            rows.append(_pair(table, texts, parts, seed, folder / f"spam-{seed}-{fold}", *SPAM) | {"fold": fold})
    row = rows[0] | _cortex_m4(folder / f"spam-{seeds[0]}-0")
    bars = [("mean F1", _mean(rows, "f1"), ">=", 0.954), ("largest file bytes", _most(rows), "<=", 50_000)]
    return {"name": "spam", "messages": len(texts), "rows": [row, *rows[1:]], "bars": bars, **_rivals(rows, "f1")}


def sentiment(folder: Path, seeds: list[int]) -> Row:
    """Accuracy on a tenth of the sentences, of ours and of the rival."""
    texts, rows = _sentences(), []
    for seed in seeds:
        parts = _tenths(len(texts), seed)
        table = _table(folder / f"sentiment-{seed}.csv", texts, parts)
        rows.append(_pair(table, texts, parts, seed, folder / f"sentiment-{seed}", *SENTIMENT))
    bars = [("mean accuracy", _mean(rows, "accuracy"), ">=", 0.761), ("largest file bytes", _most(rows), "<=", 100_000)]
    return {"name": "sentiment", "sentences": len(texts), "rows": rows, "bars": bars, **_rivals(rows, "accuracy")}


def _pair(table: Path, texts: Texts, parts: Sequence[str], seed: int, bundle: Path, *options: str) -> Row:
    """One fit through the command line, and the rival on the same parts."""
    done = measure([smidgen(), "fit", table, "--seed", str(seed), "--out", bundle, "--quiet", *options])
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))
    found = {one["name"]: one for one in evidence["measures"] if one["form"] == "model.onnx"}
    return {
        "seed": seed,
        **{name: found[name]["value"] for name in ("accuracy", "f1")},
        "f1 low": found["f1"]["low"],
        "f1 high": found["f1"]["high"],
        "test examples": found["accuracy"]["n"],
        "file bytes": int(found["file_bytes"]["value"]),
        "family": json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["family"],
        "fit seconds": round(done.seconds, 1),
        **_rival(texts, parts, options[-1]),
    }


def _rival(texts: Texts, parts: Sequence[str], positive: str) -> Row:
    """TF-IDF and a linear support vector machine: what it reaches on the test part, and its bytes."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    def of(*wanted: str) -> tuple[list[str], list[bool]]:
        chosen = [pair for pair, part in zip(texts, parts, strict=True) if part in wanted]
        return [text for text, _ in chosen], [label == positive for _, label in chosen]

    def made(strength: float) -> Any:
        return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(C=strength))

    scores = [made(strength).fit(*of("train")).score(*of("validation")) for strength in STRENGTHS]
    final = made(STRENGTHS[int(np.argmax(scores))]).fit(*of("train", "validation"))
    inputs, targets = of("test")
    guesses = final.predict(inputs)
    return {
        "rival accuracy": float(accuracy_score(targets, guesses)),
        "rival f1": float(f1_score(targets, guesses)),
        "rival bytes": len(pickle.dumps(final)),
    }


def _messages() -> Texts:
    """The SMS, each once."""
    lines = (DATA / "sms_spam" / "sms.tsv").read_text(encoding="utf-8").splitlines()
    known = {text.strip(): label for label, text in (line.split("\t", 1) for line in lines)}
    return list(known.items())


def _sentences() -> Texts:
    """The sentences of both files, each once."""
    known: dict[str, str] = {}
    for label in ("neg", "pos"):
        data = (DATA / "rt_polarity" / f"rt-polarity.{label}").read_bytes()
        for line in data.split(b"\n"):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                text = line.decode("latin-1")
            if text.strip():
                known.setdefault(text.strip(), label)
    return list(known.items())


def _folds(labels: Sequence[str], seed: int) -> list[list[str]]:
    """For each fold the part of each text; every fold has its share of each label."""
    dice, fold, shade = np.random.default_rng(seed), np.empty(len(labels), int), np.empty(len(labels), int)
    for label in sorted(set(labels)):
        where = dice.permutation([index for index, one in enumerate(labels) if one == label])
        fold[where], shade[where] = np.arange(len(where)) % FOLDS, np.arange(len(where)) // FOLDS % 8
    return [
        ["test" if f == number else "validation" if s == 0 else "train" for f, s in zip(fold, shade, strict=True)]
        for number in range(FOLDS)
    ]


def _tenths(count: int, seed: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(count) * 10 // count
    return ["test" if tenth == 0 else "validation" if tenth == 1 else "train" for tenth in order]


def _table(path: Path, texts: Texts, parts: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [(*pair, part) for pair, part in zip(texts, parts, strict=True)]
        csv.writer(file).writerows([("text", "label", "part"), *rows])
    return path


def _cortex_m4(bundle: Path) -> Row:
    """The firmware of a bundle, built, and run in an emulator."""
    told = measure([smidgen(), "compile", bundle, "--device", "cortex-m4", "--json", "--quiet"]).output
    taken = json.loads(told)["fits"][0]["footprint"]
    names = {"flash bytes": "flash_bytes", "RAM bytes": "ram_bytes", "instructions": "instructions"}
    return {f"cortex-m4 {title}": taken[name] for title, name in names.items()}


def _mean(rows: list[Row], name: str) -> float:
    return statistics.fmean(row[name] for row in rows)


def _most(rows: list[Row]) -> int:
    return max(int(row["file bytes"]) for row in rows)


def _rivals(rows: list[Row], name: str) -> Row:
    return {f"rival mean {name}": _mean(rows, f"rival {name}"), "rival mean bytes": _mean(rows, "rival bytes")}


def main() -> None:
    """Everything, or what is named, as JSON on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", default="0,1,2", help="of folds and fits, such as 0,1,2")
    parser.add_argument("--only", default="spam,sentiment")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    made = {"spam": spam, "sentiment": sentiment}
    with tempfile.TemporaryDirectory() as name:
        for each in options.only.split(","):
            print(json.dumps(made[each](Path(name), seeds), indent=1), flush=True)


if __name__ == "__main__":
    main()
