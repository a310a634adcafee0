from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from smidgen.compiler.network import build
from smidgen.data.store import MemoryStore
from smidgen.search.policy import BEARABLE, natural
from smidgen.signals.image import ImageSignal
from smidgen.training.loop import Training
from smidgen.training.recipe import Recipe
from smidgen.types import Dataset, Part
from tests.compiler.sample import digits


def large(part: Part) -> Part:
    """Digits of 24x24 pixels: one pixel of 8x8 would be a large shift."""
    images = part.inputs[np.arange(len(part))]
    return replace(part, inputs=MemoryStore(images.repeat(3, axis=1).repeat(3, axis=2)))


@pytest.fixture(scope="module")
def data() -> Dataset:
    found = digits()
    signal = ImageSignal(24, 24, 1, 78, 1 / 90)
    return replace(found, signal=signal, train=large(found.train), validation=large(found.validation))


@pytest.fixture(scope="module")
def reader(data: Dataset) -> nn.Module:
    """A network that reads digits, trained without augmentation."""
    network = build(data.signal, data.answer, "cnn", 5000)
    Training(network, data, Recipe(epochs=12, batch_size=64))()
    return network


def test_a_mirrored_digit_is_not_a_digit(reader: nn.Module, data: Dataset) -> None:
    chosen, losses = natural(reader, data, seed=0)
    assert "flip" not in chosen
    assert losses["flip 1"] > 0.2
    (shift,) = (loss for name, loss in losses.items() if name.startswith("shift"))
    assert shift < losses["flip 1"]
    assert ("shift" in chosen) == (shift <= BEARABLE)


def test_what_is_chosen_was_tried_and_borne(reader: nn.Module, data: Dataset) -> None:
    chosen, losses = natural(reader, data, seed=1)
    for name, value in chosen.items():
        assert losses[f"{name} {value:g}"] <= BEARABLE
    assert natural(reader, data, seed=1) == (chosen, losses)


def test_a_network_that_sees_nothing_bears_everything() -> None:
    class Blind(nn.Module):
        def forward(self, raw: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[:1].expand(len(raw), 10)

    chosen, losses = natural(Blind(), digits(), seed=0)
    assert chosen["flip"] == 1
    assert set(losses.values()) == {0.0}
