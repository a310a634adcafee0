"""Whole fits through the command line, one for each seed: accuracy, size and time of what ships."""

import json
import statistics
from pathlib import Path
from typing import Any

from process import measure, smidgen
from record import Bar, Row

MODEL = "model.onnx"
SMALLEST = ("--device", "cortex-m0", "--flash", "16KB", "--ram", "4KB")


def fit(source: str, seed: int, folder: Path, *options: str) -> Row:
    """Fit, then verify: one row of what the bundle claims and what the commands took."""
    bundle = folder / f"seed-{seed}"
    fitted = measure([smidgen(), "fit", source, "--seed", str(seed), "--out", bundle, *options])
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))
    verified = measure([smidgen(), "verify", bundle, "--json", "--quiet"], 6)
    shipped, trained = _measure(evidence, "accuracy", MODEL), _measure(evidence, "accuracy", "float")
    return {
        "seed": seed,
        "data": evidence["data_fingerprint"][:12],
        "accuracy": shipped["value"],
        "low": shipped["low"],
        "high": shipped["high"],
        "test examples": shipped["n"],
        "float accuracy": trained["value"],
        "file bytes": int(_measure(evidence, "file_bytes", MODEL)["value"]),
        "parameters": int(_measure(evidence, "parameters", MODEL)["value"]),
        "fit seconds": round(fitted.seconds, 1),
        "peak MB": fitted.megabytes,
        "verified": bool(json.loads(verified.output)["holds"]),
    }


def firmware(bundle: Path) -> Row:
    """What the firmware of a bundle takes, built and run in an emulator."""
    found = json.loads(measure([smidgen(), "compile", bundle, "--device", "cortex-m0", "--json", "--quiet"]).output)
    taken = found["fits"][0]["footprint"]
    names = {"flash bytes": "flash_bytes", "RAM bytes": "ram_bytes", "instructions": "instructions"}
    return {title: taken[name] for title, name in names.items()} | {"measured": taken["measured"]}


def summary(rows: list[Row]) -> Row:
    """Mean and spread over the seeds, and the worst of what has an upper limit."""
    accuracies = [row["accuracy"] for row in rows]
    return {
        "seeds": len(rows),
        "mean accuracy": statistics.fmean(accuracies),
        "standard deviation": statistics.stdev(accuracies) if len(rows) > 1 else 0.0,
        "worst accuracy": min(accuracies),
        "largest file bytes": max(row["file bytes"] for row in rows),
        "longest fit seconds": max(row["fit seconds"] for row in rows),
        "most peak MB": max(row["peak MB"] for row in rows),
    }


def proof(rows: list[Row]) -> list[Bar]:
    """What holds for every one of these: the whole test part, enough seeds, and claims that verify."""
    return [
        Bar("test examples", min(row["test examples"] for row in rows), 10_000),
        Bar("seeds", len(rows), 3),
        Bar("bundles that verify", sum(row["verified"] for row in rows), len(rows)),
    ]


def _measure(evidence: dict[str, Any], name: str, form: str) -> dict[str, Any]:
    return next(one for one in evidence["measures"] if (one["name"], one["form"]) == (name, form))
