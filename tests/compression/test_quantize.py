"""The central property: the simulated network and the file that onnxruntime runs decide alike."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from smidgen.compiler.integer import QuantizedLayer, quantizers
from smidgen.compression.quantize import quantize, rounded_names
from smidgen.families._layers import ACTIVATIONS
from smidgen.runner import OnnxRunner
from smidgen.signals.image import ImageSignal
from smidgen.targets.onnx import write
from smidgen.types import Array
from tests.compiler.sample import FAMILIES, SIGNAL, classes, digits, network, pixels, seen_in, taught

TIE = 1e-4  # of probability between the two likeliest classes: it may fall either way


def answers(graph: torch.nn.Module, raw: Array) -> Array:
    """Probabilities of a torch network."""
    with torch.no_grad():
        found: Array = graph(torch.from_numpy(raw)).softmax(1).numpy()
    return found


def agree(simulated: Array, shipped: Array, tie: float = TIE) -> None:
    """Both decide alike, but for ties, and hardly ever differ by a rounding."""
    ranked = np.sort(simulated, axis=1)
    sure = ranked[:, -1] - ranked[:, -2] > tie
    assert sure.mean() > 0.8
    np.testing.assert_array_equal(simulated[sure].argmax(1), shipped[sure].argmax(1))
    assert np.median(np.abs(simulated - shipped).max(1)) < tie


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_decides_as_its_simulation(family: str, activation: str, tmp_path: Path) -> None:
    answer, train = classes(10), digits().train
    real = train.inputs[np.arange(300)]
    trained = taught(network(family, answer=answer, activation=activation), real, train.targets[:300])
    graph = quantize(trained, torch.from_numpy(real))
    model = write(graph, SIGNAL, answer, {})
    run = OnnxRunner(model, threads=1)
    for raw in (digits().validation.inputs[np.arange(200)], pixels(200, seed=1)):
        agree(answers(graph, raw), run({"image": raw})["probabilities"])
    if activation == "relu":  # every layer in integers
        found = operations(model, tmp_path)
        assert found & {"QLinearConv", "QGemm"}
        assert found.isdisjoint({"Conv", "Gemm", "MatMul", "FusedConv", "FusedGemm"})


@pytest.mark.parametrize(
    ("family", "signal", "count", "tie"),
    [
        # Averages of the sensor's integers often lie halfway between two levels, where both round as they like.
        ("cnn", ImageSignal(21, 34, 3, 111, 1 / 70, shrink=2), 2, 0.1),
        ("mlp", ImageSignal(9, 7, 3, 255, 1 / 50), 3, 0.1),
        ("dscnn", ImageSignal(16, 16, 1, 0, 1 / 40, shrink=2), 2, TIE),
        ("resnet", ImageSignal(17, 12, 3, 100, 1 / 60), 30, TIE),
        ("article-cnn", ImageSignal(10, 10, 1, 30, 1 / 80), 10, TIE),
    ],
)
def test_other_sensors_and_other_answers(family: str, signal: ImageSignal, count: int, tie: float) -> None:
    answer, known, raw = classes(count), pixels(200, signal), pixels(200, signal, seed=1)
    trained = taught(network(family, signal, answer, size=2000), known, seen_in(known, count))
    graph = quantize(trained, torch.from_numpy(known))
    run = OnnxRunner(write(graph, signal, answer, {}), threads=1)
    agree(answers(graph, raw), run({"image": raw})["probabilities"], tie)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_eight_bit_integers_and_nothing_is_lost(family: str) -> None:
    trained, raw = network(family), torch.from_numpy(pixels(64))
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    graph = quantize(trained, raw)
    layers = [module for module in graph.modules() if isinstance(module, QuantizedLayer)]
    assert layers
    for layer in layers:
        codes = layer.codes()
        assert torch.equal(codes, codes.round())
        assert 64 <= int(codes.abs().max()) <= 127
    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items())
    exact, rounded = trained(raw).detach(), graph(raw).detach()
    assert float((exact - rounded).square().mean() / exact.square().mean()) < 0.02


def test_fewer_bits_round_more() -> None:
    trained, raw = network("cnn"), torch.from_numpy(pixels(64))
    with torch.no_grad():
        errors = [float((quantize(trained, raw, bits)(raw) - trained(raw)).square().mean()) for bits in (8, 4, 2)]
    assert errors[0] < errors[1] < errors[2]


def test_every_rounding_knows_its_value_in_the_float_network() -> None:
    graph = quantize(network("resnet"), torch.from_numpy(pixels(64)))
    names = rounded_names(graph)
    assert len(names) == len(set(names)) == len(list(quantizers(graph)))


def test_a_quantised_network_can_be_trained() -> None:
    raw = torch.from_numpy(pixels(64))
    graph = quantize(network("resnet"), raw)
    graph(raw).square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in graph.named_parameters() if "." in name}
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients.values())
    assert {name.rpartition(".")[2] for name in gradients} == {"weight", "bias", "log_scale"}


def operations(model: bytes, folder: Path) -> set[str]:
    """What is in a file after onnxruntime has optimised it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return {node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node}
