from functools import cache

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from smidgen.answers.classes import Classes
from smidgen.compiler.cost import price
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import build, example
from smidgen.compiler.sketch import sketch
from smidgen.compression.quantize import quantize
from smidgen.runner import OnnxRunner
from smidgen.signals.audio import AudioSignal
from smidgen.targets.onnx import write

RAW = np.rint(np.random.default_rng(0).normal(size=(40, 4000)).cumsum(1) * 90).clip(-30000, 30000).astype(np.int16)
SIGNAL = AudioSignal(8000, 4000, 256, 128, 32).learn([RAW])
ANSWER = Classes(("a", "b", "c"))
NETWORK = build(SIGNAL, ANSWER, "dscnn", 900).eval()


@cache
def shipped(quantised: bool) -> tuple[nn.Module, bytes]:
    """The network in torch, and its file."""
    graph = quantize(NETWORK, torch.from_numpy(RAW)) if quantised else NETWORK
    return graph, write(graph, SIGNAL, ANSWER, {})


@pytest.mark.parametrize("quantised", [True, False])
def test_the_file_computes_what_torch_does_and_is_small(quantised: bool) -> None:
    graph, model = shipped(quantised)
    found = OnnxRunner(model, threads=1)({"sound": RAW})["probabilities"]
    with torch.no_grad():
        expected = ANSWER.head()(graph(torch.from_numpy(RAW))).numpy()
    np.testing.assert_allclose(found, expected, atol=0.01 if quantised else 1e-4)
    proto = onnx.load_model_from_string(model)
    onnx.checker.check_model(proto)
    assert {node.domain for node in proto.graph.node} <= {""}
    assert [opset.domain for opset in proto.opset_import] == [""]
    assert max(len(tensor.raw_data) for tensor in proto.graph.initializer) < 2000  # no filters, no waves


def test_its_price_is_that_of_the_file() -> None:
    file = read(shipped(True)[1])
    drawn = sketch(NETWORK, example(SIGNAL))
    assert [one.kind for one in drawn.operations] == [one.kind for one in file.operations][:-1]  # softmax
    learnt = sum(parameter.numel() for parameter in NETWORK.parameters())
    assert abs(price(NETWORK, example(SIGNAL)).parameters - learnt) < 0.2 * learnt
