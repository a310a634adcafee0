"""Facts of three made-up models: everything known, next to nothing known, and every name hostile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smidgen.budget import Budget
from smidgen.compression._similarity import Similarity
from smidgen.evidence import Evidence, class_scores, confusion_matrix, exact, fraction, paired_difference
from smidgen.report.facts import Facts, Mistake
from smidgen.types import Array, Candidate, Cost, CurvePoint, DataReport, Measure, TensorSpec

NAMES = tuple("0123456789")
HOSTILE = "<script>alert('x')</script>\" onload=\"x\x1b[31m\u202egnp\udcff{{ 7*7 }}" + "long" * 300


def evidence(names: tuple[str, ...] = NAMES, n: int = 10_000, wrong: int = 63) -> Evidence:
    """What a model with `wrong` mistakes in `n` examples would measure, its float form four fewer."""
    random = np.random.default_rng(0)
    target = np.arange(n) % len(names)
    decided = target.copy()
    decided[random.choice(n, wrong, replace=False)] = random.integers(0, len(names), wrong)
    decided[:5] = (target[:5] + 1) % len(names)  # the same mistake of the first class, if it is the only one
    right = np.asarray(decided == target, np.float64)
    before = right.copy()
    before[np.flatnonzero(right == 0)[:4]] = 1
    difference, low, high = paired_difference(before, right)
    confusion = confusion_matrix(target, decided, len(names))
    form = "model.onnx"
    return Evidence(
        measures=(
            fraction("accuracy", right, "test", form, "smidgen evaluate digits"),
            fraction("accuracy", before, "test", "float", "smidgen evaluate digits"),
            exact("file_bytes", 42_218, "bytes", form),
            exact("parameters", 31_402, "count", form),
            exact("macs", 1_204_880, "count", form),
            exact("ram_bytes", 18_432, "bytes", form),
            Measure("latency_ms", 0.214, 0.2, 0.31, 412, "ms", "", form, "median", "smidgen benchmark digits"),
            Measure("calibration_error", 0.0031, 0.0031, 0.0031, n, "fraction", "test", form, "15 bins", "smidgen"),
        ),
        data_fingerprint="sha256:5f1e0c77",
        seeds=(0,),
        comparison=(
            Measure("accuracy_difference", difference, low, high, n, "fraction", "test", "both", "Newcombe", "smidgen"),
            fraction("agreement", np.asarray(before == right, np.float64), "test", "both", "smidgen verify digits"),
        ),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        per_class=class_scores(confusion, names),
        host={"cpu": "a processor", "cores": 2},
        created="2025-01-01T00:00:00+00:00",
    )


def picture(seed: int, height: int = 28, width: int = 28, channels: int = 1) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def data_report(names: tuple[str, ...] = NAMES) -> DataReport:
    parts = {"train": 5400, "validation": 600, "test": 1000}
    return DataReport(
        source="mnist",
        layout="idx",
        task="image-classification",
        why="it holds images and a label for each",
        classes=names,
        counts={part: dict.fromkeys(names, count) for part, count in parts.items()},
        sizes={"28x28x1": 70_000},
        split="given train and test parts; validation: 10 % of train, stratified",
        exact_duplicates=2,
        crossing_duplicates=[("test-17", "train-4")],
        near_duplicates=[("test-18", "train-5")],
        suspect_labels=[("train-99", names[0], names[1])],
        skipped=[("broken.png", "truncated")],
        warnings=["Class 5 has half as many examples as class 1."],
        totals={"near_duplicates": 31},
    )


def candidates() -> list[Candidate]:
    tried = [
        Candidate(
            family,
            size,
            Cost(size, size + 4000, size // 3, size * 40, "bytes of the exported weights"),
            fits=size < 60_000,
            reason="" if size < 60_000 else f"needs {size + 4000:,} bytes of flash, more than the limit of 64,000",
            epochs=3.0 if size < 60_000 else 0.0,
            metric=0.994 - 12 / size - 0.002 * (family == "mlp") if size < 60_000 else None,
            seconds=12.0 if size < 60_000 else 0.0,
        )
        for family in ("cnn", "dscnn", "resnet", "mlp")
        for size in (1_000, 4_000, 12_000, 31_402, 90_000)
    ]
    return [replace(each, chosen=each.family == "cnn" and each.size == 31_402) for each in tried]


def curves() -> list[CurvePoint]:
    stages = {"train": 30, "distil": 12, "int8-aware": 4}
    return [
        CurvePoint(stage, epoch, epoch * 4.0, 2 / (1 + epoch * (3 + index)), 0.995 - 0.1 / (epoch + index * 9), 0.01)
        for index, (stage, epochs) in enumerate(stages.items())
        for epoch in range(1, epochs + 1)
    ]


@pytest.fixture
def full() -> Facts:
    return Facts(
        name="digits",
        task="image-classification",
        evidence=evidence(),
        noun="images",
        bundle="my digits",
        command="smidgen fit mnist --device cortex-m4 --out 'my digits'",
        family="cnn",
        size=31_402,
        options={"epochs": 30, "optimizer": "adamw"},
        versions={"smidgen": "0.1.0"},
        history=["Trained for 30 epochs.", "Quantised to int8."],
        input=TensorSpec("image", "uint8", (28, 28, 1)),
        output=TensorSpec("probabilities", "float32", (10,)),
        device="cortex-m4",
        budget=Budget(1 << 20, 1 << 17, 100_000, {"accuracy": 0.99}),
        data=data_report(),
        curves=curves(),
        candidates=candidates(),
        mistakes=[Mistake(f"test-{seed}", picture(seed), "4", "9", 0.71) for seed in range(8)],
        parts=[("conv1", 2_048), ("conv2", 18_432), ("dense", 16_384)],
        layers=[Similarity("conv1", 41.2, 0.99996), Similarity("conv2", 33.0, 0.99975)],
    )


@pytest.fixture
def minimal() -> Facts:
    return Facts("m", "image-classification", Evidence((), "", (), host={}, created=""))


@pytest.fixture
def hostile(full: Facts) -> Facts:
    """Two hundred classes; wherever a name comes from outside, it is `HOSTILE`."""
    names = tuple(f"{index}{HOSTILE}" for index in range(200))
    report = replace(data_report(names), source=HOSTILE)
    bad = [(HOSTILE, HOSTILE, HOSTILE)] * 1000
    pairs = [(HOSTILE, HOSTILE)] * 1000
    return replace(
        full,
        name=HOSTILE,
        task=HOSTILE,
        evidence=replace(evidence(names, 2000, 900), host={HOSTILE: HOSTILE}, data_fingerprint=HOSTILE),
        bundle=HOSTILE,
        command=HOSTILE,
        family=HOSTILE,
        options={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        history=[HOSTILE],
        input=TensorSpec(HOSTILE, "uint8", (9, 9, 2)),
        device=HOSTILE,
        data=replace(report, suspect_labels=bad, skipped=pairs, near_duplicates=pairs, warnings=[HOSTILE]),
        curves=[replace(point, stage=point.stage + HOSTILE) for point in full.curves],
        candidates=[replace(each, family=each.family + HOSTILE, reason=HOSTILE) for each in candidates() * 50],
        mistakes=[Mistake(HOSTILE, picture(n, 200, 300, 3), HOSTILE, HOSTILE, float("nan")) for n in range(100)],
        parts=[(HOSTILE, 5)] * 300,
        layers=[Similarity(HOSTILE, float("inf"), float("nan"))] * 300,
    )
