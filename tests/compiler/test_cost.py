import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from smidgen.compiler import cost, emit, firmware
from smidgen.compiler.cost import STACK, price, shipped
from smidgen.compiler.device import Device
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import Answering, build, example
from smidgen.compiler.passes import lower
from smidgen.errors import Unsupported
from smidgen.families._layers import parameters
from smidgen.signals.image import ImageSignal
from tests.compiler.programs import on_digits
from tests.compiler.sample import FAMILIES, SIGNAL, classes, network

CASES = st.tuples(
    st.sampled_from(FAMILIES), st.integers(300, 30_000), st.sampled_from([1, 3]), st.integers(2, 30), st.integers(8, 40)
)
DEVICES = [Device.of(name) for name in ("cortex-m0", "cortex-m4")]


@given(CASES, st.sampled_from(["portable", "armv6m", "armv7em"]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_price_bounds(case: tuple[str, int, int, int, int], kernel_set: str) -> None:
    family, size, channels, count, side = case
    signal = ImageSignal(side, side + 3, channels)
    made = build(signal, classes(count), family, size)
    found = price(made, example(signal), 8, kernel_set)
    assert found.parameters == parameters(made)
    assert found.flash_bytes > found.parameters
    assert found.ram_bytes >= STACK + side * (side + 3) * channels
    least = price(made, example(signal), 8, kernel_set, ram=0)
    assert least.ram_bytes <= found.ram_bytes
    assert (least.parameters, least.macs) == (found.parameters, found.macs)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_untrained_network_costs_what_ships(family: str, device: Device) -> None:
    """Its constants and its arena to the byte, where no channel proves to be constant; more where one does."""
    answer, file = classes(10), on_digits(family)
    before = price(Answering(network(family, answer=answer), answer.head()), example(SIGNAL), 8, device.kernels)
    program = lower(read(file), device.kernels)
    source = emit.write(program, "net", device.kernels)
    now = shipped(file, device.kernels)
    assert before.ram_bytes >= now.ram_bytes == source.plan.arena_bytes + STACK
    assert now.flash_bytes <= before.flash_bytes <= now.flash_bytes + 400 or family == "mlp"
    if shutil.which(firmware.COMPILER):
        files = firmware.sources(source, program, device, limited=False)
        real = firmware.build(files, device).size.flash_bytes
        assert real <= now.flash_bytes <= real + 2000


def test_floats_cost_more() -> None:
    made = network("cnn", answer=classes(10))
    small, large = price(made, example(SIGNAL)), price(made, example(SIGNAL), bits=32)
    assert (large.parameters, large.macs) == (small.parameters, small.macs)
    assert large.flash_bytes - small.flash_bytes > large.parameters
    assert large.ram_bytes - STACK > 3 * (small.ram_bytes - STACK)


def test_a_convolution_by_hand() -> None:
    made = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 5))
    found = price(made, torch.zeros(1, 4, 4, 2, dtype=torch.uint8).permute(0, 3, 1, 2).contiguous())
    weights, biases = 2 * 3 * 9 + 3 * 16 * 5, 3 + 5
    assert found.parameters == weights + biases
    assert found.macs == 2 * 3 * 9 * 16 + 3 * 16 * 5
    assert dict(cost.parts(made, torch.zeros(1, 2, 4, 4, dtype=torch.uint8))).popitem()[1] == 3 * 16 * 5 + 4 * 5


def test_what_cannot_be_compiled_has_no_price() -> None:
    with pytest.raises(Unsupported, match="cumsum"):
        price(Summing(), torch.zeros(1, 4, dtype=torch.uint8))


class Summing(nn.Module):
    """A function that no kernel computes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumsum(x, 1)
