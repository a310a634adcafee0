"""How far from normal an example is: learnt from normal examples only; from 1 on it is an alarm.

What a network gives is a distance, 0 or more, with a mean of about 1 on normal examples. The graph divides it by a
threshold that comes from a budget of false alarms, by way of normal validation examples.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from smidgen.answers import _ranks
from smidgen.data.listing import some
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Array, Json, Statistic, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.types import Labels, Reading

BUDGET = 0.01  # of normal examples that may raise an alarm, where the user does not say
SURE = 0.9  # how sure a threshold is to keep the budget
ALARM = 1.0
NORMAL = ("normal", "ok", "good", "healthy", "0", "none", "negative", "no")  # names that normal examples go by
OTHER = "not normal"  # what has no name because none was seen
MOST = 10_000  # kinds of examples; more in a bundle are damage
FEWEST = 10  # normal validation examples that a threshold takes


@dataclass(frozen=True)
class Score:
    """A target is 0 for normal examples, else the index in `names` of what is wrong with them."""

    names: tuple[str, ...] = ("normal", OTHER)
    false_alarms: float = BUDGET
    threshold: float = 1.0

    kind = "score"
    metric = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("distance", "log-distance")

    @classmethod
    def prepare(cls, labels: Labels, how: Reading, source: str) -> tuple[Self, Array]:
        """The kinds of examples, the normal ones first: called `how.normal`, else by a usual name, else the commonest.

        Raises:
            UsageError: nothing is called `how.normal`, or the budget of false alarms is no share.
        """
        budget = BUDGET if how.false_alarms is None else how.false_alarms
        if not 0 < budget < 1:
            raise UsageError(f"--false-alarms {budget:g} is no share of all normal examples", "Use 0.01, say")
        counts = Counter(str(label) for label in labels)
        usual = (name for wanted in NORMAL for name in sorted(counts) if name.lower() == wanted)
        normal = how.normal or next(usual, "")
        if how.normal and how.normal not in counts:
            raise UsageError(f"Nothing in {source} is called {how.normal!r}", f"Use one of: {some(sorted(counts))}")
        normal = normal or max(sorted(counts), key=lambda name: counts[name])
        others = sorted(set(counts) - {normal}) or [OTHER]
        answer = cls((normal, *others), budget)
        return answer, answer.targets(labels, source)

    def targets(self, labels: Labels, source: str) -> Array:  # noqa: ARG002 - names may be new: not normal is enough
        """(n,) int64; the last index where a name was never seen before."""
        places = {name: index for index, name in enumerate(self.names)}
        return np.array([places.get(str(label), len(places) - 1) for label in labels], np.int64)

    def learn(self, targets: Array) -> Self:
        """Nothing. Raises DataError where normal examples are missing."""
        if not len(targets) or targets.any():
            raise DataError(
                f"There is nothing normal to learn from: no training example is {self.names[0]!r}",
                "Say with --normal what normal examples are called",
            )
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """What is normal, and what is not."""
        return self.names

    def strata(self, targets: Array) -> Array:
        """Normal or not."""
        return np.asarray(targets != 0, np.int64)

    @property
    def width(self) -> int:
        """One distance."""
        return 1

    @property
    def output(self) -> TensorSpec:
        """The distance in units of the threshold."""
        return TensorSpec("score", "float32", (1,))

    def head(self) -> nn.Module:
        """Distances (batch, 1) in units of the threshold."""
        from smidgen.answers._scaled import Scaled

        return Scaled(1 / self.threshold)

    def loss(self, raw: Tensor, target: Tensor, name: str = "distance", smoothing: float = 0.0) -> Tensor:  # noqa: ARG002
        """The mean distance of a batch, which is normal, or the mean of its logarithm, which outliers move less.

        Args:
            raw: distances, (batch, 1).
            target: of no use: all are 0.
            name: one of `losses`.
            smoothing: of no use here.
        """
        if name == "distance":
            return raw.mean()
        if name == "log-distance":
            return (raw + 1e-6).log().mean()
        raise UsageError(f"There is no loss called {name!r} for scores", f"Use one of: {', '.join(self.losses)}")

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """The mean squared difference of the logarithms, a scalar."""
        return ((raw + 1e-6).log() - (teacher + 1e-6).log()).square().mean()

    def calibrate(self, output: Array, target: Array) -> Self:
        """With the threshold that the budget of false alarms asks for. Raises DataError where `limit` has too few."""
        normal = output.reshape(-1)[target.reshape(-1) == 0].astype(np.float64) * self.threshold
        if len(normal) < FEWEST:
            raise DataError(
                f"A threshold takes at least {FEWEST} normal examples for validation; there are {len(normal)}",
                "Give more normal data, or smaller windows",
            )
        return replace(self, threshold=max(limit(normal, self.false_alarms), 1e-12))

    def decide(self, output: Array) -> Array:
        """1 for an alarm, else 0: (n,)."""
        return np.asarray(output.reshape(-1) >= ALARM, np.int64)

    def same(self, one: Array, other: Array) -> Array:
        """Whether both raise an alarm, or none does."""
        return np.asarray(self.decide(one) == self.decide(other))

    def correct(self, output: Array, target: Array) -> Array:
        """1 for an alarm that is due and for none where none is, else 0: (n,)."""
        return np.asarray(self.decide(output) == (target != 0), np.float64)

    def standing(self, output: Array, target: Array) -> float:
        """How near normal examples are: 1 where they lie at distance 0, a half at distance 1."""
        normal = output.reshape(-1)[target.reshape(-1) == 0]
        return float(1 / (1 + self.threshold * normal.mean(dtype=np.float64))) if len(normal) else 0.0

    def statistics(self) -> Sequence[Statistic]:
        """Which faults are found, at how many false alarms, and how well scores tell the two apart at any threshold."""
        return [
            Statistic("detection_rate", lambda output, target: _share(self.decide(output), target != 0)),
            Statistic("false_alarm_rate", lambda output, target: _share(self.decide(output), target == 0)),
            Statistic("auc", lambda output, target: _ranks.auc(output.reshape(-1), target != 0)),
        ]

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example: its score, and whether that is an alarm."""
        return [{"score": float(score), "alarm": bool(score >= ALARM)} for score in output.reshape(-1)]

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {"names": list(self.names), "false_alarms": self.false_alarms, "threshold": self.threshold}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        names, budget, threshold = (state.get(name) for name in ("names", "false_alarms", "threshold"))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BundleError("answer.names should be a list of what examples are called")
        if not 2 <= len(names) <= MOST or len(set(names)) != len(names):
            raise BundleError(f"answer.names should be 2 to {MOST} different names; it has {len(names)}")
        if type(budget) is not float or not 0 < budget < 1:
            raise BundleError("answer.false_alarms should be a number between 0 and 1")
        if type(threshold) is not float or not 0 < threshold < math.inf:
            raise BundleError("answer.threshold should be a number above 0")
        return cls(tuple(names), budget, threshold)


