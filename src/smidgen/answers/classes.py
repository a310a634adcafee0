"""One of several named classes: softmax probabilities out, accuracy as the metric."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from smidgen.answers import _ranks
from smidgen.data.listing import some
from smidgen.data.split import FEWEST
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Array, Json, Statistic, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.types import Labels, Reading

TEMPERATURE = 3.0  # softens both sides of `imitation`; 2 to 4 suits students far smaller than their teacher
MOST = 10_000  # more classes than this in a bundle is damage, not a model
WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Classes:
    """Each example is exactly one of `names`; a target is the index of its class.

    Of two classes, `positive` is the index of the one that is looked for (the illness, the fraud), and `threshold` the
    probability of it from which on a cautious user acts, chosen on validation; decisions are for the likelier one.
    """

    names: tuple[str, ...]
    positive: int = 1
    threshold: float = 0.5

    kind = "classes"
    metric = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy", "mse")

    @classmethod
    def prepare(cls, labels: Labels, how: Reading, source: str) -> tuple[Self, Array]:
        """The classes that occur: numbers in numerical order, others in alphabetical order.

        Raises:
            DataError: fewer than two, names that are hard to tell apart or not printable, too few examples of one.
            UsageError: `how.positive` is none of two classes.
        """
        counts = Counter(str(label) for label in labels)
        names = sorted(counts, key=lambda name: (0, int(name), name) if WHOLE.fullmatch(name) else (1, 0, name))
        _check_names(names, source)
        few = [f"{name} ({counts[name]})" for name in names if counts[name] < FEWEST]
        if few:
            hint = f"Each class needs at least {FEWEST}: one each for train, validation and test"
            raise DataError(f"{source} has too few examples of {some(few)}", hint)
        rarer = 0 if len(names) == 2 and counts[names[0]] < counts[names[1]] else 1
        answer = cls(tuple(names), rarer)
        if how.positive:
            if len(names) != 2 or how.positive not in names:
                what = f"--positive names one of two classes; {source} has {some(names)}"
                raise UsageError(what, "Leave it out, or name one of two")
            answer = replace(answer, positive=names.index(how.positive))
        return answer, answer.targets(labels, source)

    def targets(self, labels: Labels, source: str) -> Array:
        """Class indices, (n,) int64. Raises DataError where a class is not known."""
        places = {name: index for index, name in enumerate(self.names)}
        unknown = sorted({str(label) for label in labels} - set(places))
        if unknown:
            raise DataError(
                f"{source} has classes that the model does not know: {some(unknown)}",
                f"It knows: {some(self.names, 20)}",
            )
        return np.array([places[str(label)] for label in labels], np.int64)

    def learn(self, targets: Array) -> Self:
        """Nothing, but every class must occur in training. Raises DataError."""
        missing = [self.names[index] for index in np.setdiff1d(np.arange(self.width), targets).tolist()]
        if missing:
            raise DataError(f"There are no training examples of {some(missing)}", "Add some, or leave the class out")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    def strata(self, targets: Array) -> Array:
        """The classes themselves."""
        return targets

    @property
    def width(self) -> int:
        """One logit for each class."""
        return len(self.names)

    @property
    def output(self) -> TensorSpec:
        """The probability of each class; they sum to 1."""
        return TensorSpec("probabilities", "float32", (self.width,))

    def head(self) -> nn.Module:
        """Softmax: (batch, width) logits to probabilities."""
        from torch import nn

        return nn.Softmax(dim=1)

    def loss(self, raw: Tensor, target: Tensor, name: str = "cross-entropy", smoothing: float = 0.0) -> Tensor:
        """The training loss, a scalar.

        "cross-entropy" is between softmax and target; "mse" is the mean, over batch and classes, of the squared
        difference between softmax probabilities and target. Both smooth labels as Szegedy et al. 2016
        (arXiv:1512.00567) do: `smoothing` of the mass is spread evenly over all classes.

        Args:
            raw: logits, (batch, width).
            target: class indices, (batch,) int64; or a distribution over classes, (batch, width) float.
            name: one of `losses`.
            smoothing: 0 (none) to 1.
        """
        from torch.nn import functional

        if name == "cross-entropy":
            return functional.cross_entropy(raw, target, label_smoothing=smoothing)
        if name == "mse":
            hard = functional.one_hot(target, self.width).to(raw.dtype) if target.ndim == 1 else target
            return functional.mse_loss(raw.softmax(1), hard * (1 - smoothing) + smoothing / self.width)
        raise UsageError(f"There is no loss called {name!r} for classes", f"Use one of: {', '.join(self.losses)}")

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """KL(teacher || student) of distributions softened by `TEMPERATURE`, a scalar.

        Times the squared temperature, so that its gradient keeps the scale of the hard loss (Hinton et al. 2015,
        arXiv:1503.02531, section 2). Both arguments are logits, (batch, width).
        """
        from torch.nn import functional

        student_log = functional.log_softmax(raw / TEMPERATURE, dim=1)
        teacher_log = functional.log_softmax(teacher / TEMPERATURE, dim=1)
        divergence = functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
        return divergence * TEMPERATURE**2

    def calibrate(self, output: Array, target: Array) -> Self:
        """Of two classes, the threshold with the largest sum of sensitivity and specificity (Youden 1950)."""
        if self.width != 2:
            return self
        scores, ill = output[:, self.positive], target == self.positive
        order = np.argsort(-scores, kind="stable")
        found = np.cumsum(ill[order]) / max(1, ill.sum()) - np.cumsum(~ill[order]) / max(1, (~ill).sum())
        last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are on one side
        best = int(np.argmax(np.where(last, found, -np.inf)))
        below = scores[order][best + 1] if best + 1 < len(order) else 0.0
        return replace(self, threshold=float((scores[order][best] + below) / 2))

    def decide(self, output: Array) -> Array:
        """The likeliest class of each example: (n, width) to (n,) indices."""
        return np.asarray(output.argmax(axis=1))

    def correct(self, output: Array, target: Array) -> Array:
        """1 where the likeliest class is the target, else 0: (n,) float."""
        return np.asarray(self.decide(output) == target, np.float64)

    def same(self, one: Array, other: Array) -> Array:
        """Whether the likeliest class is the same."""
        return np.asarray(self.decide(one) == self.decide(other))

    def standing(self, output: Array, target: Array) -> float:
        """Accuracy."""
        return float(np.mean(self.correct(output, target)))

    def statistics(self) -> Sequence[Statistic]:
        """For two classes what a physician or an auditor asks for; for more the mean F1 of all."""
        if self.width > 2:
            return [Statistic("macro_f1", self._macro_f1)]
        return [
            Statistic("auc", lambda output, target: _ranks.auc(output[:, self.positive], target == self.positive)),
            Statistic("f1", self._f1),
            Statistic("sensitivity", lambda output, target: self._acts(output, target, ill=True)),
            Statistic("specificity", lambda output, target: 1 - self._acts(output, target, ill=False)),
        ]

    def _f1(self, output: Array, target: Array) -> float:
        taken, ill = self.decide(output) == self.positive, target == self.positive
        return float(2 * (taken & ill).sum() / max(1, taken.sum() + ill.sum()))

    def _macro_f1(self, output: Array, target: Array) -> float:
        decided, indices = self.decide(output), np.unique(target)
        hits = np.array([(decided[target == index] == index).sum() for index in indices])
        either = np.array([(decided == index).sum() + (target == index).sum() for index in indices])
        return float(np.mean(2 * hits / either))

    def _acts(self, output: Array, target: Array, *, ill: bool) -> float:
        """The share of those who are ill, or are not, whose probability reaches the threshold."""
        scores = output[(target == self.positive) == ill, self.positive]
        return float(np.mean(scores >= self.threshold)) if len(scores) else float("nan")

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example: the likeliest class, its probability, and the probability of every class."""
        return [
            {
                "label": self.names[best],
                "probability": float(row[best]),
                "probabilities": {name: float(value) for name, value in zip(self.names, row, strict=True)},
            }
            for row, best in zip(output, self.decide(output), strict=True)
        ]

    def to_json(self) -> dict[str, Json]:
        """The names, in the order of the outputs; of two, which is looked for, and from which probability on."""
        state: dict[str, Json] = {"names": list(self.names)}
        return {**state, "positive": self.positive, "threshold": self.threshold} if self.width == 2 else state

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError unless `names` is two or more different names."""
        names = state.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise BundleError("answer.names should be a list of class names")
        if len(set(names)) != len(names) or not 2 <= len(names) <= MOST:
            raise BundleError(f"answer.names should be 2 to {MOST} different names; it has {len(names)}")
        positive, threshold = state.get("positive", 1), state.get("threshold", 0.5)
        if positive not in (0, 1) or type(threshold) is not float or not 0 <= threshold <= 1:
            raise BundleError("answer.positive should be 0 or 1, and answer.threshold a probability")
        return cls(tuple(names), positive, threshold)


def _check_names(names: Sequence[str], source: str) -> None:
    """Raise DataError where there are too few, or some that a person could not tell apart."""
    if len(names) < 2:
        hint = "Telling classes apart takes at least two; make one sub-folder (or label) for each"
        only = f"only one class, {names[0]!r}" if names else "no labels"
        raise DataError(f"{source} has {only}", hint)
    alike: dict[str, str] = {}
    for name in names:
        if not name.isprintable() or name != name.strip() or not name:
            raise DataError(f"{source} has a class called {name!r}", "Use printable characters without spaces around")
        other = alike.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            raise DataError(f"{source} has classes {other!r} and {name!r}, which look the same", "Merge or rename")


ANSWER = Classes
