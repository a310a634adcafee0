"""Find labels that are probably wrong. Linear time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.store import blocks, moments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.types import Array, Store

FEATURES = 768
FOLDS = 4
FEWEST = 10  # examples of each class, below which nothing can be said
USEFUL = 0.5  # of the way from chance to perfect: how good the judge must be to be heard


def suspects(sketches: Store, targets: Array, contents: Array) -> tuple[Array, Array, str]:
    """Examples that look like another class than theirs: their indices and those classes, strongest first, and a note.

    A judge (ridge regression on random ReLU features, Rahimi and Recht 2007) sees each example only after it was
    fitted to the other folds. Confident learning (Northcutt, Jiang, Chuang 2021, arXiv:1911.00068) then suspects an
    example if its score for another class is at least the mean score of that class's own examples, and its highest
    such score. Where the judge is no good the note says so, and nothing is suspected.

    Args:
        sketches: (n, d) uint8.
        targets: class indices, (n,).
        contents: a hash of each example; copies are judged together.
    """
    counts = np.bincount(targets)
    if len(counts) < 2 or counts.min() < FEWEST:
        return _nobody(f"Labels were not checked: that takes {FEWEST} examples of each class")
    judge = _Judge(sketches, targets, (contents % np.uint64(FOLDS)).astype(np.int64))
    right, sums = 0, np.zeros(len(counts))
    for rows, scores in judge.scores():
        own = targets[rows]
        right += int((scores.argmax(axis=1) == own).sum())
        sums += np.bincount(own, scores[np.arange(len(own)), own], len(counts))
    chance = counts.max() / len(targets)
    if (right / len(targets) - chance) / (1 - chance) < USEFUL:
        return _nobody(f"Labels were not checked: a quick judge is right on only {right / len(targets):.0%} of them")
    found = [_confident(rows, scores, targets[rows], sums / counts) for rows, scores in judge.scores()]
    indices, classes, margins = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(-margins, kind="stable")
    return indices[order], classes[order], ""


def _nobody(note: str) -> tuple[Array, Array, str]:
    return np.empty(0, np.int64), np.empty(0, np.int64), note


def _confident(rows: Array, scores: Array, own: Array, thresholds: Array) -> tuple[Array, Array, Array]:
    """Of one block: suspected rows, the classes they look like, and by how much more than their own."""
    confident = np.where(scores >= thresholds, scores, -np.inf)
    best = confident.argmax(axis=1)
    each = np.arange(len(rows))
    hit = np.isfinite(confident[each, best]) & (best != own)
    return rows[hit], best[hit], (scores[each, best] - scores[each, own])[hit]


class _Judge:
    """One ridge regression for each fold, fitted to the others."""

    def __init__(self, sketches: Store, targets: Array, folds: Array) -> None:
        generator = np.random.default_rng(0)
        self._sketches, self._folds = sketches, folds
        self._mean, self._deviation = moments(sketches)
        size = sketches.shape[0]
        self._weights = generator.normal(0, 1 / np.sqrt(size), (size, FEATURES)).astype(np.float32)
        self._biases = generator.normal(0, 0.5, FEATURES).astype(np.float32)
        classes = int(targets.max()) + 1
        gram = np.zeros((FOLDS, FEATURES + 1, FEATURES + 1))
        cross = np.zeros((FOLDS, FEATURES + 1, classes))
        for rows, features in self._features():
            for fold in range(FOLDS):
                mine = features[folds[rows] == fold]
                gram[fold] += mine.T @ mine
                cross[fold] += mine.T @ np.eye(classes, dtype=np.float32)[targets[rows][folds[rows] == fold]]
        ridge = np.eye(FEATURES + 1) * gram.sum(axis=0).trace() * 1e-4
        self._solutions = [
            np.linalg.solve(gram.sum(axis=0) - gram[fold] + ridge, cross.sum(axis=0) - cross[fold]).astype(np.float32)
            for fold in range(FOLDS)
        ]

    def scores(self) -> Iterator[tuple[Array, Array]]:
        """Blocks of (indices, scores): about the probability of each class, (b, classes)."""
        for rows, features in self._features():
            result = np.empty((len(rows), self._solutions[0].shape[1]), np.float32)
            for fold, solution in enumerate(self._solutions):
                mine = self._folds[rows] == fold
                result[mine] = features[mine] @ solution
            yield rows, result

    def _features(self) -> Iterator[tuple[Array, Array]]:
        start = 0
        for block in blocks(self._sketches):
            values = (block.astype(np.float32) - self._mean) / self._deviation
            hidden = np.maximum(values @ self._weights + self._biases, 0)
            yield np.arange(start, start + len(block)), np.pad(hidden, ((0, 0), (0, 1)), constant_values=1)
            start += len(block)
