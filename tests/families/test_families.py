"""Properties that every family has; what differs between them is tested in their own cost and shape here."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from smidgen import registry
from smidgen.errors import DataError, UsageError
from smidgen.families._layers import ACTIVATIONS, activate, channels, largest, parameters
from smidgen.signals.image import ImageSignal
from tests.compiler.sample import FAMILIES, classes

ELSEWHERE = {  # families for other signals than images: their test file
    **dict.fromkeys(("rnn", "gru", "lstm", "bigru"), "test_rnn"),
    **dict.fromkeys(("tcn", "filters"), "test_sequences"),
    **dict.fromkeys(("autoencoder", "principal"), "test_anomaly_families"),
    **dict.fromkeys(("linear", "student"), "test_rows"),
    **dict.fromkeys(("ngrams",), "test_ngrams"),
    **dict.fromkeys(("textcnn", "transformer"), "test_textcnn"),
    **dict.fromkeys(("factors",), "test_factors"),
}
SIDES = [(8, 8), (28, 28), (33, 47), (64, 64)]


def family(name: str) -> ModuleType:
    return registry.find("families", name)


def test_all_families_are_tested() -> None:
    elsewhere = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    others = set(registry.names("families")) - {*FAMILIES, "article-cnn"}
    tested = {name for name, file in ELSEWHERE.items() if file in elsewhere}
    assert others == tested


@pytest.mark.parametrize("name", FAMILIES)
@given(side=st.sampled_from(SIDES), depth=st.sampled_from([1, 3]), share=st.floats(0, 1))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_dial_is_in_parameters(name: str, side: tuple[int, int], depth: int, share: float) -> None:
    module, signal, answer = family(name), ImageSignal(*side, depth), classes(10)
    size = round(module.SMALLEST * (200_000 / module.SMALLEST) ** share)
    narrowest, found = (parameters(module.build(signal, answer, n)) for n in (0, size))
    assert found <= max(size, narrowest)
    if narrowest <= 0.6 * size:
        assert found >= 0.6 * size


@pytest.mark.parametrize("name", FAMILIES)
def test_more_size_never_gives_a_smaller_network(name: str) -> None:
    signal, answer = ImageSignal(28, 28, 1), classes(10)
    sizes = [parameters(family(name).build(signal, answer, size)) for size in (500, 1000, 4000, 20_000, 200_000)]
    assert sizes == sorted(sizes)
    assert family(name).SMALLEST < 1000 < 200_000 < family(name).LARGEST


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FAMILIES)
def test_features_of_any_size_become_raw_outputs(name: str, side: tuple[int, int]) -> None:
    for depth in (1, 3):
        signal = ImageSignal(*side, depth)
        network = family(name).build(signal, classes(7), 1500).eval()
        assert network(torch.zeros(2, *signal.feature_shape)).shape == (2, 7)


def test_the_article_network_is_exact() -> None:
    network = family("article-cnn").build(ImageSignal(28, 28, 1), classes(10), 1)
    assert sum(parameter.numel() for parameter in network.parameters()) == 121_930
    assert parameters(network) == family("article-cnn").SMALLEST == family("article-cnn").LARGEST == 121_930
    assert [type(layer).__name__ for layer in network] == [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear",
    ]  # fmt: skip
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_the_article_network_needs_images_of_some_size() -> None:
    with pytest.raises(DataError, match="8x30 are too small"):
        family("article-cnn").build(ImageSignal(8, 30, 1), classes(10), 1)


@pytest.mark.parametrize("name", [*FAMILIES, "article-cnn"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_is_used_everywhere(name: str, activation: str) -> None:
    network = family(name).build(ImageSignal(12, 12, 1), classes(), 2000, activation)
    wanted = type(activate(activation))
    kinds = {type(activate(other)) for other in ACTIVATIONS}
    assert {type(module) for module in network.modules()} & kinds == {wanted}


def test_an_unknown_activation_is_named() -> None:
    with pytest.raises(UsageError, match=r"'swoosh'.*relu"):
        activate("swoosh")


def test_folded_normalisation_leaves_one_bias_a_channel() -> None:
    layers = nn.Sequential(nn.Conv2d(2, 5, 3, bias=False), nn.BatchNorm2d(5), nn.Linear(3, 4))
    assert parameters(layers) == 2 * 5 * 9 + 5 + 3 * 4 + 4


@given(st.floats(0, 100), st.floats(0, 64), st.integers(1, 8))
def test_channels_are_positive_multiples(base: float, width: float, multiple: int) -> None:
    found = channels(base, width, multiple)
    assert found >= multiple
    assert found % multiple == 0


@given(st.integers(0, 3000))
@settings(max_examples=20, deadline=None)
def test_bisection_finds_the_widest(size: int) -> None:
    def at(width: float) -> nn.Module:
        return nn.Linear(channels(10, width), 1, bias=False)

    assert parameters(largest(at, size)) == min(639, max(1, size))  # the dial ends just below a width of 64