def limit(scores: Array, budget: float) -> float:
    """What at most a share `budget` of normal scores exceeds, in nine of ten cases: an upper tolerance limit.

    Neighbours in time are alike, so that n scores count as fewer. Where these are many, the limit is one of the scores
    (Wilks 1941), which holds for any distribution. Else it is that of a normal distribution (Natrella 1963), of cube
    roots: sums of squares are nearly normal then (Wilson and Hilferty 1931).

    Args:
        scores: of normal examples that were not learnt from, in order of time, (n,); 0 or more.
        budget: 0 to 1.
    """
    roots = np.cbrt(scores)
    count = _independent(roots)
    above = _allowed(math.floor(count), budget)
    if above >= 0:
        return float(np.quantile(scores, 1 - (above + 0.5) / count))
    share, sure = NormalDist().inv_cdf(1 - budget), NormalDist().inv_cdf(SURE)
    a = 1 - sure**2 / (2 * (count - 1))
    b = share**2 - sure**2 / count
    factor = (share + math.sqrt(max(0.0, share**2 - a * b))) / a
    return float(max(0.0, roots.mean() + factor * roots.std(ddof=1)) ** 3)


def _independent(values: Array) -> float:
    """How many independent values are worth as much as these, at least 10.

    n / (1 + 2 (r1 + r2 + ...)), r being correlations with what comes 1, 2, ... later, as long as two of them together
    are positive (Geyer 1992, Statistical Science 7:473).
    """
    count, away = len(values), values - values.mean()
    if count < 3 or not away.any():
        return float(max(10, count))
    spectrum = np.fft.rfft(away, 2 * count)
    products = np.fft.irfft(spectrum * spectrum.conj())[:count]
    pairs = (products[: count - count % 2] / products[0]).reshape(-1, 2).sum(axis=1)
    length = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return float(min(count, max(10.0, count / max(1.0, 2 * pairs[:length].sum() - 1))))


def _allowed(count: int, budget: float) -> int:
    """How many of `count` scores may lie above a limit that is to hold for a share 1 - `budget`; -1: none can tell."""
    allowed, total = -1, 0.0
    while allowed + 1 < count:
        hits = allowed + 1
        log_ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
        total += math.exp(log_ways + hits * math.log(budget) + (count - hits) * math.log1p(-budget))
        if total > 1 - SURE:
            break
        allowed = hits
    return allowed


def _share(alarms: Array, which: Array) -> float:
    """The share of alarms among some examples; nan where there are none."""
    return float(alarms[which].mean()) if which.any() else math.nan


ANSWER = Score
