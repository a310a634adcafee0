"""How long to train what, and how much time is left: decided from counts, so that the same data gives the same plan."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from smidgen.training.recipe import Recipe
from smidgen.types import Event, Progress

EFFORT = 3.5e12  # multiply-accumulates of a whole training run's forward passes, about
OVERHEAD = 1.2e6  # what an example costs besides its multiply-accumulates, in the same unit
FEWEST, MOST = 4, 60  # epochs
ROUND = 150  # steps of one round of a race: fewer say little
RATES = {"adamw": 8e-3, "adam": 1e-3, "sgd": 0.1, "momentum": 0.1}
WORTH_THREADS = 10_000_000  # multiply-accumulates of a network that trains faster on two threads than on one
ORDINARY = 50_000  # parameters of a network that the defaults above suit
HIGHEST = 0.05  # learning rate


def epochs(examples: int, macs: int) -> int:
    """Epochs for a network of `macs` on so many examples: small networks and small data get more of them."""
    return int(min(MOST, max(FEWEST, round(EFFORT / (examples * (macs + OVERHEAD))))))


def sprint(recipe: Recipe, examples: int, rounds: int = 1) -> Recipe:
    """The recipe of so many rounds of a race: `ROUND` steps each, however large the data is."""
    an_epoch = max(1, min(ROUND, examples // recipe.batch_size))
    return recipe.with_(epochs=max(1, round(ROUND * rounds / an_epoch)), steps=an_epoch)


def suited(recipe: Recipe, network: nn.Module, parameters: int, wishes: Mapping[str, float | None]) -> Recipe:
    """The recipe with what suits a network: wishes where there are any, else by its size.

    Small networks underfit: they bear a higher rate (as size to the power -0.43, found on MNIST between 686 and 42,000
    parameters) and want less regularisation. Networks without normalisation bear an eighth of the rate.
    """
    small = min(1.0, parameters / ORDINARY)
    rate = RATES.get(recipe.optimizer, 1e-3)
    if recipe.optimizer == "adamw":
        rate = min(HIGHEST, rate * small**-0.43)
    if recipe.optimizer != "adam" and not any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()
    ):
        rate /= 8
    defaults = {"learning_rate": rate, "weight_decay": 0.02 * small, "smoothing": 0.05 * small}
    given = {name: value for name, value in wishes.items() if value is not None}
    return recipe.with_(**(defaults | given))


@contextmanager
def threads(macs: int) -> Iterator[None]:
    """Train on one thread where more would wait for each other: small networks, and any machine that is also busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if macs >= WORTH_THREADS else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Forecast:
    """Time left over all stages: what is planned, in units of work, at the speed seen so far."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress, self.clock = progress, clock
        self.planned: dict[str, float] = {}  # units of stages not yet finished
        self.done = 0.0
        self.started: float | None = None  # when the first stage began

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
        if event.stage in self.planned and self.started is None:
            self.started = self.clock()
        share = event.done / event.total if event.total else 0.0
        done = self.done + self.planned.get(event.stage, 0.0) * share
        ahead = sum(self.planned.values()) - self.planned.get(event.stage, 0.0) * share
        left = (self.clock() - self.started) / done * ahead if self.started is not None and done else event.left
        self.progress(Event(event.stage, event.done, event.total, left, event.message))
