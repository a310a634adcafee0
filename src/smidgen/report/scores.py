"""What a score tells about a yes or no: ranking, calibration and decisions, each with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.evidence import Z, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.types import Array

BINS = 10  # of the calibration curve


@dataclass(frozen=True)
class Rate:
    """`hits` of `n`, and the 95 % interval of the share (Wilson 1927)."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        """nan where n is 0."""
        return self.hits / self.n if self.n else math.nan

    @property
    def low(self) -> float:
        """The lower end."""
        return wilson(self.hits, self.n)[0]

    @property
    def high(self) -> float:
        """The upper end."""
        return wilson(self.hits, self.n)[1]


@dataclass(frozen=True)
class Decisions:
    """What a threshold on a score does. Found: positives at or above it; spared: negatives below it."""

    threshold: float
    found: Rate  # sensitivity: of the positives
    spared: Rate  # specificity: of the negatives
    right_yes: Rate  # positive predictive value: of those at or above the threshold
    right_no: Rate  # negative predictive value: of those below


@dataclass(frozen=True)
class Bin:
    """Examples of about the same probability: its mean, and how often it came true."""

    mean: float
    rate: Rate


def decisions(score: Array, positive: Array, threshold: float) -> Decisions:
    """What a threshold does. score: (n,); positive: (n,) bool."""
    yes = score >= threshold
    hits, spared = int((yes & positive).sum()), int((~yes & ~positive).sum())
    return Decisions(
        threshold,
        Rate(hits, int(positive.sum())),
        Rate(spared, int((~positive).sum())),
        Rate(hits, int(yes.sum())),
        Rate(spared, int((~yes).sum())),
    )


def roc(score: Array, positive: Array) -> tuple[Array, Array]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1). Both kinds must be there."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    true = np.cumsum(positive[order])[ends]
    false = ends + 1 - true
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def auc(score: Array, positive: Array) -> tuple[float, float, float]:
    """The area under the ROC curve with its 95 % interval: (area, low, high).

    Variance as DeLong, DeLong and Clarke-Pearson 1988 have it (Biometrics 44:837-845), from midranks (Sun and Xu 2014,
    IEEE Signal Processing Letters 21:1389-1393), and the interval on the logit scale, which keeps it within 0 and 1.
    Without any pair out of order there is no variance to be had: the interval is then the area alone.
    """
    ours, others = score[positive], score[~positive]
    m, n = len(ours), len(others)
    every = _midranks(np.concatenate([ours, others]))
    above = (every[:m] - _midranks(ours)) / n  # of the negatives, for each positive
    below = 1 - (every[m:] - _midranks(others)) / m
    area = float(above.mean())
    if not 0 < area < 1 or m < 2 or n < 2:
        return area, area, area
    spread = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)
    reach, centre = Z * spread / (area * (1 - area)), math.log(area / (1 - area))
    low, high = (0.5 * (1 + math.tanh((centre + step) / 2)) for step in (-reach, reach))
    return area, low, high


def _midranks(values: Array) -> Array:
    """Ranks from 1; equal values share their mean."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[where], np.float64)


def bins(probability: Array, positive: Array, count: int = BINS) -> list[Bin]:
    """Examples by probability, in bins of equal width; empty ones are left out."""
    at = np.clip((probability * count).astype(np.int64), 0, count - 1)
    return list(_bins(probability, positive, at))


def _bins(probability: Array, positive: Array, at: Array) -> Iterator[Bin]:
    for place in np.unique(at):
        inside = at == place
        yield Bin(float(probability[inside].mean()), Rate(int(positive[inside].sum()), int(inside.sum())))
