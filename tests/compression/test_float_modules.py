"""Modules that say `floats = True` compute in float in quantised networks, and are priced so."""

from typing import cast

import torch
from torch import nn

from smidgen.compiler.cost import price, shipped
from smidgen.compiler.sketch import sketch
from smidgen.compression.quantize import quantize
from smidgen.runner import OnnxRunner
from smidgen.targets import onnx
from smidgen.types import Answer, Signal, TensorSpec

MEANS = torch.tensor([0.0, 1e3, 1e-3, 5.0, -7.0])
SPREADS = torch.tensor([1.0, 100.0, 1e-3, 0.1, 5.0])


class Standardised(nn.Module):
    floats = True
    means: torch.Tensor
    rates: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", MEANS)
        self.register_buffer("rates", 1 / SPREADS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.means) * self.rates


class Distance(nn.Module):
    floats = True

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x - y).square().mean(1, keepdim=True)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frontend, self.distance = Standardised(), Distance()
        self.narrow, self.wide = nn.Linear(5, 3), nn.Linear(3, 5)

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        x = self.frontend(raw)
        distance: torch.Tensor = self.distance(x, self.wide(torch.relu(self.narrow(x))))
        return distance


class Sensors:
    input = TensorSpec("sensors", "float32", (5,))


class Far:
    output = TensorSpec("score", "float32", (1,))

    def head(self) -> nn.Module:
        return nn.Identity()


SENSORS, FAR = cast("Signal", Sensors()), cast("Answer", Far())


def made() -> tuple[Network, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    normal = torch.randn(400, 5)
    far = normal.clone()
    far[:, 2] += 100
    return Network(), normal * SPREADS + MEANS, far * SPREADS + MEANS


def test_sensors_of_any_scale_survive() -> None:
    network, normal, _ = made()
    rounded = quantize(network, normal)
    assert (rounded(normal) - network(normal)).abs().max() < 0.05 < network(normal).mean()


def test_what_is_far_out_does_not_saturate() -> None:
    network, normal, far = made()
    rounded = quantize(network, normal)
    assert (rounded(far) > 1000).all()
    file = onnx.write(rounded, SENSORS, FAR, {})
    answered = torch.from_numpy(OnnxRunner(file)({"sensors": far.numpy()})["score"])
    assert torch.allclose(answered, rounded(far), rtol=1e-3)


def test_layers_outside_are_integers() -> None:
    network, normal, _ = made()
    rounded = quantize(network, normal)
    assert {"layer_0", "layer_1"} <= {name for name, _ in rounded.named_modules()}
    network.narrow.floats = True  # type: ignore[assignment]
    rounded = quantize(network, normal)
    assert "layer_0" not in {name for name, _ in rounded.named_modules()}
    assert "layer_1" in {name for name, _ in rounded.named_modules()}


def test_the_price_knows_it() -> None:
    network, normal, _ = made()
    kinds = [operation.kind for operation in sketch(network, normal).operations]
    assert kinds == ["sub", "mul", "quantize", "dense", "dense", "dequantize", "sub", "mul", "mean"]
    before = price(network, normal)
    after = shipped(onnx.write(quantize(network, normal), SENSORS, FAR, {}))
    assert abs(before.flash_bytes - after.flash_bytes) < 400
    assert 0 <= before.ram_bytes - after.ram_bytes < 16
