"""What the families are made of, and the bisection behind their one dial."""

from collections.abc import Callable

import torch
from torch import nn

from smidgen.errors import UsageError

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky-relu": lambda: nn.LeakyReLU(0.1),
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "hard-swish": nn.Hardswish,
    "gelu": nn.GELU,
}


def activate(name: str) -> nn.Module:
    """A fresh activation layer by its name; raises UsageError."""
    if name not in ACTIVATIONS:
        raise UsageError(f"There is no activation called {name!r}", f"Use one of: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def conv(
    channels_in: int,
    channels_out: int,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    activation: str | None = "relu",
    padding: int | None = None,
) -> nn.Sequential:
    """Convolution, batch normalisation, activation: (batch, in, h, w) -> (batch, out, h / stride, w / stride)."""
    pad = kernel // 2 if padding is None else padding
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, kernel, stride, pad, groups=groups, bias=False),
        nn.BatchNorm2d(channels_out),
    ]
    if activation is not None:
        layers.append(activate(activation))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """x + body(x), the addition followed by an activation where one is named (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, activation: str | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.activation = activate(activation) if activation else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) in and out."""
        out: torch.Tensor = self.activation(self.shortcut(x) + self.body(x))
        return out


def pool_and_classify(channels: int, width: int) -> list[nn.Module]:
    """Global average pooling and a linear layer: (batch, channels, h, w) -> (batch, width)."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, width)]


def channels(base: float, width: float, multiple: int = 1) -> int:
    """`base` channels scaled by `width`, a positive multiple of `multiple`."""
    return max(multiple, round(base * width / multiple) * multiple)


def parameters(module: nn.Module) -> int:
    """Parameters that ship: batch normalisation is folded, which leaves its layer one bias a channel."""
    count = 0
    for child in module.modules():
        own = sum(weight.numel() for weight in child.parameters(recurse=False))
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            own = child.num_features
        count += own
    return count


def largest(build: Callable[[float], nn.Module], size: int) -> nn.Module:
    """The widest network with at most `size` parameters, by bisection on its width factor.

    The narrowest one is returned where none is small enough: the cost model prices it and says so.
    """
    low, high = 0.0, 64.0
    with torch.device("meta"):
        while high - low > low / 1000 + 1e-4:
            middle = (low + high) / 2
            if parameters(build(middle)) <= size:
                low = middle
            else:
                high = middle
    return build(low)
