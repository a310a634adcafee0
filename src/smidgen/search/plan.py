"""How long to train what, and how much time is left: decided from counts, so that the same data gives the same plan."""

import time
from collections.abc import Callable

from torch import nn

from smidgen.training.recipe import Recipe
from smidgen.types import Event, Progress

EFFORT = 2.2e12  # multiply-accumulates of a whole training run's forward passes, about
OVERHEAD = 1.2e6  # what an example costs besides its multiply-accumulates, in the same unit
FEWEST, MOST = 4, 60  # epochs
ROUND = 150  # steps of one round of a race: fewer say little
RATES = {"adamw": 8e-3, "adam": 1e-3, "sgd": 0.1, "momentum": 0.1}


def epochs(examples: int, macs: int) -> int:
    """Epochs for a network of `macs` on so many examples: small networks and small data get more of them."""
    return int(min(MOST, max(FEWEST, round(EFFORT / (examples * (macs + OVERHEAD))))))


def sprint(recipe: Recipe, examples: int, rounds: int = 1) -> Recipe:
    """The recipe of so many rounds of a race: `ROUND` steps each, however large the data is."""
    an_epoch = max(1, min(ROUND, examples // recipe.batch_size))
    return recipe.with_(epochs=max(1, round(ROUND * rounds / an_epoch)), steps=an_epoch)


def learning_rate(optimizer: str, network: nn.Module) -> float:
    """The default peak; networks without normalisation bear an eighth of it."""
    peak = RATES.get(optimizer, 1e-3)
    normalised = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())
    return peak if normalised or optimizer == "adam" else peak / 8


class Forecast:
    """Time left over all stages: what is planned, in units of work, at the speed seen so far."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress, self.clock = progress, clock
        self.planned: dict[str, float] = {}  # units of stages not yet finished
        self.done = 0.0
        self.started = clock()

    def plan(self, stage: str, recipe: Recipe, examples: int, macs: int) -> None:
        """Announce a stage of training."""
        an_epoch = min(examples, recipe.steps * recipe.batch_size) if recipe.steps else examples
        self.planned[stage] = recipe.epochs * an_epoch * (macs + OVERHEAD)

    def drop(self, *stages: str) -> None:
        """A stage that was planned will not be run."""
        for stage in stages:
            self.planned.pop(stage, None)

    def finish(self, stage: str) -> None:
        """A stage is over."""
        self.done += self.planned.pop(stage, 0.0)

    def __call__(self, event: Event) -> None:
        """Pass an event on, with the time left until everything planned is done."""
        share = event.done / event.total if event.total else 0.0
        done = self.done + self.planned.get(event.stage, 0.0) * share
        ahead = sum(self.planned.values()) - self.planned.get(event.stage, 0.0) * share
        left = (self.clock() - self.started) / done * ahead if done else event.left
        self.progress(Event(event.stage, event.done, event.total, left, event.message))
