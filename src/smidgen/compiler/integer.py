"""Integer arithmetic as torch modules: what a quantised network is made of, trainable, in the numbers that ship.

Weights are symmetric per output channel, activations are unsigned 8-bit with one scale and zero point each, biases
are 32-bit at the scale of the accumulator. Exporters read the same scales, so simulation and shipped file differ only
in the rounding of a float multiplication. Scales are learned in the log domain, with the straight-through gradient of
LSQ (Esser et al. 2020, arXiv:1902.08153).
"""

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

LEVELS = 255  # of an unsigned 8-bit activation


class InputScale(nn.Module):
    """Raw integers to features, (x - zero_point) * scale: exact, so the sensor's own integers enter the first layer."""

    log_scale: Tensor

    def __init__(self, scale: float, zero_point: int) -> None:
        super().__init__()
        self.register_buffer("log_scale", torch.tensor(scale, dtype=torch.float64).log())
        self.zero_point = zero_point

    def forward(self, raw: Tensor) -> Tensor:
        """Any shape in and out."""
        return (raw.float() - self.zero_point) * self.log_scale.exp().float()


class ActivationQuantizer(nn.Module):
    """Rounds to 256 levels and back; the scale is learned."""

    def __init__(self, scale: float, zero_point: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(scale).log())
        self.zero_point = zero_point

    def forward(self, x: Tensor) -> Tensor:
        """Any shape in and out."""
        scale = self.log_scale.exp()
        codes = torch.clamp(x.float() / scale, -self.zero_point, LEVELS - self.zero_point)
        return round_through(codes) * scale


class QuantizedLayer(nn.Module):
    """A convolution or linear layer with integer weights and bias."""

    def __init__(self, operation: Any, weight: Tensor, bias: Tensor | None, rest: tuple[Any, ...], bits: int) -> None:
        super().__init__()
        self.operation, self.rest, self.bits = operation, rest, bits
        self.weight = nn.Parameter(weight.detach().clone())
        zeros = torch.zeros(len(weight))
        self.bias = nn.Parameter(zeros if bias is None else bias.detach().clone())
        self.log_scale = nn.Parameter(weight_scale(self.weight.detach(), bits).log())

    @property
    def scale(self) -> Tensor:
        """The scale of each output channel, (out,)."""
        return self.log_scale.exp()

    def codes(self) -> Tensor:
        """Integer weights as floats, the shape of `weight`; gradients pass through the rounding."""
        most = 2 ** (self.bits - 1) - 1
        return round_through(torch.clamp(self.weight / self._spread(self.scale), -most, most))

    def bias_codes(self, log_scale_in: Tensor) -> Tensor:
        """Integer biases as floats, (out,), at the scale of the accumulator."""
        return round_through(self.bias / (self.scale * log_scale_in.exp().float()))

    def forward(self, x: Tensor, log_scale_in: Tensor) -> Tensor:
        """x: (batch, in, ...), already on the grid of scale exp(log_scale_in) -> (batch, out, ...)."""
        weight = self.codes() * self._spread(self.scale)
        bias = self.bias_codes(log_scale_in) * (self.scale * log_scale_in.exp().float())
        return cast("Tensor", self.operation(x, weight, bias, *self.rest))

    def _spread(self, scale: Tensor) -> Tensor:
        return scale.reshape(-1, *[1] * (self.weight.ndim - 1))


def quantizers(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, ActivationQuantizer]]:
    """The roundings of a quantised graph, in order of execution."""
    for node in list(graph.graph.nodes):
        if node.op == "call_module":
            module = graph.get_submodule(str(node.target))
            if isinstance(module, ActivationQuantizer):
                yield node, module


def weight_scale(weight: Tensor, bits: int) -> Tensor:
    """The scale of least squared rounding error for each output channel, (out,)."""
    most = 2 ** (bits - 1) - 1
    flat = weight.flatten(1)
    peak = flat.abs().amax(1).clamp_min(1e-8)
    shares = torch.linspace(1.0, 0.3, 36)
    scales = peak[:, None] * shares / most  # (out, shares)
    codes = torch.clamp(torch.round(flat[:, None] / scales[..., None]), -most, most)
    errors = ((codes * scales[..., None] - flat[:, None]) ** 2).sum(2)
    best: Tensor = scales.gather(1, errors.argmin(1, keepdim=True)).squeeze(1)
    return best


def round_through(x: Tensor) -> Tensor:
    """Rounding, half to even, whose gradient is that of the identity (straight-through, Bengio et al. 2013)."""
    return x + (torch.round(x) - x).detach()
