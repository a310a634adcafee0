"""Recurrent families on sequences, maps and bytes; what their layers compute is tested in tests/compiler."""

from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from smidgen import registry
from smidgen.compiler.cost import price, shipped
from smidgen.compiler.network import Answering, build, example
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported
from smidgen.families._layers import parameters
from smidgen.families._recurrent import MOST_STEPS, Greatest
from smidgen.runner import OnnxRunner
from smidgen.signals.audio import AudioSignal
from smidgen.signals.image import ImageSignal
from smidgen.signals.series import SeriesSignal
from smidgen.signals.text import TextSignal
from smidgen.targets.onnx import write
from smidgen.types import Signal
from tests.compiler.sample import classes

CELLS = {"rnn": (nn.RNN, False), "gru": (nn.GRU, False), "lstm": (nn.LSTM, False), "bigru": (nn.GRU, True)}
SIGNALS: dict[str, Signal] = {
    "long": SeriesSignal(2048, ("x",)),
    "many": SeriesSignal(600, tuple("abcdefgh")),
    "short": SeriesSignal(5, ("x", "y")),
    "sound": AudioSignal(8000, 8000, 256, 128, mels=32),
    "map": ImageSignal(9, 30, 3),
    "text": TextSignal(160),
}


def family(name: str) -> ModuleType:
    return registry.find("families", name)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", CELLS)
def test_the_dial_is_in_parameters_and_the_sequence_is_short(name: str, signal: str) -> None:
    features, made = SIGNALS[signal], []
    for size in (2000, 12_000, 60_000):
        network = family(name).build(features, classes(4), size).eval()
        made.append(parameters(network))
        if made[-1] <= size:
            assert made[-1] >= 0.6 * size
    assert made == sorted(made)
    assert made[1] <= 12_000
    kind, both = CELLS[name]
    (layer,) = [module for module in network.modules() if isinstance(module, Greatest)]
    assert isinstance(layer.cell, kind)
    assert layer.cell.bidirectional == both
    seen: list[torch.Size] = []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    raw = torch.zeros(2, *features.feature_shape, dtype=torch.uint8 if signal == "text" else torch.float32)
    assert network(raw).shape == (2, 4)
    assert seen[0][3] <= MOST_STEPS


@pytest.mark.parametrize(("name", "signal"), [("gru", "sound"), ("bigru", "text")])
def test_the_integer_file_and_its_price_are_those_of_the_network(name: str, signal: str) -> None:
    features, answer, dice = SIGNALS[signal], classes(4), np.random.default_rng(0)
    made, spec = build(features, answer, name, 3000).eval(), features.input
    wave = dice.normal(size=(64, *spec.shape)).cumsum(1) * (100 if signal == "sound" else 1)
    raw = dice.integers(1, 256, wave.shape).astype(np.uint8) if signal == "text" else wave.astype(spec.dtype)
    graph = quantize(made, torch.from_numpy(raw))
    model = write(graph, features, answer, {})
    found = OnnxRunner(model, threads=1)({spec.name: raw})["probabilities"]
    with torch.no_grad():
        simulated = graph(torch.from_numpy(raw)).softmax(1).numpy()
    assert np.median(np.abs(found - simulated).max(1)) < 1e-4
    assert np.abs(found - simulated).max() < 0.02
    before, after = price(Answering(made, answer.head()), example(features)), shipped(model)
    assert abs(before.ram_bytes - after.ram_bytes) <= 0.1 * after.ram_bytes
    assert abs(before.flash_bytes - after.flash_bytes) <= 0.1 * after.flash_bytes


@pytest.mark.parametrize("name", CELLS)
def test_every_step_counts(name: str) -> None:
    network = family(name).build(SIGNALS["short"], classes(4), 3000).eval()
    x = torch.randn(1, 2, 5, requires_grad=True)
    network(x).square().sum().backward()
    assert x.grad is not None
    assert bool((x.grad.abs().sum((0, 1)) > 0).all())


def test_rows_of_a_table_are_no_sequence() -> None:
    class Flat(SeriesSignal):
        feature_shape = (7,)

    with pytest.raises(Unsupported, match="sequences"):
        family("gru").build(Flat(7, ("x",)), classes(2), 3000)
