"""The main job, end to end, on small digits and with very short training."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import smidgen
from smidgen import cli
from smidgen.bundle import Bundle
from smidgen.evidence import measure_latency, wilson
from smidgen.types import Candidate, Event
from smidgen.verbs.fit import Plan

QUICK = ["--epochs", "2", "--no-augment", "--no-distill"]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Short races and short timing: what is tested here is that all is done, not how well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("smidgen.search.plan.ROUND", 20)
        patch.setattr("smidgen.verbs._proof.measure_latency", lambda r, s: measure_latency(r, s, 0.0, 3))
        patch.setattr("smidgen.verbs.verify.LATENCY_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, list[Event]]:
    """The bundle of a race between two families, and what was heard of it."""
    heard: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("smidgen.tasks.image_classification.TASK", _two_families())
        out = tmp_path_factory.mktemp("fit") / "model"
        found = smidgen.fit("digits", out=out, params="1k", epochs=3, distill=False, progress=heard.append)
    assert isinstance(found, Bundle)
    return found, heard


def _two_families() -> smidgen.Task:
    from dataclasses import replace

    from smidgen.tasks.image_classification import TASK

    return replace(TASK, families=("cnn", "mlp"))


def test_the_bundle_is_whole(raced: tuple[Bundle, list[Event]]) -> None:
    bundle, _ = raced
    files = {path.name for path in bundle.path.iterdir()}
    assert files == {"bundle.json", "model.onnx", "weights.safetensors", "evidence.json", "report.html"}
    assert list(bundle.path.parent.iterdir()) == [bundle.path]  # no journal, no draft
    assert bundle.manifest["parameters"] <= 1000
    assert bundle.manifest["options"]["params"] == "1k"
    steps = [step["step"] for step in bundle.manifest["history"]]
    assert [step for step in steps if step in ("race", "augment", "quantize")] == ["race", "augment", "quantize"]
    report = (bundle.path / "report.html").read_text(encoding="utf-8")
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert "<script src" not in report


def test_candidates_are_on_record(raced: tuple[Bundle, list[Event]]) -> None:
    bundle, _ = raced
    record = next(step for step in bundle.manifest["history"] if step["step"] == "candidates")["candidates"]
    chosen = [candidate for candidate in record if candidate["chosen"]]
    assert [(one["family"], one["size"]) for one in chosen] == [(bundle.manifest["family"], bundle.manifest["size"])]
    assert {candidate["family"] for candidate in record} == {"cnn", "mlp"}
    assert all(candidate["fits"] or candidate["reason"] for candidate in record)
    assert all(candidate["metric"] is not None for candidate in record if candidate["fits"])


def test_the_evidence_is_measured_on_the_file_that_ships(raced: tuple[Bundle, list[Event]]) -> None:
    from smidgen.data.load import load

    bundle, _ = raced
    data, evidence = load("digits"), bundle.evidence
    assert evidence is not None
    claim = evidence.find("accuracy", "model.onnx")
    assert claim is not None
    images = data.test.inputs[np.arange(len(data.test))]
    correct = (bundle.runner()({"image": images})["probabilities"].argmax(1) == data.test.targets).sum()
    assert (claim.value, claim.n, claim.split) == (correct / len(data.test), len(data.test), "test")
    assert (claim.low, claim.high) == wilson(correct, len(data.test))
    assert evidence.data_fingerprint == data.fingerprint
    assert sum(map(sum, evidence.confusion)) == len(data.test)
    assert [score.name for score in evidence.per_class] == list("0123456789")
    names = {(m.name, m.form) for m in evidence.measures}
    assert {("file_bytes", "model.onnx"), ("parameters", "model.onnx"), ("macs", "model.onnx"),
            ("latency_ms", "model.onnx"), ("accuracy", "float")} <= names  # fmt: skip
    assert {m.name for m in evidence.comparison} == {"accuracy_difference", "agreement"}
    size = evidence.find("file_bytes")
    assert size is not None
    assert size.value == (bundle.path / "model.onnx").stat().st_size


def test_every_claim_holds(raced: tuple[Bundle, list[Event]]) -> None:
    found = smidgen.verify(raced[0])
    assert found.holds, found.text()
    assert {claim.verdict for claim in found.claims} == {"holds", "not judged"}


def test_progress_names_the_stages(raced: tuple[Bundle, list[Event]]) -> None:
    stages = list(dict.fromkeys(event.stage for event in raced[1]))
    for first, second in (("price candidates", "train"), ("train", "export"), ("export", "report")):
        assert stages.index(first) < stages.index(second)
    assert all(0 <= event.done <= event.total for event in raced[1])


def test_json_and_a_floor_that_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "model"
    given = ["fit", "digits", "--out", str(out), "--family", "mlp", "--size", "500", *QUICK, "--quiet"]
    assert cli.main([*given, "--floor", "accuracy=1", "--no-quantize"]) == 4
    text, error = capsys.readouterr()
    assert text == ""
    assert error.count("\n") == 1
    assert "misses the floor: accuracy is 0." in error
    assert str(out) in error
    assert Bundle.load(out).manifest["family"] == "mlp"
    assert cli.main([*given, "--json"]) == 0  # takes the place of the other
    found = json.loads(capsys.readouterr().out)
    assert found["options"]["floor"] == []
    assert {measure["name"] for measure in found["measures"]} >= {"accuracy", "agreement"}


def test_a_budget_that_nothing_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fit", "digits", "--out", str(tmp_path / "m"), "--flash", "10", "--quiet"]) == 4
    assert "more than the limit of 10" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_dry_run_trains_nothing_and_writes_nothing(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: Any, **__: Any) -> None:
        raise AssertionError("trained")

    monkeypatch.setattr("smidgen.search.fitting.Training", train)
    monkeypatch.chdir(tmp_path)
    given = ["fit", "digits", "--family", "cnn", "--params", "2k", "--dry-run", "--quiet"]
    assert cli.main(given + ["--json"] * as_json) == 0
    out = capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    if as_json:
        found = json.loads(out)
        assert found["options"]["params"] == "2k"
        assert all(candidate["family"] == "cnn" for candidate in found["candidates"])
    else:
        assert "params = 2k" in out
        assert "fits" in out


def test_a_plan_is_data(tmp_path: Path) -> None:
    found = smidgen.fit("digits", out=tmp_path / "m", family="mlp", size="700", dry_run=True)
    assert isinstance(found, Plan)
    (candidate,) = found.candidates
    assert isinstance(candidate, Candidate)
    assert candidate.fits
    assert 400 < candidate.cost.parameters <= 700


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--device", "cortex-m5", ("'cortex-m5'", "cortex-m4")),
        ("--family", "cnm", ("'cnm'", "cnn")),
        ("--optimizer", "adamx", ("'adamx'", "momentum")),
        ("--schedule", "steps", ("'steps'", "one-cycle")),
        ("--loss", "hinge", ("'hinge'", "cross-entropy")),
        ("--activation", "swoosh", ("'swoosh'", "relu")),
        ("--task", "image-clasification", ("'image-clasification'", "image-classification")),
        ("--size", "many", ("--size 'many'", "700")),
        ("--epochs", "0", ("--epochs must be above 0",)),
        ("--resolution", "2", ("resolution of 2",)),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(
    option: str, value: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fit", "digits", "--out", str(tmp_path / "m"), option, value, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words)
    assert list(tmp_path.iterdir()) == []
