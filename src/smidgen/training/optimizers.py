"""Optimizers and learning-rate schedules, by name."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from smidgen.errors import UsageError
from smidgen.training.recipe import Recipe

OPTIMIZERS = ("adamw", "adam", "sgd", "momentum")
SCHEDULES = ("one-cycle", "cosine", "constant")


def optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The optimizer of a recipe over the trainable parameters of `network`.

    "adamw" is Loshchilov & Hutter 2019 (arXiv:1711.05101), "adam" Kingma & Ba 2015 (arXiv:1412.6980), "sgd" plain
    gradient descent, "momentum" v = b v + (1 - b) g, w = w - a v from v = 0. Only matrices and kernels decay: not
    biases, normalisation or quantisation scales.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = recipe.learning_rate
    if recipe.optimizer == "adamw":
        return AdamW(groups, lr=rate, fused=True)
    if recipe.optimizer == "adam":
        return Adam(groups, lr=rate, fused=True)
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=rate)
    if recipe.optimizer == "momentum":
        return _from_rest(SGD(groups, lr=rate, momentum=recipe.momentum, dampening=recipe.momentum), trainable)
    raise UsageError(f"There is no optimizer called {recipe.optimizer!r}", f"Use one of: {', '.join(OPTIMIZERS)}")


def _from_rest(momentum: SGD, parameters: Iterable[nn.Parameter]) -> SGD:
    """Start at velocity 0: torch's own first step would take the whole gradient as the velocity."""
    for parameter in parameters:
        momentum.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return momentum


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of `step` (from 0) of `steps`.

    "one-cycle" rises linearly to the peak and falls as a cosine to 0 (Smith & Topin 2018, arXiv:1708.07120), "cosine"
    falls from the peak (Loshchilov & Hutter 2017, arXiv:1608.03983).
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule not in SCHEDULES:
        raise UsageError(f"There is no schedule called {recipe.schedule!r}", f"Use one of: {', '.join(SCHEDULES)}")
    warmup = recipe.warmup * steps if recipe.schedule == "one-cycle" else 0.0
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    share = (step - warmup) / max(1.0, steps - warmup)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
