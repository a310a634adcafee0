import pytest
import torch
from torch import nn

from smidgen.compiler.network import build
from smidgen.search.policy import BEARABLE, natural
from smidgen.training.loop import Training
from smidgen.training.recipe import Recipe
from tests.compiler.sample import digits


@pytest.fixture(scope="module")
def reader() -> nn.Module:
    """A network that reads digits, trained without augmentation."""
    data = digits()
    network = build(data.signal, data.answer, "cnn", 5000)
    Training(network, data, Recipe(epochs=12, batch_size=64))()
    return network


def test_a_mirrored_digit_is_not_a_digit(reader: nn.Module) -> None:
    chosen, losses = natural(reader, digits(), seed=0)
    assert not chosen.flip
    assert chosen.shift > 0
    assert losses["flip 1"] > 0.2
    assert all(loss <= BEARABLE for name, loss in losses.items() if name.startswith("shift"))


def test_what_is_chosen_was_tried_and_borne(reader: nn.Module) -> None:
    chosen, losses = natural(reader, digits(), seed=1)
    for name, value in vars(chosen).items():
        if value:
            assert losses[f"{name} {value:g}"] <= BEARABLE
    assert natural(reader, digits(), seed=1) == (chosen, losses)


def test_a_network_that_sees_nothing_bears_everything() -> None:
    class Blind(nn.Module):
        def forward(self, raw: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[:1].expand(len(raw), 10)

    chosen, losses = natural(Blind(), digits(), seed=0)
    assert chosen.flip
    assert set(losses.values()) == {0.0}
