import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from smidgen.compression.quantize import quantize
from smidgen.runner import OnnxRunner
from smidgen.signals.image import ImageSignal
from smidgen.targets.onnx import inside, write
from tests.compiler.sample import FAMILIES, SIGNAL, classes, network, pixels

LABELS = json.dumps(["eins", "zwei", "drei"])

ALONE = """
import json, sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
given = session.get_inputs()[0]
assert (given.type, given.shape[1:]) == ("tensor(uint8)", [8, 8, 1])
for batch in (1, 2, 9):
    images = np.random.default_rng(0).integers(0, 256, (batch, 8, 8, 1), np.uint8)
    (probabilities,) = session.run(None, {given.name: images})
    assert probabilities.shape == (batch, len(labels))
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
assert not {"smidgen", "torch", "onnx"} & set(sys.modules)
print(labels)
"""


@pytest.fixture(scope="module")
def shipped() -> bytes:
    """A quantised network in a file."""
    graph = quantize(network("resnet"), torch.from_numpy(pixels(64)))
    return write(graph, SIGNAL, classes(), {"labels": LABELS, "task": "image-classification"})


def test_the_file_runs_with_onnxruntime_alone(shipped: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(shipped)
    command = [sys.executable, "-c", ALONE, str(tmp_path / "model.onnx")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (result.returncode, result.stdout.strip()) == (0, "['eins', 'zwei', 'drei']"), result.stderr


def test_the_file_is_valid_and_says_nothing_of_where_it_was_made(shipped: bytes) -> None:
    model = onnx.load_model_from_string(shipped)
    onnx.checker.check_model(model, full_check=True)
    assert model.producer_name == "smidgen"
    assert {entry.key for entry in model.metadata_props} == {"labels", "task"}
    assert not re.search(rb"torch|pkg\.|site-packages|pytest|/home/|[.]py[:\"]|frontend|body", shipped)


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (write(network("mlp"), SIGNAL, classes(), {}) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("family", [*FAMILIES, "article-cnn"])
def test_a_float_file_computes_what_the_network_computes(family: str) -> None:
    signal = ImageSignal(22, 25, 3, 101, 1 / 70, shrink=2)
    trained, raw = network(family, signal), pixels(9, signal)
    found = OnnxRunner(write(trained, signal, classes(), {}), threads=1)({"image": raw})["probabilities"]
    with torch.no_grad():
        np.testing.assert_allclose(found, trained.answers(torch.from_numpy(raw)).numpy(), atol=1e-4)


def test_an_example_alone_is_answered_as_in_a_batch(shipped: bytes) -> None:
    run, raw = OnnxRunner(shipped, threads=1), pixels(6)
    whole = run({"image": raw})["probabilities"]
    alone = np.concatenate([run({"image": raw[i : i + 1]})["probabilities"] for i in range(6)])
    np.testing.assert_array_equal(alone, whole)


def test_the_values_inside_come_in_order_of_execution(shipped: bytes) -> None:
    found = inside(shipped, pixels(3))
    assert [len(value) for value in found] == [3] * len(found)
    areas = [value[0, 0].size for value in found if value.ndim == 4]
    assert areas == sorted(areas, reverse=True)
    assert found[-1].ndim == 2 or found[-1].shape[2:] == (1, 1)
