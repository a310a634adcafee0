"""A bundle whose model tells dark from bright pictures, made without training."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from smidgen.answers.classes import Classes
from smidgen.bundle import Bundle, dump_json, save
from smidgen.data.load import load
from smidgen.evidence import Evidence, evaluate, exact, measure_latency
from smidgen.signals.image import ImageSignal

settings.register_profile("smidgen", deadline=None)  # no test depends on how fast the machine is
settings.load_profile("smidgen")

SIGNAL = ImageSignal(height=4, width=4, channels=1)
ANSWER = Classes(("bright", "dark"))
THRESHOLD = 128.0  # the mean pixel above which the model says bright


def write_image(path: Path, level: int) -> Path:
    """A flat grey PNG of 4x4 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), level, np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def tiny_model() -> bytes:
    """An ONNX file: uint8 (batch, 4, 4, 1) -> probabilities of bright and dark, by the mean pixel."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = np.repeat(np.array([[1.0, -1.0]], np.float32) / 16 / 10, 16, axis=0)
    bias = np.array([-THRESHOLD / 10, THRESHOLD / 10], np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=kinds.FLOAT),
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in (("weight", weight), ("bias", bias))]
    given = helper.make_tensor_value_info("image", kinds.UINT8, ["batch", *SIGNAL.input.shape])
    wanted = helper.make_tensor_value_info("probabilities", kinds.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "tiny", [given], [wanted], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture
def manifest() -> dict[str, Any]:
    """What `save` needs to know."""
    return {
        "task": "image-classification",
        "family": "mlp",
        "size": 100,
        "parameters": 34,
        "options": {"seed": 0},
        "signal": {"kind": "image", **SIGNAL.to_json()},
        "answer": {"kind": "classes", **ANSWER.to_json()},
        "data": {"source": "pictures", "fingerprint": "none"},
        "history": [{"step": "fit"}],
        "seeds": [0],
    }


@pytest.fixture
def tiny_bundle(tmp_path: Path, manifest: dict[str, Any], tiny_model: bytes) -> Bundle:
    """The bundle on disk, with a model and nothing else."""
    return save(tmp_path / "tiny", manifest, {"model.onnx": tiny_model})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Fifteen dark and fifteen bright pictures in folders by class; three are labelled wrongly."""
    folder = tmp_path / "pictures"
    for index in range(15):
        write_image(folder / "dark" / f"{index}.png", 200 if index == 7 else 5 + index)
        write_image(folder / "bright" / f"{index}.png", 50 + index if index in (3, 8) else 220 + index)
    return folder


@pytest.fixture
def proven_bundle(tmp_path: Path, pictures: Path, manifest: dict[str, Any], tiny_model: bytes) -> Bundle:
    """The bundle with its evidence, measured on the test part of `pictures`."""
    data = load(pictures)
    manifest["signal"].update(data.signal.to_json())
    manifest["data"] = {"source": str(pictures), "fingerprint": data.fingerprint}
    bundle = save(tmp_path / "proven", manifest, {"model.onnx": tiny_model})
    runner = bundle.runner(threads=1)
    found = evaluate(runner, data.test, bundle.signal, bundle.answer)
    size = exact("file_bytes", len(tiny_model), "bytes", "model.onnx")
    latency = measure_latency(runner, bundle.signal, seconds=0.0)
    measures = (*found.measures, size, latency)
    evidence = Evidence(measures, data.fingerprint, (0,), confusion=found.confusion, per_class=found.per_class)
    return bundle.add({"evidence.json": dump_json(evidence.to_json())})


@pytest.fixture
def forge() -> Callable[[Bundle, Mapping[str, Any]], Path]:
    """Change fields of a `bundle.json` behind smidgen's back."""

    def change(bundle: Bundle, fields: Mapping[str, Any]) -> Path:
        path = bundle.path / "bundle.json"
        path.write_bytes(dump_json({**json.loads(path.read_bytes()), **fields}))
        return bundle.path

    return change
