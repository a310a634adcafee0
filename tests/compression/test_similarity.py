import numpy as np
import torch

from smidgen.compression._similarity import similarity
from smidgen.compression.quantize import quantize, rounded_names
from smidgen.targets.onnx import write
from tests.compiler.sample import SIGNAL, classes, network, pixels

RAW = pixels(48)


def test_every_layer_of_an_eight_bit_network_is_like_the_trained_one() -> None:
    trained = network("resnet")
    graph = quantize(trained, torch.from_numpy(RAW))
    rows = similarity(trained, graph, write(graph, SIGNAL, classes(), {}), RAW)
    assert [row.layer for row in rows] == rounded_names(graph)
    assert min(row.cosine for row in rows) > 0.995
    assert min(row.sqnr_db for row in rows) > 20


def test_a_layer_that_departs_is_found() -> None:
    trained = network("cnn")
    graph = quantize(trained, torch.from_numpy(RAW))
    good = similarity(trained, graph, write(graph, SIGNAL, classes(), {}), RAW)
    with torch.no_grad():
        graph.get_submodule("layer_1").weight.neg_()  # type: ignore[operator]
    bad = similarity(trained, graph, write(graph, SIGNAL, classes(), {}), RAW)
    fell = np.array([row.sqnr_db for row in good]) - np.array([row.sqnr_db for row in bad])
    assert fell[0] == 0
    assert fell.max() > 10
