"""Byte n-grams: where in a table each of them lies, and the regression that fills the table.

The table is a linear model of hashed features (Weinberger et al. 2009, arXiv:0902.2206) whose weights begin as the
log-count ratios of naive Bayes (Wang and Manning 2012, "Baselines and bigrams").
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import wrap_torch_function

from smidgen.types import Array, Part

ORDERS = (3, 4, 5)  # bytes of an n-gram; on validation pairs of bytes add nothing to these
FACTOR = -1640531535  # odd, about 2**32 / golden ratio, as int32: mixes all bits of a hash (Knuth, volume 3, 6.4)
STEPS = 40  # of L-BFGS for each strength of regularisation
CLOSE = 1e-6  # a smaller gain of cross-entropy in a step is not worth another one
BLOCK = 512  # texts hashed at a time
PRIOR = 1e-4  # keeps shifts finite where validation has few examples of a class
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # inverse, of the penalty on weights; the best is found on validation


def folded() -> Tensor:
    """A random number for each byte, 0 for padding, one for both cases of a letter: (256, 1) int32."""
    codes = np.random.default_rng(7).integers(1, 2**31, 256, dtype=np.int32)
    codes[0] = 0
    codes[ord("A") : ord("Z") + 1] = codes[ord("a") : ord("z") + 1]
    return torch.from_numpy(codes)[:, None]


@wrap_torch_function(lambda raw, *_: (raw,))
def places(raw: Tensor, codes: Tensor, orders: Sequence[int], rows: int) -> Tensor:
    """The row for each n-gram, (batch, n-grams) int32; that of padding alone is 0.

    A polynomial hash modulo 2**32, which wraps around in every runtime, and that modulo `rows`.

    Args:
        raw: bytes, (batch, time) uint8.
        codes: a number for each byte, (256, 1) int32.
        orders: bytes of n-grams, from the shortest on without gaps.
        rows: of the table, best a prime number.
    """
    x = nn.functional.embedding(raw.int(), codes).squeeze(-1)  # (batch, time)
    hashes, found = x, []
    for order in range(2, max(orders) + 1):
        hashes = hashes[:, :-1] * FACTOR + x[:, order - 1 :]
        found += [hashes] if order in orders else []
    return torch.remainder(torch.cat(found, 1), rows)


class Total(nn.Module):
    """The sum of the rows of all n-grams, through a linear layer; in floats, where one wrong bit costs most."""

    floats = True

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(depth, width)

    def forward(self, rows: Tensor) -> Tensor:
        """(batch, n-grams, depth) -> (batch, width)."""
        return cast("Tensor", self.out(rows.sum(1)))


class Ngrams(nn.Module):
    """Bytes to hashes to rows of a table to their sum."""

    def __init__(self, rows: int, depth: int, width: int) -> None:
        super().__init__()
        self.register_buffer("codes", folded())
        self.table = nn.Embedding(rows, depth, padding_idx=0)
        nn.init.zeros_(self.table.weight)
        self.total = Total(depth, width)

    def forward(self, raw: Tensor) -> Tensor:
        """uint8 (batch, time) -> (batch, width)."""
        return cast("Tensor", self.total(self.table(self.places(raw))))

    def places(self, raw: Tensor) -> Tensor:
        """The rows of the table, (batch, n-grams) int32."""
        found: Tensor = places(raw, self.codes, ORDERS, self.table.num_embeddings)
        return found


class Counts:
    """How often each row of a table occurs in each text of a part: a sparse matrix (n, rows)."""

    def __init__(self, network: Ngrams, part: Part) -> None:
        count, rows = len(part), network.table.num_embeddings
        texts, features = list[Array](), list[Array]()
        for start in range(0, count, BLOCK):
            raw = torch.from_numpy(part.inputs[np.arange(start, min(start + BLOCK, count))])
            found = network.places(raw).numpy()
            at, _ = np.nonzero(found)
            texts.append(at + start)
            features.append(found[found != 0])
        keys, times = np.unique(np.concatenate(texts) * rows + np.concatenate(features), return_counts=True)
        where, what = keys // rows, keys % rows
        values = times.astype(np.float32)
        self.shape = (count, rows)
        self.by_text = _sparse(where, what, values, self.shape)
        order = np.lexsort((where, what))
        self.by_row = _sparse(what[order], where[order], values[order], (rows, count))

    def __matmul__(self, weights: Tensor) -> Tensor:
        return self.by_text @ weights

    def back(self, gradient: Tensor) -> Tensor:
        """The transposed product: (n, k) -> (rows, k)."""
        return self.by_row @ gradient


def _sparse(rows: Array, columns: Array, values: Array, shape: tuple[int, int]) -> Tensor:
    """A matrix of these values at these places, in the order of rows."""
    starts = torch.from_numpy(np.searchsorted(rows, np.arange(shape[0] + 1)))
    where, what = torch.from_numpy(columns.astype(np.int64)), torch.from_numpy(values)
    return torch.sparse_csr_tensor(starts, where, what, size=shape, check_invariants=False)


def log_ratios(counts: Counts, targets: Tensor, classes: int) -> Tensor:
    """How much likelier a row is in a class than in all others, as logarithms: (rows, classes)."""
    one_hot = nn.functional.one_hot(targets, classes).float()
    inside = counts.back(one_hot)
    outside = inside.sum(1, keepdim=True) - inside
    shares = [(one + 1) / (one + 1).sum(0) for one in (inside, outside)]
    return (shares[0] / shares[1]).log()


def regression(known: Counts, targets: Tensor, unseen: Counts, others: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Multinomial regression with penalised weights, calibrated: (rows, classes) and biases (classes,).

    The penalty grows weaker, from one strength to the next, until validation is predicted worse.

    Args:
        known: the training part.
        targets: its class indices, (n,).
        unseen: the validation part.
        others: its class indices.
        classes: how many there are.
    """
    ratios, one_hot = log_ratios(known, targets, classes), nn.functional.one_hot(targets, classes).float()
    weights, bias = torch.zeros_like(ratios), torch.zeros(classes)
    best, least = (weights.clone(), bias.clone()), float("inf")
    for strength in STRENGTHS:
        _minimise(known, one_hot, ratios, strength, weights, bias)
        factor, shift, loss = calibration(unseen @ (ratios * weights) + bias, others)
        if loss > least:
            break
        best, least = (factor * ratios * weights, factor * bias + shift), loss
    return best


