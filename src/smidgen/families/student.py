"""A small network that imitates larger models of the training rows: trees, a linear model, or the mean of both.

Tables of some hundred or thousand rows are learnt better by ensembles of trees than by networks, but those are large.
A network learns what they say, of the training rows and of new ones that are made by exchanging values between
neighbours (Bucila, Caruana and Niculescu-Mizil 2006, "Model compression", MUNGE). Cross-validation inside the training
part decides who teaches.
"""

from __future__ import annotations

import hashlib
import importlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from smidgen.families import _rows
from smidgen.families._layers import activate, channels, largest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.families._rows import Lesson
    from smidgen.types import Answer, Array, Dataset, Signal

SMALLEST, LARGEST = 200, 1_000_000
SOLVED = True  # `prepare` trains it, on what teachers say

TREES = 100  # of the randomised ensemble beside the boosted one
FOLDS = 3  # that decide who teaches
COPIES, MADE = 10, 200_000  # new rows for each training row, and in all, at most
NEIGHBOURS = 5
EXCHANGED = 0.5  # the chance of each value of a new row to be a neighbour's
TRUTH = 0.3  # the share of the labels in what is learnt of training rows
BATCH, STEPS = 256, 2000
RATE, DECAY = 5e-3, 0.05
_taught: dict[str, tuple[Array, Array]] = {}  # the last lesson: sizes of one family share it


@dataclass(frozen=True)
class Teacher:
    """Models of raw rows and of features, of which each counts as much as its share says."""

    linear: tuple[Array, Array]
    trees: tuple[Any, ...]
    trees_share: float

    def __call__(self, given: Lesson, raw: Array, features: Array) -> Array:
        """Probabilities or values, (n, width)."""
        said = np.zeros((len(raw), given.width))
        if self.trees_share < 1:
            weight, bias = self.linear
            said += (1 - self.trees_share) * _rows.answers(given, features @ weight.T + bias)
        if self.trees_share > 0:
            said += self.trees_share * _say(given, self.trees, raw)
        return said


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Features (batch, features) -> raw outputs (batch, answer.width), through two hidden layers."""
    count = _rows.width_of(signal, answer, "student")

    def at(width: float) -> nn.Module:
        layers, before = list[nn.Module](), count
        for after in (channels(80, width), channels(32, width)):
            layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), activate(activation)]
            before = after
        return nn.Sequential(*layers, nn.Linear(before, answer.width))

    return largest(at, size)


def prepare(body: nn.Module, network: nn.Module, data: Dataset) -> None:
    """Find the teachers, make rows, and train on what is said of them."""
    given = _rows.lesson(network, data)
    key = hashlib.sha256(given.raw.tobytes() + given.targets.tobytes() + bytes(str(given.seed), "ascii")).hexdigest()
    if key not in _taught:
        _taught.clear()
        raw = np.concatenate([given.raw, _exchanged(given)])
        features = _rows.features(network, raw)
        with _one_thread():
            said = _teacher(given)(given, raw, features)
        said[: len(given.raw)] += TRUTH * (given.wanted - said[: len(given.raw)])
        _taught[key] = features, said.astype(np.float32)
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        _train(body, *_taught[key], given)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small trees grow faster on one thread than on several that wait for each other."""
    _rows.needs_sklearn()
    limits = importlib.import_module("threadpoolctl").threadpool_limits  # scikit-learn brings it
    with limits(1):
        yield


def _train(body: nn.Module, features: Array, said: Array, given: Lesson) -> None:
    x, y = torch.from_numpy(features), torch.from_numpy(said)
    dice, size = torch.Generator().manual_seed(given.seed), min(BATCH, len(x))
    optimizer = torch.optim.AdamW(body.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.15)
    body.train()
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(STEPS):
        if len(order) < size:
            order = torch.randperm(len(x), generator=dice)
        chosen, order = order[:size], order[size:]
        raw = body(x[chosen])
        loss = functional.cross_entropy(raw, y[chosen]) if given.classes else functional.mse_loss(raw, y[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    body.eval()


def _teacher(given: Lesson) -> Teacher:
    """The models that cross-validation trusts most, taught with all rows."""
    every = np.arange(len(given.raw))
    by_lines, by_trees = (np.zeros((len(every), given.width)) for _ in range(2))
    weights = _rows.linear(given)
    for train, test in _rows.folds(given, FOLDS):
        weight, bias = _rows.solve(given, train, _rows.STRENGTHS[-1])
        by_lines[test] = _rows.answers(given, given.features[test] @ weight.T + bias)
        by_trees[test] = _say(given, _grow(given, train), given.raw[test])
    losses = {share: given.losses((1 - share) * by_lines + share * by_trees) for share in (0.0, 0.5, 1.0)}
    best = min(losses, key=lambda share: losses[share].mean())
    gain = losses[0.0] - losses[best]
    if gain.mean() <= gain.std() / len(gain) ** 0.5:  # within one standard error the simpler model is as good
        best = 0.0
    return Teacher(weights, _grow(given, every) if best else (), best)


def _grow(given: Lesson, rows: Array) -> tuple[Any, ...]:
    """Boosted trees and randomised ones (Geurts et al. 2006), one pair for each value that is predicted."""
    from sklearn import ensemble

    raw, targets = _filled(given.raw[rows]), given.targets[rows]
    if given.classes:
        boosted = ensemble.HistGradientBoostingClassifier(random_state=given.seed)
        random = ensemble.ExtraTreesClassifier(TREES, max_features=0.5, random_state=given.seed)
        return boosted.fit(raw, targets), random.fit(raw, targets)
    grown = []
    for column in targets.T:
        boosted = ensemble.HistGradientBoostingRegressor(random_state=given.seed)
        random = ensemble.ExtraTreesRegressor(TREES, min_samples_leaf=3, random_state=given.seed)
        grown += [boosted.fit(raw, column), random.fit(raw, column)]
    return tuple(grown)


def _say(given: Lesson, trees: tuple[Any, ...], raw: Array) -> Array:
    """The mean of what trees say of raw rows: probabilities or values, (n, width)."""
    raw = _filled(raw)
    if not given.classes:
        said = np.stack([model.predict(raw) for model in trees], axis=1)  # (n, 2 width)
        return np.asarray(said.reshape(len(raw), -1, 2).mean(axis=2))
    found = np.zeros((len(raw), given.width))
    for model in trees:
        found[:, model.classes_] += model.predict_proba(raw) / len(trees)
    return found


def _filled(raw: Array) -> Array:
    """A value far below all others where one is missing: trees tell it apart."""
    return np.asarray(np.where(np.isnan(raw), np.float32(-1e30), raw))


def _exchanged(given: Lesson) -> Array:
    """New rows, each a training row some of whose values are those of one of its neighbours; (m, columns)."""
    from sklearn.neighbors import NearestNeighbors

    count, dice = len(given.raw), np.random.default_rng(given.seed)
    near = min(NEIGHBOURS, count - 1)
    copies = min(COPIES, MADE // count) if near > 0 else 0
    if not copies:
        return given.raw[:0]
    found = NearestNeighbors(n_neighbors=near + 1).fit(given.features).kneighbors(return_distance=False)
    made = []
    for _ in range(copies):
        other = given.raw[found[np.arange(count), dice.integers(0, near, count)]]
        made.append(np.where(dice.random(given.raw.shape) < EXCHANGED, other, given.raw))
    return np.concatenate(made)
