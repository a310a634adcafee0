"""Sounds: spoken digits and keywords, fitted through the command line: python benchmarks/tasks/audio.py --seeds 0,1,2

Digits: the free spoken digit dataset with its own test part (recordings 0 to 4 of each speaker and digit); recordings 5
to 9 are validation. The same data again with each speaker in turn as the test part: what a voice never heard costs.

Keywords: 660 clips of Speech Commands, divided by speaker by smidgen itself, as the seed says. The rival in the same
run is logistic regression on the same log-mel maps, its strength chosen on the same validation part.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from process import measure, smidgen

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
DATA = Path(__file__).parents[3] / "shared" / "data" / "audio-classification"
TEST, VALIDATION = range(5), range(5, 10)  # numbers of a speaker's recordings of a digit
DIGITS = ("--family", "dscnn", "--size", "9k", "--no-distill")
KEYWORDS = ("--family", "dscnn", "--size", "20k", "--epochs", "60", "--batch-size", "32", "--no-distill")
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def digits(folder: Path, seeds: list[int]) -> Row:
    """The official test part: accuracy of the shipped file, and its bytes."""
    table = _recordings(folder / "digits")
    rows = [_fit(table("digits", _official), seed, folder / f"digits-{seed}", *DIGITS) for seed in seeds]
    mean, largest = statistics.fmean(row["accuracy"] for row in rows), max(row["file bytes"] for row in rows)
    bars = [("mean accuracy", mean, ">=", 0.99), ("largest file bytes", largest, "<=", 20_000)]
    return {"name": "digits", "rows": rows, "bars": bars}


def speakers(folder: Path, seed: int = 0) -> Row:
    """Each speaker in turn is the test part, another one validation: six numbers, none of them a bar."""
    table, rows = _recordings(folder / "speakers"), []
    names = sorted({name.split("_")[1] for name in zipfile.ZipFile(DATA / "fsdd" / "recordings.zip").namelist()})
    for index, speaker in enumerate(names):
        roles = {speaker: "test", names[index - 1]: "validation"}
        source = table(f"without-{speaker}", lambda who, _, roles=roles: roles.get(who, "train"))
        rows.append({"speaker": speaker, **_fit(source, seed, folder / f"speaker-{speaker}", *DIGITS)})
    return {"name": "speakers", "rows": rows, "mean accuracy": statistics.fmean(row["accuracy"] for row in rows)}


def keywords(folder: Path, seeds: list[int]) -> Row:
    """Speakers never heard: accuracy beside logistic regression on log-mel, and what a Cortex-M4 needs."""
    source, rows = _clips(folder / "keywords"), []
    for seed in seeds:
        bundle = folder / f"keywords-{seed}"
        row = _fit(source, seed, bundle, *KEYWORDS)
        rows.append({**row, "logistic regression": _rival(source, seed), **_cortex_m4(bundle)})
    ours, theirs = (statistics.fmean(row[name] for row in rows) for name in ("accuracy", "logistic regression"))
    return {"name": "keywords", "rows": rows, "bars": [("points above the rival", 100 * (ours - theirs), ">=", 10.0)]}


def _fit(source: Path, seed: int, bundle: Path, *options: str) -> Row:
    """One fit through the command line; what its evidence says of the shipped file."""
    done = measure([smidgen(), "fit", source, "--seed", str(seed), "--out", bundle, "--quiet", *options])
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))
    found = {one["name"]: one for one in evidence["measures"] if one["form"] == "model.onnx"}
    accuracy = found["accuracy"]
    return {
        "seed": seed,
        "accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
        "test examples": accuracy["n"],
        "file bytes": int(found["file_bytes"]["value"]),
        "parameters": int(found["parameters"]["value"]),
        "fit seconds": round(done.seconds, 1),
    }


def _cortex_m4(bundle: Path) -> Row:
    """The firmware of a bundle, built, and run in an emulator."""
    told = measure([smidgen(), "compile", bundle, "--device", "cortex-m4", "--json", "--quiet"]).output
    taken = json.loads(told)["fits"][0]["footprint"]
    names = {"flash bytes": "flash_bytes", "RAM bytes": "ram_bytes", "instructions": "instructions"}
    return {title: taken[name] for title, name in names.items()} | {"measured": taken["measured"]}


def _rival(source: Path, seed: int) -> float:
    """Logistic regression on standardised log-mel maps of the same sounds: its accuracy on the same test part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from smidgen.data.load import load
    from smidgen.signals._mel import log_mel

    data = load(source, seed=seed)
    signal: Any = data.signal

    def maps(part: Any) -> tuple[Any, Any]:
        sounds = part.inputs[np.arange(len(part))]
        return log_mel(sounds, signal.size, signal.step, signal.edges).reshape(len(part), -1), part.targets

    (x, y), (x_valid, y_valid), (x_test, y_test) = (maps(part) for part in (data.train, data.validation, data.test))
    trained = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)).fit(x, y) for c in STRENGTHS]
    best = STRENGTHS[int(np.argmax([model.score(x_valid, y_valid) for model in trained]))]
    final = make_pipeline(StandardScaler(), LogisticRegression(C=best, max_iter=1000))
    final.fit(np.concatenate([x, x_valid]), np.concatenate([y, y_valid]))
    return float(final.score(x_test, y_test))


def _recordings(folder: Path) -> Any:
    """Unpacks the digits; a function that writes a table of them, with the part that `rule(speaker, number)` says."""
    with zipfile.ZipFile(DATA / "fsdd" / "recordings.zip") as archive:
        archive.extractall(folder)

    def table(name: str, rule: Any) -> Path:
        rows = []
        for path in sorted(folder.glob("*.flac")):
            digit, speaker, number = path.stem.split("_")
            rows.append((path.name, digit, rule(speaker, int(number))))
        return _table(folder / f"{name}.csv", ("path", "label", "part"), rows)

    return table


def _official(_: str, number: int) -> str:
    return "test" if number in TEST else "validation" if number in VALIDATION else "train"


def _clips(folder: Path) -> Path:
    """Unpacks the keywords and writes a table of them: the speaker is what stands before the first _ of a name."""
    with zipfile.ZipFile(DATA / "speech_commands_v2_test" / "clips16k.zip") as archive:
        archive.extractall(folder)
    paths = sorted(path for path in folder.rglob("*.flac"))
    rows = [(path.relative_to(folder).as_posix(), path.parent.name, _speaker(path.stem)) for path in paths]
    return _table(folder / "keywords.csv", ("path", "label", "group"), rows)


def _speaker(stem: str) -> str:
    """Of "backward_0c540988_nohash_0.wav", an unknown word, too; a stretch of silence is a group of its own."""
    parts = stem.split("_")
    return parts[1] if len(parts) == 4 else parts[0]


def _table(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def main() -> None:
    """Everything, or what is named, as JSON on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", default="0,1,2", help="of the fits, such as 0,1,2")
    parser.add_argument("--only", default="digits,speakers,keywords")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {"digits": lambda: digits(folder, seeds), "keywords": lambda: keywords(folder, seeds)}
        made["speakers"] = lambda: speakers(folder, seeds[0])
        for each in options.only.split(","):
            print(json.dumps(made[each](), indent=1), flush=True)


if __name__ == "__main__":
    main()