def calibration(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, float]:
    """The factor and the shift of each class after which logits predict best, and the cross-entropy then.

    Penalised weights are too small, most of all for rare classes (Platt 1999, "Probabilistic outputs for support
    vector machines").
    """
    factor, shift = torch.ones(1, requires_grad=True), torch.zeros(logits.shape[1], requires_grad=True)
    solver = torch.optim.LBFGS([factor, shift], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        solver.zero_grad()
        loss = nn.functional.cross_entropy(logits * factor + shift, targets) + PRIOR * shift.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    solver.step(closure)  # type: ignore[no-untyped-call]
    factor, shift = factor.detach(), shift.detach()
    return factor, shift, float(nn.functional.cross_entropy(logits * factor + shift, targets))


def _minimise(counts: Counts, one_hot: Tensor, ratios: Tensor, strength: float, weights: Tensor, bias: Tensor) -> None:
    """strength * cross-entropy, summed, + |weights|^2 / 2, from the given weights on, which change in place."""
    least = CLOSE * strength * len(one_hot)
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=STEPS, tolerance_change=least, history_size=8, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        logits = counts @ (ratios * weights) + bias
        off = (logits.softmax(1) - one_hot) * strength
        weights.grad, bias.grad = counts.back(off) * ratios + weights, off.sum(0)
        loss = -(logits.log_softmax(1) * one_hot).sum() * strength + weights.square().sum() / 2
        return float(loss)

    solver.step(closure)  # type: ignore[no-untyped-call]
