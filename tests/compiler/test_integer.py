import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler.graph import aten
from smidgen.compiler.integer import (
    LEVELS,
    ActivationQuantizer,
    InputScale,
    QuantizedLayer,
    round_through,
    weight_scale,
)

FINITE = st.floats(-1e4, 1e4, width=32)


@given(st.lists(FINITE, min_size=1, max_size=30), st.floats(1e-3, 10), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_rounding_is_idempotent_and_bounded(values: list[float], scale: float, zero_point: int) -> None:
    quantizer, x = ActivationQuantizer(scale, zero_point), torch.tensor(values)
    with torch.no_grad():
        once = quantizer(x)
        twice = quantizer(once)
    torch.testing.assert_close(twice, once, rtol=1e-6, atol=0)
    low, high = -zero_point * scale, (LEVELS - zero_point) * scale
    inside = (x >= low) & (x <= high)
    assert bool(((once - x).abs()[inside] <= scale / 2 * 1.001 + 1e-3 * x.abs()[inside]).all())
    assert low - 1e-3 * scale * LEVELS <= float(once.min()) <= float(once.max()) <= high + 1e-3 * scale * LEVELS


@given(st.integers(0, 10_000), st.integers(2, 8), st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_the_scale_is_never_worse_than_that_of_the_peak(seed: int, bits: int, size: float) -> None:
    weight = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(seed)) * size
    most = 2 ** (bits - 1) - 1

    def error(scale: torch.Tensor) -> torch.Tensor:
        spread = scale[:, None, None, None]
        return ((torch.clamp(torch.round(weight / spread), -most, most) * spread - weight) ** 2).sum((1, 2, 3))

    peak = weight.abs().amax((1, 2, 3))
    assert bool((error(weight_scale(weight, bits)) <= error(peak / most) * (1 + 1e-5)).all())


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_codes_stay_in_range_even_after_training_moved_the_weights(bits: int) -> None:
    weight = torch.randn(4, 5)
    layer, most = QuantizedLayer(aten.linear.default, weight, None, (), bits), 2 ** (bits - 1) - 1
    with torch.no_grad():
        layer.weight.mul_(100)
    codes = layer.codes()
    assert int(codes.abs().max()) <= most
    torch.testing.assert_close(codes, codes.round(), rtol=0, atol=0)


def test_a_layer_of_eight_bits_is_near_the_float_layer() -> None:
    dice = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(6, 20, generator=dice), torch.randn(6, generator=dice)
    layer = QuantizedLayer(aten.linear.default, weight, bias, (), 8)
    x = torch.randint(0, 256, (50, 20), generator=dice) * 0.01
    exact = torch.nn.functional.linear(x, weight, bias)
    noise = (layer(x, torch.tensor(0.01).log()) - exact).detach()
    assert float(noise.square().mean() / exact.square().mean()) < 1e-4  # 40 dB
    steps = weight_scale(weight, 8) / 2 * float(x.sum(1).max()) + 0.01
    assert bool((noise.abs() <= steps + 1e-3).all())


def test_the_input_scale_is_exact() -> None:
    raw = torch.arange(256, dtype=torch.uint8)
    torch.testing.assert_close(
        InputScale(1 / 90, 78)(raw), (raw.float() - 78) * torch.tensor(1 / 90), rtol=1e-6, atol=0
    )


def test_gradients_pass_through_the_rounding() -> None:
    x = torch.tensor([0.4, 1.5, 2.5, -1.2], requires_grad=True)
    rounded = round_through(x)
    rounded.sum().backward()  # type: ignore[no-untyped-call]
    assert rounded.tolist() == [0, 2, 2, -1]  # half to even, as ONNX rounds
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1, 1]
