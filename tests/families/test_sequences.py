"""Families of sequences on what a series gives."""

import numpy as np
import onnxruntime
import pytest
import torch

from smidgen import registry
from smidgen.compiler.cost import price
from smidgen.compiler.graph import capture
from smidgen.compiler.integer import quantizers
from smidgen.compiler.network import build, example
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported
from smidgen.families._layers import parameters
from smidgen.signals.image import ImageSignal
from smidgen.signals.series import SeriesSignal
from smidgen.targets.onnx import write
from tests.compiler.sample import classes
from tests.signals.sample import values

FAMILIES = ("filters", "tcn")
SHAPES = [(1, 2048), (18, 60), (3, 24), (2, 5)]


def signal(channels: int, window: int, horizon: int = 0) -> SeriesSignal:
    dice = np.random.default_rng(0)
    values = dice.normal(0, 1, (64, window, channels)) * 10 ** np.arange(channels) + 500 * np.arange(channels)
    made = SeriesSignal(window, tuple(map(str, range(channels))), horizon=horizon, ahead=(0,) if horizon else ())
    return made.learn([values.astype(np.float32)])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("channels", "window"), SHAPES)
def test_the_dial_is_in_parameters(family: str, channels: int, window: int) -> None:
    module, features, answer = registry.find("families", family), SeriesSignal(window, ("x",) * channels), values()
    found = [parameters(module.build(features, answer, size)) for size in (500, 1000, 4000, 20_000)]
    assert found == sorted(found)
    assert all(0.6 * size <= count <= size for size, count in zip((4000, 20_000), found[2:], strict=True))
    network = module.build(features, answer, 4000).eval()
    assert network(torch.zeros(2, *features.feature_shape)).shape == (2, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_maps_are_read_along_their_width_and_rows_not_at_all(family: str) -> None:
    module = registry.find("families", family)
    network = module.build(ImageSignal(8, 28, 1), classes(2), 3000).eval()
    assert network(torch.zeros(2, 1, 8, 28)).shape == (2, 2)

    class Flat(SeriesSignal):
        feature_shape = (7,)

    with pytest.raises(Unsupported, match="sequences"):
        module.build(Flat(7, ("x",)), classes(2), 3000)


@pytest.mark.parametrize("horizon", [0, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_integer_file_answers_as_the_network_whatever_the_units(family: str, horizon: int) -> None:
    features = signal(3, 24, horizon)
    answer = values(max(1, horizon), 1.0, 2.0)
    torch.manual_seed(0)
    network = build(features, answer, family, 2000)
    raw = torch.randn(64, 24, 3) * torch.tensor([1.0, 10.0, 100.0]) + torch.tensor([0.0, 500.0, 1000.0])
    network(raw)  # normalisation sees some data
    network.eval()
    graph = quantize(network, raw)
    with torch.no_grad():
        wanted, rounded = (answer.head()(form(raw)).numpy() for form in (network, graph))
    session = onnxruntime.InferenceSession(write(graph, features, answer, {}), providers=["CPUExecutionProvider"])
    (told,) = session.run(None, {"series": raw.numpy()})
    assert np.abs(told - rounded).max() <= 0.02 * wanted.std()
    assert np.abs(told - wanted).mean() <= 0.1 * wanted.std()


def test_raw_values_are_rounded_only_once_they_are_standardised() -> None:
    network, features = build(signal(3, 24), values(), "tcn", 2000), signal(3, 24)
    names = [node.args[0].target for node, _ in quantizers(quantize(network, example(features, 4)))]  # type: ignore[union-attr]
    assert torch.ops.aten.sub.Tensor not in names
    assert torch.ops.aten.mul.Tensor not in names
    assert any(node.target == torch.ops.aten.sub.Tensor for node in capture(network, example(features)).graph.nodes)


@pytest.mark.parametrize("horizon", [0, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_untrained_network_has_a_price(family: str, horizon: int) -> None:
    features, answer = signal(3, 24, horizon), values(max(1, horizon))
    cost = price(build(features, answer, family, 2000), example(features))
    assert 1000 < cost.parameters < 2500
    assert cost.ram_bytes >= 4 * 3 * 24
