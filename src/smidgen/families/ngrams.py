"""A table of hashed byte n-grams whose rows are summed: the least bytes for most texts.

As fastText (Joulin et al. 2016, arXiv:1607.01759), but of bytes, and solved instead of trained: with few classes the
table holds the weights of a regression. Nothing else learns as much from a few thousand texts.
"""

import warnings
from typing import cast

import torch
from torch import Tensor, nn

from smidgen.errors import Unsupported
from smidgen.families._ngrams import Counts, Ngrams, regression
from smidgen.types import Answer, Dataset, Signal

SMALLEST, LARGEST = 1000, 4_000_000
DEEPEST = 16  # numbers in a row
SOLVED = True


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Bytes (batch, time) -> raw outputs (batch, answer.width).

    Raises:
        Unsupported: the input is no text, or the answer no classes.
    """
    if len(signal.feature_shape) != 1 or signal.input.dtype != "uint8" or answer.kind != "classes":
        what = f"{answer.kind} of {signal.kind}"
        raise Unsupported(what, "The family ngrams", "It tells classes of texts apart")
    depth = min(max(1, answer.width - 1), DEEPEST)
    rows = (size - (depth + 1) * answer.width) // depth
    return Ngrams(_prime(max(2, rows)), depth, answer.width)


def prepare(body: nn.Module, network: nn.Module, data: Dataset) -> None:  # noqa: ARG001  as every family's is called
    """Fill the table: weights of a regression on the training part, as strongly regularised as suits validation."""
    ngrams, classes = cast("Ngrams", body), data.answer.width
    targets, others = (torch.from_numpy(part.targets) for part in (data.train, data.validation))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        known, unseen = (Counts(ngrams, part) for part in (data.train, data.validation))
        weights, bias = regression(known, targets, unseen, others, classes)
    out = ngrams.total.out
    rows, back = _factors(weights, ngrams.table.embedding_dim)
    ngrams.table.weight.copy_(rows)
    ngrams.table.weight[0] = 0
    out.weight.copy_(back)
    out.bias.copy_(bias)


def _factors(weights: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """(rows, classes) as (rows, depth) @ (classes, depth).T, but for what softmax does not see: the mean of a row."""
    centred = weights - weights.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred.T @ centred)  # ascending
    back = vectors[:, values.argsort(descending=True)[:depth]]
    signs = torch.where(back[back.abs().argmax(0), torch.arange(depth)] < 0, -1.0, 1.0)  # the same on every machine
    return centred @ (back * signs), back * signs


def _prime(most: int) -> int:
    """The largest prime number that is not above `most`."""
    return next(n for n in range(most, 1, -1) if all(n % d for d in range(2, int(n**0.5) + 1)))
