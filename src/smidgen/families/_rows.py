"""What families of rows share: the training part as arrays, and linear models in closed form or nearly so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from smidgen.errors import MissingLibrary, Unsupported

if TYPE_CHECKING:
    from smidgen.types import Answer, Array, Dataset, Signal

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # inverse, of the penalty on weights of standardised features
FOLDS = 5
MOST = 50_000  # training rows that are learnt from, at random; more hardly change so small a model
STEPS = 500  # of the solver, at most


@dataclass(frozen=True)
class Lesson:
    """What is to be learnt: `raw` rows (n, columns), their `features` (n, d), and `targets` as the answer has them.

    Targets are class indices (n,), or standardised values (n, k).
    """

    raw: Array
    features: Array
    targets: Array
    width: int
    seed: int

    @property
    def classes(self) -> bool:
        """Whether targets are classes."""
        return self.targets.ndim == 1

    @property
    def wanted(self) -> Array:
        """What a perfect model gives: one-hot probabilities or the values, (n, width)."""
        return np.eye(self.width)[self.targets] if self.classes else self.targets

    def losses(self, given: Array) -> Array:
        """The loss of each row of probabilities or values (n, width): cross-entropy, or the squared error; (n,)."""
        if not self.classes:
            return np.asarray(((given - self.targets) ** 2).mean(axis=1))
        hit = given[np.arange(len(given)), self.targets]
        return np.asarray(-np.log(np.maximum(hit, 1e-7)))


def width_of(signal: Signal, answer: Answer, family: str) -> int:
    """How many features a row has; raises Unsupported for anything but rows of numbers with classes or values."""
    if len(signal.feature_shape) != 1 or signal.input.dtype != "float32" or answer.kind not in ("classes", "values"):
        what_can = "It takes rows of tables, and gives classes or values"
        raise Unsupported(f"{signal.kind} to {answer.kind}", f"The family {family}", what_can)
    return signal.feature_shape[0]


def lesson(network: nn.Module, data: Dataset) -> Lesson:
    """The training part, or as much of it as is worth the time."""
    count, answer, seed = len(data.train), data.answer, data.how.seed
    chosen = np.arange(count)
    if count > MOST:
        chosen = np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))
    raw, targets = data.train.inputs[chosen], data.train.targets[chosen]
    if targets.ndim > 1:
        means, deviations = (np.array(getattr(answer, name)) for name in ("means", "deviations"))
        targets = (targets - means) / deviations
    return Lesson(raw, features(network, raw), targets, answer.width, seed)


def features(network: nn.Module, raw: Array) -> Array:
    """What the front end makes of raw rows, (n, d) float32."""
    with torch.no_grad():
        made: Array = network.get_submodule("frontend")(torch.from_numpy(raw)).numpy()
    return made


def folds(given: Lesson, count: int) -> Any:
    """Pairs of indices, to learn from and to try on; each part has its share of each class."""
    needs_sklearn()
    from sklearn.model_selection import KFold, StratifiedKFold

    alike = given.classes and np.bincount(given.targets).min() >= count
    kind = StratifiedKFold if alike else KFold
    return list(kind(count, shuffle=True, random_state=given.seed).split(given.features, given.targets))


def linear(given: Lesson) -> tuple[Array, Array]:
    """The weights (width, d) and biases (width,) of a linear model with the penalty that cross-validation prefers."""
    parts = folds(given, FOLDS)
    losses = {}
    for strength in STRENGTHS:
        tried = np.zeros((len(given.targets), given.width))
        for train, test in parts:
            weight, bias = solve(given, train, strength)
            tried[test] = answers(given, given.features[test] @ weight.T + bias)
        losses[strength] = given.losses(tried).mean()
    return solve(given, np.arange(len(given.targets)), min(losses, key=lambda strength: losses[strength]))


def answers(given: Lesson, raw: Array) -> Array:
    """Raw outputs as probabilities, or values as they are: (n, width)."""
    if not given.classes:
        return raw
    odds = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def solve(given: Lesson, rows: Array, strength: float) -> tuple[Array, Array]:
    """Ridge or logistic regression on standardised features, as weights (width, d) and biases of plain ones."""
    x, y = given.features[rows].astype(np.float64), given.targets[rows]
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    rate = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0.0)
    weight, bias = (_logistic if given.classes else _ridge)((x - mean) * rate, y, given.width, strength)
    weight = weight * rate
    return weight, bias - weight @ mean


def _ridge(x: Array, y: Array, width: int, strength: float) -> tuple[Array, Array]:  # noqa: ARG001
    """Least squares with the penalty |w|^2 / strength per row in a hundred, in closed form."""
    penalty = len(x) / 100 / strength * np.eye(x.shape[1])
    weight = np.linalg.solve(x.T @ x + penalty, x.T @ (y - y.mean(axis=0)))
    return weight.T, y.mean(axis=0)


def _logistic(x: Array, y: Array, width: int, strength: float) -> tuple[Array, Array]:
    """Multinomial logistic regression with the penalty |w|^2 / 2 strength, by L-BFGS."""
    needs_sklearn()
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(C=strength, max_iter=STEPS).fit(x, y)
    weight, bias = np.zeros((width, x.shape[1])), np.full(width, -30.0)  # a class that never occurs is never said
    if len(found.classes_) == 2:
        first, second = found.classes_
        weight[[first, second]] = np.concatenate([-found.coef_, found.coef_]) / 2
        bias[[first, second]] = np.concatenate([-found.intercept_, found.intercept_]) / 2
    else:
        weight[found.classes_], bias[found.classes_] = found.coef_, found.intercept_
    return weight, bias


def needs_sklearn() -> None:
    """Raise MissingLibrary where scikit-learn is not installed."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise MissingLibrary("scikit-learn", "train", "A family of rows")
