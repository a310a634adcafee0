"""Statistics of ranks."""

import numpy as np

from smidgen.types import Array


def auc(scores: Array, positive: Array) -> float:
    """The area under the ROC curve: how often a positive example scores above another one, ties half; nan for one kind.

    Args:
        scores: (n,).
        positive: bool, (n,).
    """
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits or not misses:
        return float("nan")
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # mean rank of equal scores, from 1
    total = ranks[inverse.reshape(-1)[positive]].sum()
    return float((total - hits * (hits + 1) / 2) / (hits * misses)) if len(values) else float("nan")
