"""From a dataset and a budget to one trained, distilled and quantised network: the stages of a fit, in order."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import fx, nn

from smidgen import registry
from smidgen.budget import Budget
from smidgen.compiler.network import build
from smidgen.compression.quantize import quantize
from smidgen.families._layers import parameters
from smidgen.search.candidates import candidates, priced
from smidgen.search.plan import Forecast, epochs, sprint, suited, threads
from smidgen.search.policy import FEW, natural
from smidgen.search.race import Racer, race
from smidgen.training.checkpoint import Journal
from smidgen.training.loop import Run, Training, measure, outputs
from smidgen.training.recipe import Recipe
from smidgen.types import Array, Candidate, CurvePoint, Dataset, Json, Progress, silent

CALIBRATION = 512  # training examples that set the scales
TEACHER = 60_000  # parameters of a teacher
TEACHABLE = 20_000  # parameters of a student above which longer training does as well for the same time
LESSONS = 150_000  # examples that a teacher sees, about
TOLERANCE = 0.001  # of the metric that quantisation may cost on validation before it is trained


@dataclass(frozen=True)
class Wishes:
    """What the user asked of a fit; None is "decide for me"."""

    families: Sequence[str]
    size: int | None = None
    most: int | None = None  # parameters, where the budget does not say
    activation: str = "relu"
    epochs: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    smoothing: float | None = None
    augment: bool = True
    distill: bool = True
    quantize: bool = True


@dataclass
class Fitted:
    """What a fit ends with, and the record of how it got there."""

    network: nn.Module  # trained, float
    shipped: nn.Module  # the quantised graph, or the float network where quantisation was not wanted
    candidate: Candidate
    candidates: list[Candidate]
    curve: list[CurvePoint] = field(default_factory=list)
    history: list[dict[str, Json]] = field(default_factory=list)


class Fitting:
    """One fit under way."""

    def __init__(
        self,
        data: Dataset,
        budget: Budget,
        wishes: Wishes,
        recipe: Recipe,
        journal: Journal | None = None,
        progress: Progress = silent,
    ) -> None:
        self.data, self.budget, self.wishes, self.recipe = data, budget, wishes, recipe
        self.journal, self.forecast = journal or Journal(), Forecast(progress)
        self.curve: list[CurvePoint] = []
        self.history: list[dict[str, Json]] = []

    def __call__(self, found: Sequence[Candidate]) -> Fitted:
        """All stages after `price`."""
        winner, record = self.race([candidate for candidate in found if candidate.fits])
        self.recipe = self.augmented(winner)
        teacher = self.teacher(winner)
        chosen, network = self.finish(winner, teacher)
        shipped = self.quantize(network, chosen) if self.wishes.quantize else network
        losers = [candidate for candidate in record if not candidate.chosen]
        unfit = [candidate for candidate in found if not candidate.fits]
        return Fitted(network, shipped, chosen, [chosen, *losers, *unfit], self.curve, self.history)

    def price(self) -> list[Candidate]:
        """Everything worth a try, with what it costs."""
        w, d = self.wishes, self.data
        return candidates(
            d.signal, d.answer, self.budget, w.families, w.size, w.activation, self._bits, self.forecast, w.most
        )

    def race(self, fitting: Sequence[Candidate]) -> tuple[Racer, list[Candidate]]:
        """The candidate that learns best in a short time."""
        self._plan("train", max(fitting, key=lambda candidate: candidate.cost.macs), self._marathon(fitting[0]))
        for candidate in fitting if len(fitting) > 1 else ():
            self._plan(_stage(candidate, 1), candidate, self._sprint())

        def run(racer: Racer, number: int) -> Racer:
            candidate, recipe = racer.candidate, self._sprint(number)
            trained = self._train(racer.network, candidate, _stage(candidate, number), recipe)
            epochs = candidate.epochs + trained.step * recipe.batch_size / len(self.data.train)
            seconds = candidate.seconds + trained.seconds
            return Racer(replace(candidate, metric=trained.metric, epochs=epochs, seconds=seconds), racer.network)

        racers = [Racer(candidate, self._build(candidate)) for candidate in fitting]
        winner, record = race(racers, run)
        if len(fitting) > 1:
            self.history.append({"step": "race", "candidates": len(fitting), "winner": winner.candidate.family})
        return winner, record

    def augmented(self, winner: Racer) -> Recipe:
        """The recipe with the augmentation that this data bears."""
        few = len(self.data.train) < FEW
        if not self.wishes.augment or self._solved(winner.candidate) or not self.data.signal.changes(few):
            return self.recipe
        probe = winner.network
        if winner.candidate.metric is None:
            probe = self._build(winner.candidate)
            self._train(probe, winner.candidate, "probe", self._sprint(2))
        augmentation, losses = natural(probe, self.data, self.recipe.seed)
        self.history.append({"step": "augment", "losses": losses, "augmentation": augmentation})
        return self.recipe.with_(augmentation=augmentation)

    def teacher(self, winner: Racer) -> nn.Module | None:
        """A larger network to learn from, where a short trial shows on validation that it helps the winner."""
        candidate, examples = winner.candidate, len(self.data.train)
        if not self.wishes.distill or candidate.cost.parameters > TEACHABLE or self._solved(candidate):
            return None
        large = self._priced(candidate, TEACHER)
        teacher = self._build(large)
        lessons = self.recipe.with_(epochs=max(2, round(LESSONS / examples)))
        taught = self._train(teacher, large, "teacher", lessons)
        outcomes = []
        for stage, guide in (("alone", None), ("taught", teacher)):
            student = copy.deepcopy(winner.network)
            outcomes.append(self._train(student, candidate, f"trial {stage}", self._sprint(3), guide).metric)
        alone, together = outcomes
        step = {"step": "distill", "parameters": large.cost.parameters, "teacher": taught.metric}
        self.history.append({**step, "without": alone, "with": together, "kept": together > alone})
        return teacher if together > alone else None

    def finish(self, winner: Racer, teacher: nn.Module | None) -> tuple[Candidate, nn.Module]:
        """The winner, trained to the end."""
        network, candidate = winner.network, winner.candidate
        self.recipe = self._marathon(candidate)
        run = self._train(network, candidate, "train", self.recipe, teacher)
        complete = getattr(registry.find("families", candidate.family), "complete", None)
        if complete is not None:  # its settings were chosen on validation; now it learns from that part as well
            with torch.no_grad():
                complete(network.body, network, self.data)
            self.history.append({"step": "complete", "family": candidate.family})
        seconds, count = candidate.seconds + run.seconds, candidate.epochs + run.step / run.steps_an_epoch
        return replace(candidate, metric=run.metric, epochs=count, seconds=seconds, chosen=True), network

    def quantize(self, network: nn.Module, candidate: Candidate) -> fx.GraphModule:
        """The integer form; trained further where rounding alone costs more than the tolerance."""
        graph = quantize(network.cpu(), torch.from_numpy(self._calibration()))
        trained, rounded = (measure(form, self.data.validation, self.data) for form in (network, graph))
        step: dict[str, Json] = {"step": "quantize", "float": trained, "rounded": rounded, "tolerance": TOLERANCE}
        self.history.append(step)
        if rounded < trained - TOLERANCE and not self._solved(candidate):
            before = {name: value.clone() for name, value in graph.state_dict().items()}
            step["trained"] = self._refine(graph, network, candidate)
            if step["trained"] < rounded:
                graph.load_state_dict(before)
        return graph.eval()

    def _refine(self, graph: fx.GraphModule, network: nn.Module, candidate: Candidate) -> float | None:
        """Train the integer form with the float one as its teacher; its metric on validation."""
        recipe = self._suited(network, self.recipe)
        rate, count = recipe.learning_rate / 20, max(1, self.recipe.epochs // 6)
        with threads(candidate.cost.macs):
            run = Training(
                graph,
                self.data,
                recipe.with_(epochs=count, learning_rate=rate, imitation=0.9),
                stage="quantize",
                teacher=network,
                journal=self.journal,
                progress=self.forecast,
                mixed=False,
            )()
        self.curve += run.curve
        return run.metric

    def _calibration(self) -> Array:
        """Examples of the training part, raw, (n, ...)."""
        dice = np.random.default_rng(self.recipe.seed)
        count = min(CALIBRATION, len(self.data.train))
        return self.data.train.inputs[np.sort(dice.choice(len(self.data.train), count, replace=False))]

    def _build(self, candidate: Candidate) -> nn.Module:
        data, seed = self.data, self.recipe.seed
        network = build(data.signal, data.answer, candidate.family, candidate.size, self.wishes.activation, seed)
        prepare = getattr(registry.find("families", candidate.family), "prepare", None)
        if prepare is not None:
            with torch.no_grad():
                prepare(network.body, network, data)
        return network

    @staticmethod
    def _solved(candidate: Candidate) -> bool:
        """Whether the family finds its weights in closed form, without any steps."""
        return bool(getattr(registry.find("families", candidate.family), "SOLVED", False))

    def _marathon(self, candidate: Candidate) -> Recipe:
        count = self.wishes.epochs or epochs(len(self.data.train), candidate.cost.macs)
        return self.recipe.with_(epochs=count)

    def _sprint(self, rounds: int = 1) -> Recipe:
        return sprint(self.recipe, len(self.data.train), rounds)

    @property
    def _bits(self) -> int:
        return 8 if self.wishes.quantize else 32

    def _suited(self, network: nn.Module, recipe: Recipe) -> Recipe:
        w = self.wishes
        wishes = {"learning_rate": w.learning_rate, "weight_decay": w.weight_decay, "smoothing": w.smoothing}
        return suited(recipe, network, parameters(network), wishes)

    def _priced(self, candidate: Candidate, size: int) -> Candidate:
        """The same family at another size, whatever the budget."""
        data = self.data
        return priced(data.signal, data.answer, Budget(), candidate.family, size, self.wishes.activation)

    def _plan(self, stage: str, candidate: Candidate, recipe: Recipe) -> None:
        self.forecast.plan(stage, recipe, len(self.data.train), candidate.cost.macs)

    def _train(
        self, network: nn.Module, candidate: Candidate, stage: str, recipe: Recipe, teacher: nn.Module | None = None
    ) -> Run:
        if self._solved(candidate):
            return Run(stage, metric=measure(network, self.data.validation, self.data), finished=True)
        recipe = self._suited(network, recipe)
        self._plan(stage, candidate, recipe)
        with threads(candidate.cost.macs):
            run = Training(
                network, self.data, recipe, stage=stage, teacher=teacher, journal=self.journal, progress=self.forecast
            )()
        self.forecast.finish(stage)
        self.curve += run.curve
        return run


def calibrated(data: Dataset, shipped: nn.Module) -> Dataset:
    """The data with an answer whose thresholds suit the final network, chosen on validation."""
    part = data.validation
    return replace(data, answer=data.answer.calibrate(outputs(shipped, part, data), part.targets))


def _stage(candidate: Candidate, number: int) -> str:
    return f"race {number} {candidate.family} {candidate.size}"
