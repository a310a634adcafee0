import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smidgen.bundle import Bundle, dump_json
from smidgen.errors import BundleError, DataError
from smidgen.evidence import Evidence, exact
from smidgen.types import Measure
from smidgen.verbs import verify as module
from smidgen.verbs.verify import verify


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATENCY_SECONDS", 0.0)


def with_evidence(bundle: Bundle, **changes: Any) -> Bundle:
    """The bundle with evidence that was tampered with, and hashes that match it."""
    assert bundle.evidence is not None
    return bundle.add({"evidence.json": dump_json(replace(bundle.evidence, **changes).to_json())})


def changed(bundle: Bundle, name: str, **changes: float) -> tuple[Measure, ...]:
    assert bundle.evidence is not None
    return tuple(replace(m, **changes) if m.name == name else m for m in bundle.evidence.measures)  # type: ignore[arg-type]


def verdicts(bundle: Bundle) -> dict[str, str]:
    return {claim.name: claim.verdict for claim in verify(bundle).claims}


def test_an_honest_bundle_holds(proven_bundle: Bundle) -> None:
    found = verify(proven_bundle)
    assert {claim.name: claim.verdict for claim in found.claims} == {
        "data": "holds",
        "confusion": "holds",
        "per_class": "holds",
        "accuracy": "holds",
        "auc": "holds",
        "f1": "holds",
        "sensitivity": "holds",
        "specificity": "holds",
        "calibration_error": "holds",
        "file_bytes": "holds",
        "latency_ms": "not judged",
    }
    assert found.holds
    assert found.exit_code == 0
    assert found.text().endswith("All 10 claims that were judged hold")
    assert json.loads(json.dumps(found.to_json()))["holds"] is True


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("accuracy", lambda b: {"measures": changed(b, "accuracy", value=1.0)}),
        ("accuracy", lambda b: {"measures": changed(b, "accuracy", low=0.9)}),
        ("accuracy", lambda b: {"measures": changed(b, "accuracy", n=10_000)}),
        ("file_bytes", lambda b: {"measures": changed(b, "file_bytes", value=1.0, low=1.0, high=1.0)}),
        ("confusion", lambda _: {"confusion": ((3, 0), (0, 3))}),
        ("confusion", lambda _: {"confusion": ((3,),)}),
        ("per_class", lambda b: {"per_class": b.evidence.per_class[:1]}),
        ("data", lambda _: {"data_fingerprint": "0" * 64}),
    ],
)
def test_each_claim_that_does_not_hold_is_named(
    proven_bundle: Bundle, name: str, tamper: Callable[[Bundle], dict[str, Any]]
) -> None:
    found = verify(with_evidence(proven_bundle, **tamper(proven_bundle)))
    assert [claim.name for claim in found.claims if claim.verdict == "FAILS"] == [name]
    assert found.exit_code == 6
    assert found.text().endswith("1 claim of 11 FAIL")


def test_one_byte_more_is_seen_in_the_text(proven_bundle: Bundle) -> None:
    size = (proven_bundle.path / "model.onnx").stat().st_size
    measures = changed(proven_bundle, "file_bytes", value=float(size + 1))
    lines = verify(with_evidence(proven_bundle, measures=measures)).text().splitlines()
    (line,) = (line.split() for line in lines if line.startswith("file_bytes"))
    assert line == ["file_bytes", "model.onnx", f"{size + 1}", "bytes", f"{size}", "bytes", "FAILS"]


def test_latency_is_not_judged(proven_bundle: Bundle) -> None:
    measures = changed(proven_bundle, "latency_ms", value=1e6)
    assert verdicts(with_evidence(proven_bundle, measures=measures))["latency_ms"] == "not judged"


def test_what_cannot_be_measured_here_is_said(proven_bundle: Bundle) -> None:
    cycles = exact("cycles", 1000, "count", "model.c")
    found = verify(with_evidence(proven_bundle, comparison=(cycles,)))
    assert found.claims[-1].verdict == "not measured"
    assert "1 could not be measured" in found.text()
    assert found.holds


def test_data_that_moved_and_data_that_changed(proven_bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    pictures.rename(tmp_path / "moved")
    with pytest.raises(DataError, match="--data"):
        verify(proven_bundle)
    assert verify(proven_bundle, str(tmp_path / "moved")).holds
    (tmp_path / "moved" / "dark" / "1.png").unlink()
    with pytest.raises(DataError, match="fingerprint differs"):
        verify(proven_bundle, str(tmp_path / "moved"))


def test_a_changed_model_is_not_even_run(proven_bundle: Bundle) -> None:
    path = proven_bundle.path / "model.onnx"
    shutil.copy(path, path.with_suffix(".bak"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="has changed"):
        verify(proven_bundle)


def test_no_evidence_is_an_error(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="nothing to verify"):
        verify(tiny_bundle)


def test_the_float_form_and_its_costs_are_verified_where_torch_is_installed(proven_bundle: Bundle) -> None:
    pytest.importorskip("torch")
    from safetensors.torch import save as as_safetensors

    from smidgen.compiler.cost import shipped
    from smidgen.compiler.network import build

    network = build(proven_bundle.signal, proven_bundle.answer, "mlp", proven_bundle.manifest["size"], seed=3)
    weights = as_safetensors({name: value.contiguous() for name, value in network.state_dict().items()})
    cost = shipped((proven_bundle.path / "model.onnx").read_bytes())
    claims = (
        exact("flash_bytes", cost.flash_bytes, "bytes", "model.onnx"),
        exact("file_bytes", len(weights), "bytes", "float"),
        exact("macs", cost.macs + 1, "count", "model.onnx"),
    )
    bundle = with_evidence(proven_bundle.add({"weights.safetensors": weights}), comparison=claims)
    found = {(claim.name, claim.form): claim.verdict for claim in verify(bundle).claims}
    assert found["flash_bytes", "model.onnx"] == "holds"
    assert found["file_bytes", "float"] == "holds"
    assert found["macs", "model.onnx"] == "FAILS"
    with pytest.raises(BundleError, match="does not fit a mlp"):
        verify(bundle.add({"weights.safetensors": b"not weights"}))


def test_evidence_is_what_was_written(proven_bundle: Bundle) -> None:
    assert isinstance(proven_bundle.evidence, Evidence)
    assert Bundle.load(proven_bundle.path).evidence == proven_bundle.evidence
