"""Recurrent networks on a device: a GRU that hears keywords, and one for digits, on a Cortex-M4 that is emulated.

    python benchmarks/tasks/recurrent.py --seeds 0,1,2

The firmware is built and run instruction by instruction, on inputs that it must answer as its program does. Flash, RAM
and instructions are those of the whole firmware, with the log-mel front end in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tasks import audio

Row = dict[str, Any]
GRU = ("--family", "gru", "--no-distill")
KEYWORDS = (*GRU, "--size", "20k", "--epochs", "60", "--batch-size", "32")
DIGITS = (*GRU, "--size", "12k", "--epochs", "30")


def keywords(folder: Path, seeds: list[int]) -> Row:
    """Speakers never heard: accuracy of the shipped file beside logistic regression on log-mel."""
    source, rows = audio._clips(folder / "keywords"), []
    for seed in seeds:
        bundle = folder / f"gru-keywords-{seed}"
        row = audio._fit(source, seed, bundle, *KEYWORDS)
        rows.append({**row, "logistic regression": audio._rival(source, seed), **audio._cortex_m4(bundle)})
    return _result("gru-keywords", rows)


def digits(folder: Path, seeds: list[int]) -> Row:
    """The official test part of the spoken digits."""
    source, rows = audio._recordings(folder / "digits")("digits", audio._official), []
    for seed in seeds:
        bundle = folder / f"gru-digits-{seed}"
        rows.append({**audio._fit(source, seed, bundle, *DIGITS), **audio._cortex_m4(bundle)})
    return _result("gru-digits", rows)


def _result(name: str, rows: list[Row]) -> Row:
    emulated = [bool(row["measured"]) for row in rows]
    bars = [("share that runs under emulation", statistics.fmean(emulated), ">=", 1.0)]
    mean = statistics.fmean(row["accuracy"] for row in rows)
    return {"name": name, "rows": rows, "mean accuracy": mean, "bars": bars}


def main() -> None:
    """Everything, or what is named, as JSON on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", default="0,1,2", help="of the fits, such as 0,1,2")
    parser.add_argument("--only", default="keywords,digits")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory() as name:
        made = {"keywords": keywords, "digits": digits}
        for each in options.only.split(","):
            print(json.dumps(made[each](Path(name), seeds), indent=1), flush=True)


if __name__ == "__main__":
    main()
