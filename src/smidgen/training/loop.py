"""The one training loop: every task, every family, and quantised networks too."""

import math
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from smidgen.errors import DataError
from smidgen.training.checkpoint import Journal, optimizer_state, restore_optimizer
from smidgen.training.optimizers import optimizer, rate
from smidgen.training.recipe import Recipe
from smidgen.types import Array, CurvePoint, Dataset, Event, Json, Part, Progress, silent

SAVE_EVERY = 20.0  # seconds between checkpoints within an epoch
TELL_EVERY = 8  # steps between two words to the progress listener
BATCH = 500  # of an evaluation
LEAST = -1e9  # of a metric, where a checkpoint needs a finite number


@dataclass
class Run:
    """The state of a training run; at the end its outcome."""

    stage: str
    curve: list[CurvePoint] = field(default_factory=list)
    metric: float = 0.0  # on validation, of the weights that the network is left with
    seconds: float = 0.0
    step: int = 0
    loss: float = 0.0  # summed over the steps of the epoch under way
    best: float = -math.inf
    stale: int = 0  # epochs since the best one
    steps_an_epoch: int = 1
    finished: bool = False

    def to_json(self) -> dict[str, Json]:
        """For a checkpoint; `best` is a finite number there."""
        return asdict(self) | {"best": max(self.best, LEAST)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> "Run":
        """The inverse of `to_json`."""
        return cls(**{**state, "curve": [CurvePoint(**point) for point in state["curve"]]})


class Training:
    """Trains a network in place and leaves it with its final weights, in inference mode.

    The final weights are those of the last epoch (their moving average where the recipe has one), or those of the best
    epoch where the recipe stops early. Chance depends on seed, stage and step only, so that a run which is killed and
    resumed from its journal ends in the same weights as an unbroken one.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Dataset,
        recipe: Recipe,
        *,
        stage: str = "train",
        teacher: nn.Module | None = None,
        journal: Journal | None = None,
        progress: Progress = silent,
        mixed: bool = True,
    ) -> None:
        """Prepare a run, or pick up the one that the journal has under this stage.

        Args:
            network: raw input -> raw outputs.
            data: the training part is learnt from, the validation part is measured after every epoch.
            recipe: how.
            stage: a name, unique within a fit.
            teacher: a network to imitate as well (Hinton et al. 2015, arXiv:1503.02531).
            journal: where progress is kept.
            progress: told after every few steps.
            mixed: allow bfloat16 where the processor has it; quantised networks need all bits.
        """
        self.device = accelerator()
        if teacher is not None:
            teacher.to(self.device)
        self.network, self.data, self.recipe, self.teacher = network.to(self.device), data, recipe, teacher
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.journal, self.progress, self.mixed = journal or Journal(), progress, mixed
        self.optimizer = optimizer(network, recipe)
        self.average = {name: value.clone() for name, value in network.state_dict().items()} if recipe.ema else {}
        self.kept: dict[str, Tensor] = {}  # weights of the best epoch, where the recipe stops early
        self.run = Run(stage)
        whole = max(1, len(data.train) // recipe.batch_size)
        self.run.steps_an_epoch = min(whole, recipe.steps or whole)
        self.saved_at = time.monotonic()
        self._pick_up()

    def __call__(self) -> Run:
        """Train to the end."""
        run, total = self.run, self.recipe.epochs * self.run.steps_an_epoch
        self.network.train()
        with torch.random.fork_rng(devices=[]):
            while not run.finished:
                self._advance(total)
                if run.step % run.steps_an_epoch == 0:
                    self._end_of_epoch()
                    run.finished |= run.step >= total
                    if run.finished:
                        self._settle()
                    self._save()
                elif time.monotonic() - self.saved_at > SAVE_EVERY:
                    self._save()
        self.network.eval()
        return run

    def _advance(self, total: int) -> None:
        """One step, timed and told."""
        run, started = self.run, time.monotonic()
        run.loss += self._step(self._batch(run.step), total)
        run.step += 1
        run.seconds += time.monotonic() - started
        if run.step % TELL_EVERY == 0:
            left = run.seconds / run.step * (total - run.step)
            self.progress(Event(run.stage, run.step, total, left, _note(run)))

    def _batch(self, step: int) -> Array:
        """The indices of a step's examples: every epoch is a new permutation of all."""
        epoch, within = divmod(step, self.run.steps_an_epoch)
        if within == 0 or not hasattr(self, "order"):
            dice = np.random.default_rng(self._chance("order", epoch))
            self.order = dice.permutation(len(self.data.train))
        size = self.recipe.batch_size
        return cast("Array", self.order[within * size : (within + 1) * size])

    def _step(self, indices: Array, total: int) -> float:
        """One step of the optimizer; the loss before it."""
        run, recipe, answer = self.run, self.recipe, self.data.answer
        chance = self._chance("step", run.step)
        torch.manual_seed(chance)
        raw = torch.from_numpy(self.data.train.inputs[indices])
        target = torch.from_numpy(self.data.train.targets[indices]).to(self.device)
        if recipe.augmentation and run.step < (1 - recipe.clean) * total:
            raw = self.data.signal.augment(raw, recipe.augmentation, chance)
        raw = raw.to(self.device)
        with self._precision():
            output = self.network(raw).float()
            loss = answer.loss(output, target, recipe.loss, recipe.smoothing)
            if self.teacher is not None:
                with torch.no_grad():
                    wisdom = self.teacher(raw).float()
                share = recipe.imitation
                loss = (1 - share) * loss + share * answer.imitation(output, wisdom)
        value = loss.item()
        if not math.isfinite(value):
            raise DataError(
                f"Training diverged in stage {run.stage}: the loss is {value} at step {run.step}",
                f"Lower --learning-rate (it was {recipe.learning_rate:g})",
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate(recipe, run.step, total)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self._follow(run.step)
        return value

    def _follow(self, step: int) -> None:
        """Move the average of the weights towards the weights; early on it forgets faster."""
        if not self.average:
            return
        share = 1 - min(self.recipe.ema, (1 + step) / (10 + step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, share)
            else:
                self.average[name].copy_(value)

    def _end_of_epoch(self) -> None:
        """Measure on validation; decide whether to stop early."""
        run, now = self.run, self._weights()
        metric = self._with(self.average, lambda: measure(self.network, self.data.validation, self.data))
        rate_now, loss = self.optimizer.param_groups[0]["lr"], run.loss / run.steps_an_epoch
        epoch = run.step / run.steps_an_epoch
        run.curve.append(CurvePoint(run.stage, epoch, run.seconds, loss, metric, rate_now))
        run.metric, run.loss = metric, 0.0
        if self.recipe.patience:
            if metric > run.best:
                run.best, run.stale = metric, 0
                self.kept = {name: value.clone() for name, value in (self.average or now).items()}
            else:
                run.stale += 1
            run.finished = run.stale >= self.recipe.patience
        self.network.train()

    def _settle(self) -> None:
        """Leave the network with its final weights."""
        final = self.kept or self.average
        if final:
            self.network.load_state_dict(final)
        if self.kept:
            self.run.metric = self.run.best

    def _with(self, weights: Mapping[str, Tensor], measure_it: Callable[[], float]) -> float:
        """A measurement of the network with other weights than its own."""
        if not weights:
            return measure_it()
        own = {name: value.clone() for name, value in self._weights().items()}
        self.network.load_state_dict(weights)
        value = measure_it()
        self.network.load_state_dict(own)
        return value

    def _weights(self) -> dict[str, Tensor]:
        return cast("dict[str, Tensor]", self.network.state_dict())

    def _precision(self) -> AbstractContextManager[object]:
        if self.mixed and (self.device == "cuda" or _has_bfloat16()):
            return torch.autocast(self.device, torch.bfloat16)
        return nullcontext()

    def _chance(self, *purpose: object) -> int:
        """A seed of its own for everything that is random."""
        return zlib.crc32(repr((self.recipe.seed, self.run.stage, *purpose)).encode())

    def _save(self) -> None:
        self.saved_at = time.monotonic()
        tensors = {f"network.{name}": value for name, value in self._weights().items()}
        if not self.run.finished:
            tensors |= {f"average.{name}": value for name, value in self.average.items()}
            tensors |= {f"kept.{name}": value for name, value in self.kept.items()}
            tensors |= optimizer_state(self.optimizer)
        self.journal.write(self.run.stage, tensors, self.run.to_json())

    def _pick_up(self) -> None:
        saved = self.journal.read(self.run.stage)
        if saved is None:
            return
        tensors, state = saved
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "kept": {}, "optimizer": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value.to(self.device)
        self.network.load_state_dict(parts["network"])
        self.average, self.kept = parts["average"], parts["kept"]
        restore_optimizer(self.optimizer, tensors)
        self.run = Run.from_json(state)


def measure(network: nn.Module, part: Part, data: Dataset) -> float:
    """The answer's metric of a torch network on one part of the data, or what stands for it in choices."""
    return data.answer.standing(outputs(network, part, data), part.targets)


def outputs(network: nn.Module, part: Part, data: Dataset) -> Array:
    """What a torch network answers on one part of the data, (n, ...); the network is left in inference mode."""
    head, device = data.answer.head(), accelerator()
    network.to(device).eval()
    rows: list[Array] = []
    with torch.inference_mode():
        for start in range(0, len(part), BATCH):
            raw = torch.from_numpy(part.inputs[np.arange(start, min(start + BATCH, len(part)))]).to(device)
            rows.append(head(network(raw).float()).cpu().numpy())
    return np.concatenate(rows)


def accelerator() -> str:
    """What trains: "cuda" where there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _has_bfloat16() -> bool:
    """Whether bfloat16 multiplies faster than float32 on this processor."""
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))


def _note(run: Run) -> str:
    if not run.curve or run.curve[-1].metric is None:
        return ""
    return f"validation {run.curve[-1].metric:.4f}"
