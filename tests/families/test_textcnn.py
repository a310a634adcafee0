import pytest
import torch

from smidgen import registry
from smidgen.families import textcnn, transformer
from smidgen.families._codes import Embed
from smidgen.families._layers import parameters
from smidgen.families.transformer import HEADS, attend
from smidgen.signals.image import ImageSignal
from smidgen.signals.text import TextSignal
from smidgen.types import Signal
from tests.compiler.sample import classes

FAMILIES = ("textcnn", "transformer")
SIGNALS: list[Signal] = [TextSignal(8), TextSignal(120), TextSignal(512), ImageSignal(12, 40, 1)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: f"{signal.kind}-{signal.input.shape}")
def test_any_length_and_maps_become_raw_outputs(name: str, signal: Signal) -> None:
    family = registry.find("families", name)
    network = family.build(signal, classes(4), 8000).eval()
    given = torch.zeros(2, *signal.feature_shape, dtype=torch.uint8 if signal.kind == "text" else torch.float32)
    assert network(given).shape == (2, 4)
    assert parameters(network) <= 8000


@pytest.mark.parametrize("module", [textcnn, transformer])
def test_the_dial_is_in_parameters(module: object) -> None:
    for size in (8000, 60_000, 400_000):
        assert 0.6 * size < parameters(module.build(TextSignal(120), classes(4), size)) <= size  # type: ignore[attr-defined]


def test_padding_is_embedded_as_zeros() -> None:
    made = Embed(5)(torch.tensor([[65, 0]], dtype=torch.uint8))
    assert made.shape == (1, 5, 1, 2)
    assert made[0, :, 0, 0].all()
    assert not made[0, :, 0, 1].any()


def test_attention_is_that_of_the_paper() -> None:
    dice = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 6, 1, 5, generator=dice) for _ in range(3))

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(2, HEADS, 3, 5).transpose(2, 3)

    wanted = torch.nn.functional.scaled_dot_product_attention(heads(q), heads(k), heads(v), scale=1.0)
    found = attend(q, k, v, HEADS)
    torch.testing.assert_close(found, wanted.transpose(2, 3).reshape(2, 6, 1, 5))
