"""Small networks and inputs to test with."""

from functools import cache

import numpy as np
import torch
from torch import nn

from smidgen.answers.classes import Classes
from smidgen.compiler.network import Network, build
from smidgen.data.load import load
from smidgen.signals.image import ImageSignal
from smidgen.types import Array, Dataset

FAMILIES = ("cnn", "dscnn", "mlp", "resnet")
SIGNAL = ImageSignal(8, 8, 1, zero_point=78, scale=1 / 90)


def classes(count: int = 3) -> Classes:
    """An answer of so many classes."""
    return Classes(tuple(f"class {index}" for index in range(count)))


def network(
    family: str,
    signal: ImageSignal = SIGNAL,
    answer: Classes | None = None,
    size: int = 900,
    activation: str = "relu",
    seed: int = 0,
) -> Network:
    """An untrained network whose normalisation layers look as if it were trained."""
    made = build(signal, answer or classes(), family, size, activation, seed)
    dice = torch.Generator().manual_seed(seed)
    for module in made.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            mean, variance = module.running_mean, module.running_var
            assert mean is not None
            assert variance is not None
            with torch.no_grad():
                mean.normal_(0, 0.3, generator=dice)
                variance.uniform_(0.3, 1.5, generator=dice)
                module.weight.uniform_(0.5, 1.5, generator=dice)
                module.bias.normal_(0, 0.3, generator=dice)
    return made.eval()


def taught(network: Network, raw: Array, targets: Array) -> Network:
    """The same network with its last layer fitted by least squares, so that it has decisions to keep."""
    assert isinstance(network.body, nn.Sequential)
    last = network.body[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        features = network.body[:-1](network.frontend(torch.from_numpy(raw)))
        with_one = torch.cat([features, torch.ones(len(raw), 1)], 1).double()
        wanted = 8 * nn.functional.one_hot(torch.from_numpy(targets), len(last.bias)).double()
        square = with_one.T @ with_one + 1e-2 * torch.eye(with_one.shape[1])
        solution = torch.linalg.solve(square, with_one.T @ wanted).float()
        last.weight.copy_(solution[:-1].T)
        last.bias.copy_(solution[-1])
    return network


def seen_in(raw: Array, count: int) -> Array:
    """Targets that can be learnt: which of `count` fixed templates an example resembles most."""
    flat = raw.reshape(len(raw), -1).astype(np.float64)
    templates = np.random.default_rng(9).normal(size=(flat.shape[1], count))
    return np.asarray(((flat - flat.mean(0)) @ templates).argmax(1))


def pixels(count: int, signal: ImageSignal = SIGNAL, seed: int = 0) -> Array:
    """Noise that is smooth enough to excite a network, uint8 (count, height, width, channels)."""
    dice = np.random.default_rng(seed)
    coarse = dice.integers(0, 256, (count, -(-signal.height // 2), -(-signal.width // 2), signal.channels))
    fine = dice.integers(-30, 31, (count, *signal.input.shape))
    smooth = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, : signal.height, : signal.width]
    return np.asarray(np.clip(smooth + fine, 0, 255), np.uint8)


@cache
def digits() -> Dataset:
    """scikit-learn's digits, 8x8."""
    return load("digits")
