import json
from pathlib import Path

import pytest

from smidgen.bundle import Bundle
from smidgen.errors import DataError, UsageError
from smidgen.verbs import benchmark as module
from smidgen.verbs.benchmark import benchmark
from tests.compiler.boards import needs_boards


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATENCY_SECONDS", 0.0)


def test_every_form_with_size_metric_and_latency(proven_bundle: Bundle) -> None:
    found = benchmark(proven_bundle)
    (row,) = found.rows
    assert (row.form, row.file) == ("model.onnx", "model.onnx")
    assert row.file_bytes == (proven_bundle.path / "model.onnx").stat().st_size
    assert proven_bundle.evidence is not None
    assert row.metric == proven_bundle.evidence.find("accuracy")
    assert row.latency.value > 0
    header = found.text().splitlines()[0].split()
    assert header == ["form", "file", "accuracy", "latency"]
    assert json.loads(json.dumps(found.to_json()))["rows"][0]["form"] == "model.onnx"


def test_the_float_form_stands_beside_it_where_torch_is_installed(proven_bundle: Bundle) -> None:
    pytest.importorskip("torch")
    from safetensors.torch import save

    from smidgen.compiler.network import build

    network = build(proven_bundle.signal, proven_bundle.answer, "mlp", proven_bundle.manifest["size"])
    bundle = proven_bundle.add({"weights.safetensors": save(network.state_dict())})
    assert [row.form for row in benchmark(bundle).rows] == ["model.onnx", "float"]


def test_without_its_data_the_metric_is_left_out_and_said_why(proven_bundle: Bundle, pictures: Path) -> None:
    pictures.rename(pictures.with_name("moved"))
    found = benchmark(proven_bundle)
    assert found.rows[0].metric is None
    assert "not measured" in found.text()
    assert "cannot be read again" in found.text()
    assert benchmark(proven_bundle, str(pictures.with_name("moved"))).rows[0].metric is not None
    with pytest.raises(DataError):
        benchmark(proven_bundle, str(pictures))


@needs_boards
def test_on_a_device_it_runs_on_real_examples(proven_bundle: Bundle) -> None:
    found = benchmark(proven_bundle, device="cortex-m4")
    assert found.device is not None
    assert found.device.footprint.measured
    assert "On cortex-m4:" in found.text()
    assert "which it answers as it should" in found.text()
    assert json.loads(json.dumps(found.to_json()))["device"]["footprint"]["instructions"] > 100


def test_without_the_tools_for_a_device_it_says_so(proven_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    text = benchmark(proven_bundle, device="cortex-m4").text()
    assert "Not measured: Building for cortex-m4 needs arm-none-eabi-gcc" in text


def test_an_unknown_device_is_one_error(proven_bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="no device called 'abacus'"):
        benchmark(proven_bundle, device="abacus")
