"""Which augmentation the data bears: measured, not guessed.

A change is natural where a network that never saw it still recognises the changed validation images about as well: a
mirrored shirt is a shirt, a mirrored 3 is nothing.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from smidgen.training.augment import Augmentation, augment
from smidgen.training.loop import accelerator
from smidgen.types import Dataset

EXAMPLES = 2000  # of validation
BEARABLE = 0.06  # of the metric: a larger loss means that the change is not natural
FEW = 10_000  # training examples: with fewer, changes that blur pixels teach more than they cost
ALWAYS: tuple[tuple[dict[str, Any], ...], ...] = (  # of each kind the first bearable change is taken
    ({"shift": 0.036},),
    ({"flip": True},),
)
WITH_FEW: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"rotate": 10.0}, {"rotate": 5.0}),
    ({"scale": 0.12}, {"scale": 0.06}),
    ({"shear": 0.1}, {"shear": 0.05}),
)


def natural(network: nn.Module, data: Dataset, seed: int) -> tuple[Augmentation, dict[str, float]]:
    """The changes that `network`, trained without any, bears; and what each trial cost of the metric.

    Args:
        network: raw input -> raw outputs, trained without augmentation.
        data: its validation part is used.
        seed: of the changes.
    """
    count = min(EXAMPLES, len(data.validation))
    indices = np.random.default_rng(seed).choice(len(data.validation), count, replace=False)
    raw = torch.from_numpy(data.validation.inputs[indices])
    target = data.validation.targets[indices]
    head = data.answer.head()

    def score(how: Augmentation) -> float:
        network.to(accelerator()).eval()
        with torch.inference_mode():
            output = head(network(augment(raw, how, seed).to(accelerator())).float()).cpu().numpy()
        return float(np.mean(data.answer.correct(output, target)))

    plain = score(Augmentation())
    chosen, losses = Augmentation(), {}
    for trials in ALWAYS + (WITH_FEW if len(data.train) < FEW else ()):
        for trial in trials:
            (name, value) = next(iter(trial.items()))
            losses[f"{name} {value:g}"] = plain - score(Augmentation(**trial))
            if losses[f"{name} {value:g}"] <= BEARABLE:
                chosen = replace(chosen, **trial)
                break
    return chosen, losses
