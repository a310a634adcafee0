"""Factors of people and items, in closed form: a linear model from what somebody chose to what they will choose.

There are two kinds, and validation decides (with how strongly they are held back, how fast choices age, and how much
popularity counts). The first is ridge regression of every item on all others (Steck 2019, arXiv:1905.03375, without its
zero diagonal, which does not matter where chosen items are hidden): its solution are the singular vectors of the matrix
of choices, each shrunk by s2 / (s2 + ridge), and the first few of them are the best model of few parameters. The second
are factors for implicit feedback (`_alternating`), with a linear map from choices to the factors of a person.

Items that nobody has chosen yet, but that have attributes, get the factors that ridge regression expects of items with
such attributes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from smidgen.errors import Unsupported
from smidgen.families._alternating import alternating, encoder
from smidgen.families._histories import Bag, counts, sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smidgen.types import Answer, Array, Dataset, Signal

SMALLEST, LARGEST = 2_000, 20_000_000
SOLVED = True  # `prepare` finds the weights; there is nothing to train
EXACT = 3000  # users or items up to which all singular vectors are found
JUDGES = 2000  # users on whom choices are made
POWERS = ((0.0, 0.4), (0.25, 0.5))  # of the popularity of items, of the counts of users
RIDGES = (100.0, 200.0, 400.0, 800.0)  # for a matrix whose squares sum up to as much as there are choices
HELD_BACK = ((10.0, 1.0), (30.0, 5.0), (50.0, 7.0))  # regularisation and weight of choices, alternating
MOST_ALTERNATING = 3_000_000  # choices that the second kind is tried on
HALVES = (None, 30.0, 10.0, 5.0, 3.0, 2.0)  # see `Bag.forget`
FIRST_HALVES = (None, 5.0)  # that every basis is tried with
POPULAR = (0.001, 0.01, 0.03, 0.1)  # of the deviation of scores; the least tells what to show to who chose nothing
LEAST = 1e-3  # of the longest factors
RIDGES_OF_ATTRIBUTES = (0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Settings:
    """What is chosen on validation. `kind`: see `basis`."""

    kind: tuple[float, ...]
    half: float | None = None
    popular: float = POPULAR[0]


@dataclass(frozen=True)
class Basis:
    """From choices to factors, and from factors to scores: two matrices (items, rank)."""

    encode: Tensor
    decode: Tensor


class Factors(nn.Module):
    """Histories (batch, time) -> scores (batch, items), through `rank` factors."""

    def __init__(self, history: int, items: int, rank: int) -> None:
        super().__init__()
        self.bag = Bag(history, items)
        self.taste = nn.Linear(items, rank, bias=False)
        self.scores = nn.Linear(rank, items)
        self.settings: Settings | None = None  # of the last `prepare`

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, time) item numbers, 0 for none -> (batch, items)."""
        scores: Tensor = self.scores(self.taste(self.bag(codes)))
        return scores


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:  # noqa: ARG001
    """Histories (batch, time) -> scores (batch, answer.width); as many factors as `size` pays for."""
    if signal.input.dtype != "int32" or len(signal.feature_shape) != 1:
        raise Unsupported(f"the signal {signal.kind}", "The family factors", "It takes histories of items")
    return Factors(signal.feature_shape[0], answer.width, max(1, min(answer.width, (size // answer.width - 1) // 2)))


def prepare(body: nn.Module, network: nn.Module, data: Dataset) -> None:  # noqa: ARG001
    """The factors, from the training part; settings, from the validation part."""
    if not isinstance(body, Factors):
        raise TypeError("this body is of another family")
    choices = chosen(data.train.targets, body.bag.items)
    judge, rank = Judge(body, data), body.taste.out_features
    body.settings = judge(choices, ((kind, half) for kind in kinds(choices) for half in FIRST_HALVES), rank)
    _finish(body, choices, data)


def complete(body: nn.Module, network: nn.Module, data: Dataset) -> None:  # noqa: ARG001
    """The same with the settings that were chosen, from the training and the validation part."""
    if not isinstance(body, Factors) or body.settings is None:
        raise TypeError("this body is of another family, or not prepared")
    users = {name: number for number, name in enumerate(dict.fromkeys((*data.train.names, *data.validation.names)))}
    where = [
        torch.stack([torch.tensor([users[name] for name in part.names])[rows], places])
        for part in (data.train, data.validation)
        for rows, places in [chosen(part.targets, body.bag.items).indices()]
    ]
    _finish(body, sparse(torch.unique(torch.cat(where, 1), dim=1), torch.ones(1), (len(users), body.bag.items)), data)


def _finish(body: Factors, choices: Tensor, data: Dataset) -> None:
    """Final weights by the settings that were chosen."""
    if body.settings is not None:
        solve(body, choices, basis(choices, body.settings.kind, body.taste.out_features), body.settings)
    attributes = getattr(data.signal, "attributes", None)
    if attributes is not None:
        guess_new(body, choices, attributes)
    spread(body)


class Judge:
    """Measures settings on the validation part, or on some of it where that is large."""

    def __init__(self, body: Factors, data: Dataset) -> None:
        count = min(len(data.validation), JUDGES)
        where = np.sort(np.random.default_rng(0).permutation(len(data.validation))[:count])
        self.body, self.answer = body, data.answer
        self.codes, self.targets = torch.from_numpy(data.validation.inputs[where]), data.validation.targets[where]
        self.hidden = data.signal.restore(data.answer) if hasattr(data.signal, "restore") else None

    def __call__(self, choices: Tensor, tried: Iterable[tuple[tuple[float, ...], float | None]], rank: int) -> Settings:
        """The best settings: first kind and half-life together, then the half-life alone, then popularity."""
        known: dict[tuple[float, ...], Basis] = {}

        def best(several: Iterable[Settings]) -> Settings:
            return max(several, key=standing)

        def standing(settings: Settings) -> float:
            if settings.kind not in known:
                known.clear()  # one at a time in memory; kinds come one after the other
                known[settings.kind] = basis(choices, settings.kind, rank)
            solve(self.body, choices, known[settings.kind], settings)
            return self._standing()

        chosen_kind = best(Settings(kind, half) for kind, half in tried)
        chosen_half = best(replace(chosen_kind, half=half) for half in HALVES)
        return best(replace(chosen_half, popular=popular) for popular in POPULAR)

    def _standing(self) -> float:
        scores = self.body(self.codes)
        scores = scores if self.hidden is None else self.hidden(self.codes, scores)
        return self.answer.standing(scores.numpy(), self.targets)


def solve(body: Factors, choices: Tensor, basis: Basis, settings: Settings) -> None:
    """Set all weights of the network; `choices`: sparse (users, items)."""
    rank, popularity = basis.encode.shape[1], counts(choices, 0)
    body.taste.weight.zero_()
    body.scores.weight.zero_()
    body.taste.weight[:rank] = basis.encode.T
    body.scores.weight[:, :rank] = basis.decode
    body.bag.forget(settings.half)
    log = popularity.log()
    unit = (basis.decode @ (popularity / popularity.sum().sqrt() @ basis.encode)).std().clamp(min=1e-6)
    body.scores.bias.copy_((log - log.mean()) / log.std().clamp(min=1e-6) * unit * settings.popular)


def chosen(targets: Array, items: int) -> Tensor:
    """Who chose what, from item numbers (n, m) filled up with -1: sparse (n, items), coalesced, of ones."""
    rows, places = np.nonzero(targets >= 0)
    where = torch.from_numpy(np.stack([rows, targets[rows, places]]))
    return sparse(torch.unique(where, dim=1), torch.ones(1), (len(targets), items))


def kinds(choices: Tensor) -> list[tuple[float, ...]]:
    """The kinds of basis that are worth a try, for choices (users, items)."""
    found: list[tuple[float, ...]] = [(*powers, ridge) for powers in POWERS for ridge in RIDGES]
    if min(choices.shape) <= EXACT and len(choices.values()) <= MOST_ALTERNATING:
        found += HELD_BACK
    return found


def basis(choices: Tensor, kind: tuple[float, ...], rank: int) -> Basis:
    """The basis of a kind.

    Args:
        choices: sparse (users, items).
        kind: for singular vectors the powers of items and of users and the ridge, see `decomposed`; for alternating
            least squares the ridge and the weight of a choice, see `alternating`.
        rank: the most factors.
    """
    rank = min(rank, *choices.shape)
    if len(kind) == len(HELD_BACK[0]):
        users, items = alternating(choices, rank, *kind)
        return Basis(encoder(choices, users), items)
    of_items, of_users, ridge = kind
    squares, sides = decomposed(choices, (of_items, of_users), rank)
    shrunk, scale = sides * (squares / (squares + ridge)).sqrt(), counts(choices, 0)[:, None] ** of_items
    return Basis(shrunk / scale, shrunk * scale)


def decomposed(choices: Tensor, powers: tuple[float, float], rank: int) -> tuple[Tensor, Tensor]:
    """The largest squared singular values (r,) of weighted choices, and their vectors over items (items, r).

    Args:
        choices: sparse (users, items).
        powers: choices are divided by the popularity of their item, and by the count of their user, to these powers.
        rank: how many.
    """
    rows, columns = choices.indices()
    of_users, of_items = (counts(choices, axis) for axis in (1, 0))
    values = of_items[columns] ** -powers[0] * of_users[rows] ** -powers[1]
    values *= (len(values) / (values**2).sum()).sqrt()
    weighted = sparse(choices.indices(), values, choices.shape)
    if min(choices.shape) > EXACT:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, s, v = torch.svd_lowrank(weighted, q=min(rank + 16, *choices.shape), niter=6)
        return s[:rank] ** 2, v[:, :rank]
    tall = weighted if choices.shape[0] >= choices.shape[1] else weighted.t()
    gram = torch.sparse.mm(tall.t(), tall.to_dense()).double()
    squares, sides = torch.linalg.eigh(gram)
    squares, sides = squares.flip(0)[:rank].clamp(min=1e-9), sides.flip(1)[:, :rank]
    if tall is not weighted:  # of users; what belongs to them on the side of items
        sides = torch.sparse.mm(weighted.t(), sides.float()).double() / squares.sqrt()
    return squares.float(), sides.float()


def guess_new(body: Factors, choices: Tensor, attributes: Array) -> None:
    """Factors of items without choices, from those of items with the same attributes.

    Args:
        body: solved.
        choices: sparse (users, items).
        attributes: of each item, (items, d).
    """
    sums = torch.sparse.sum(choices, 0).to_dense()
    old, new = torch.nonzero(sums > 0)[:, 0], torch.nonzero(sums == 0)[:, 0]
    if not len(new):
        return
    known = torch.from_numpy(attributes).double()
    wanted = torch.cat([body.scores.weight, body.taste.weight.T], dim=1).double()
    lengths = wanted[old].norm(dim=1, keepdim=True).clamp(min=1e-9)
    aims = wanted[old] / lengths  # directions: how long they are says how popular an item is
    centre = aims.mean(0)
    alike = known[old] @ known[old].T
    ridge = _ridge(alike, aims - centre)
    dual = torch.linalg.solve(alike + ridge * torch.eye(len(old), dtype=alike.dtype), aims - centre)
    found = (known[new] @ known[old].T @ dual + centre) * lengths.median()
    rank = body.taste.out_features
    body.scores.weight[new] = found[:, :rank].float()
    body.taste.weight[:, new] = found[:, rank:].T.float()
    body.scores.bias[new] = body.scores.bias[old].median()


def _ridge(alike: Tensor, aims: Tensor) -> float:
    """The ridge that guesses a tenth of the items best from the others."""
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(alike)))
    held, rest = order[: len(order) // 10], order[len(order) // 10 :]
    errors = []
    for ridge in RIDGES_OF_ATTRIBUTES:
        inner = alike[rest][:, rest] + ridge * torch.eye(len(rest), dtype=alike.dtype)
        guess = alike[held][:, rest] @ torch.linalg.solve(inner, aims[rest])
        errors.append(float(((guess - aims[held]) ** 2).mean()))
    return RIDGES_OF_ATTRIBUTES[int(np.argmin(errors))]


def spread(body: Factors) -> None:
    """Turn the factors at random: the answers stay, but all of them are about as large, which integers want.

    Rotations for quantisation: Ashkboos et al. 2024, arXiv:2404.00456.
    """
    rank = body.taste.out_features
    lengths = body.scores.weight.norm(dim=1, keepdim=True)
    least = (LEAST * lengths.max()).clamp(min=1e-6)  # an item without factors has no scale for its integers
    body.scores.weight += torch.where(lengths < least, least / rank**0.5, 0.0)
    dice = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(rank, rank, generator=dice, dtype=torch.float64)).Q.float()
    body.taste.weight.copy_(turn @ body.taste.weight)
    body.scores.weight.copy_(body.scores.weight @ turn.T)
