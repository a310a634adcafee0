import pytest
import torch
from torch import nn

from smidgen.compiler.graph import aten, calls, capture, tensor
from smidgen.compiler.network import example
from smidgen.signals.image import ImageSignal
from tests.compiler.sample import FAMILIES, SIGNAL, network, pixels

RAW = torch.from_numpy(pixels(7))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_gives_what_the_network_gives_in_inference(family: str) -> None:
    trained = network(family, activation="tanh")
    graph = capture(trained, RAW)
    assert not list(calls(graph, aten.batch_norm.default))
    torch.testing.assert_close(graph(RAW), trained(RAW), atol=1e-4, rtol=1e-4)


def test_a_graph_takes_batches_of_any_size() -> None:
    trained = network("resnet")
    graph = capture(trained, example(SIGNAL))
    for count in (1, 2, 5):
        torch.testing.assert_close(graph(RAW[:count]), trained(RAW[:count]), atol=1e-4, rtol=1e-4)


def test_large_images_are_shrunk_inside_the_graph() -> None:
    signal = ImageSignal(17, 20, 3, 120, 1 / 60, shrink=2)
    trained, raw = network("cnn", signal), torch.from_numpy(pixels(3, signal))
    torch.testing.assert_close(capture(trained, raw)(raw), trained(raw), atol=1e-4, rtol=1e-4)


def test_capturing_leaves_the_network_as_it_was() -> None:
    trained = network("cnn").train()
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    capture(trained, RAW)
    assert trained.training
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_normalisation_that_cannot_be_folded_stays() -> None:
    """The layer in front of it has a second reader."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.conv(x)
            z: torch.Tensor = y + self.norm(y)
            return z

    module, x = Twice().eval(), torch.rand(2, 1, 3, 3)
    graph = capture(module, x)
    assert len(list(calls(graph, aten.batch_norm.default))) == 1
    torch.testing.assert_close(graph(x), module(x))


def test_what_has_no_effect_is_left_out() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.9), nn.Linear(4, 2))
    graph = capture(module, torch.rand(2, 3))
    assert [node.target for node in calls(graph, aten.dropout.default)] == []
    weights = [tensor(graph, node.args[1]) for node in calls(graph, aten.linear.default)]
    assert [None if weight is None else tuple(weight.shape) for weight in weights] == [(4, 3), (2, 4)]
