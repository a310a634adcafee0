"""Which augmentation the data bears: measured, not guessed.

A change is natural where a network that never saw it still recognises the changed validation examples about as well: a
mirrored shirt is a shirt, a mirrored 3 is nothing.
"""

import numpy as np
import torch
from torch import nn

from smidgen.training.loop import accelerator
from smidgen.types import Changes, Dataset

EXAMPLES = 2000  # of validation
BEARABLE = 0.06  # of the metric: a larger loss means that the change is not natural
FEW = 10_000  # training examples: with fewer, strong changes are worth a try


def natural(network: nn.Module, data: Dataset, seed: int) -> tuple[dict[str, float], dict[str, float]]:
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

    def score(how: Changes) -> float:
        network.to(accelerator()).eval()
        changed = data.signal.augment(raw, how, seed) if how else raw
        with torch.inference_mode():
            output = head(network(changed.to(accelerator())).float()).cpu().numpy()
        return data.answer.standing(output, target)

    plain = score({})
    chosen: dict[str, float] = {}
    losses: dict[str, float] = {}
    for trials in data.signal.changes(len(data.train) < FEW):
        for trial in trials:
            named = " ".join(f"{name} {value:g}" for name, value in trial.items())
            losses[named] = plain - score(trial)
            if losses[named] <= BEARABLE:
                chosen |= trial
                break
    return chosen, losses
