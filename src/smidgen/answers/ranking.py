"""A ranking of all items by how likely somebody chooses them next; items that were chosen already come last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from smidgen.data.choices import HIDDEN
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Array, Json, Statistic, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.types import Labels, Reading

TOP = 10  # items of a list that counts
SHOWN = 100  # items of a list that is shown
FRESH = 20  # items that nobody chose in the training part, from which on their ranking is measured
ALIKE = 0.8  # of two top lists that mean the same: the share of items in both
MOST = 1_000_000  # items; more is damage
DISCOUNTS = 1 / np.log2(np.arange(2, TOP + 2))


@dataclass(frozen=True)
class Ranking:
    """`items` are their names in order of the outputs; `popularity`, how often each was chosen in the training part.

    A target is the items chosen, (m,) int64, filled up with -1. All measures rank all items that were not chosen
    before, never a sample of them (Krichene and Rendle 2020, KDD).
    """

    items: tuple[str, ...]
    popularity: tuple[int, ...] = ()

    kind = "ranking"
    metric = "ndcg@10"
    losses: ClassVar[tuple[str, ...]] = ("multinomial",)

    @classmethod
    def prepare(cls, labels: Labels, how: Reading, source: str) -> tuple[Self, Array]:  # noqa: ARG003
        """An answer for choices, one string an example with a name a line; its items are all that are chosen."""
        answer = cls(tuple(sorted({name for label in labels for name in _chosen(label)})))
        if len(answer.items) < 2:
            raise DataError(f"{source} has fewer than two items to choose from", "Give more choices")
        return answer, answer.targets(labels, source)

    def targets(self, labels: Labels, source: str) -> Array:
        """Item numbers from 0, (n, m) int64, filled up with -1. Raises DataError for an item that is not known."""
        numbers = {name: index for index, name in enumerate(self.items)}
        try:
            each = [[numbers[name] for name in _chosen(label)] for label in labels]
        except KeyError as error:
            raise DataError(f"{source} has the item {error.args[0]!r}, which the model does not know") from None
        found = np.full((len(each), max(1, max(map(len, each), default=1))), -1, np.int64)
        for row, chosen in zip(found, each, strict=True):
            row[: len(chosen)] = chosen
        return found

    def learn(self, targets: Array) -> Self:
        """How popular each item is in the training part."""
        counts = np.bincount(targets[targets >= 0], minlength=self.width)
        return replace(self, popularity=tuple(counts.tolist()))

    @property
    def classes(self) -> tuple[str, ...]:
        """None: a target is several items."""
        return ()

    def strata(self, targets: Array) -> Array:
        """All alike."""
        return np.zeros(len(targets), np.int64)

    @property
    def width(self) -> int:
        """One score for each item."""
        return len(self.items)

    @property
    def output(self) -> TensorSpec:
        """A score for each item: a higher one comes first."""
        return TensorSpec("scores", "float32", (self.width,))

    def head(self) -> nn.Module:
        """Raw outputs are scores."""
        from torch import nn

        return nn.Identity()

    def loss(self, raw: Tensor, target: Tensor, name: str = "multinomial", smoothing: float = 0.0) -> Tensor:  # noqa: ARG002
        """The training loss, a scalar: the mean negative log-likelihood of each choice that is not in the history.

        The softmax is over all items that are not (Liang et al. 2018, arXiv:1802.05814).

        Args:
            raw: scores, (batch, width), about HIDDEN for items in the history.
            target: items chosen, those in the history among them, (batch, m) filled up with -1.
            name: one of `losses`.
            smoothing: of no use here.
        """
        if name not in self.losses:
            raise UsageError(f"There is no loss called {name!r} for rankings", f"Use one of: {', '.join(self.losses)}")
        chosen = target.clamp(min=0)
        counts = (target >= 0) & (raw.gather(1, chosen) > HIDDEN / 2)
        surprise = -raw.log_softmax(1).gather(1, chosen)
        total: Tensor = (surprise * counts).nan_to_num().sum() / counts.sum().clamp(min=1)
        return total

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """KL(teacher || student) of the distributions over items, a scalar. Both (batch, width)."""
        from torch.nn import functional

        return functional.kl_div(raw.log_softmax(1), teacher.log_softmax(1), reduction="batchmean", log_target=True)

    def calibrate(self, output: Array, target: Array) -> Self:  # noqa: ARG002
        """Nothing is left to choose."""
        return self

    def decide(self, output: Array) -> Array:
        """The first item of each list, (n, 1)."""
        return np.asarray(output.argmax(axis=1)[:, None])

    def same(self, one: Array, other: Array) -> Array:
        """Whether the top lists share four in five items."""
        pairs = zip(best(one), best(other), strict=True)
        return np.array([len(np.intersect1d(*pair)) >= ALIKE * len(pair[0]) for pair in pairs], bool)

    def correct(self, output: Array, target: Array) -> Array:
        """nDCG@10 of each list (Järvelin and Kekäläinen 2002): (n,), 1 where all that can be at the top is."""
        return gains(best(output), target)

    def standing(self, output: Array, target: Array) -> float:
        """The mean nDCG of whole lists: each choice counts wherever it is, so that it tells more from few people."""
        return float(np.mean(whole_gains(output, target)))

    def statistics(self) -> Sequence[Statistic]:
        """Recall, how much of the stock is shown, how surprising it is, and what popularity alone would reach."""
        found = [
            Statistic("recall@10", _mean, first=lambda output, target: recalls(best(output), target)),
            Statistic("coverage@10", self._coverage, first=lambda output, _: best(output)),
        ]
        if self.popularity:
            found += [
                Statistic("novelty@10", _mean, "bits", lambda output, _: self._surprise(best(output))),
                Statistic("ndcg@10_popularity", _mean, first=lambda o, t: gains(best(self._popular(o)), t)),
                Statistic("recall@10_popularity", _mean, first=lambda o, t: recalls(best(self._popular(o)), t)),
            ]
        if self.popularity.count(0) >= FRESH:
            found += [
                Statistic("ndcg@10_new", _mean, first=self._new),
                Statistic("ndcg@10_new_chance", _mean, first=lambda _, target: self._chance(target)),
            ]
        return found

    def _coverage(self, lists: Array, _: Array) -> float:
        """The share of all items that are on some list."""
        return len(np.unique(lists)) / self.width

    def _surprise(self, lists: Array) -> Array:
        """-log2 of the chance that a choice is this item, a mean over each list (Zhou et al. 2010, PNAS 107:4511)."""
        counts = np.array(self.popularity) + 1.0
        return np.asarray(-np.log2(counts / counts.sum())[lists].mean(axis=1))

    def _popular(self, output: Array) -> Array:
        """What popularity alone would answer: the same items are hidden."""
        return np.where(output < HIDDEN / 2, HIDDEN, np.array(self.popularity, np.float64))

    def _fresh(self, target: Array) -> tuple[Array, Array]:
        """Items that nobody chose in the training part; targets with those only."""
        counts = np.array(self.popularity)
        return np.flatnonzero(counts == 0), np.where((target >= 0) & (counts[target] == 0), target, -1)

    def _new(self, output: Array, target: Array) -> Array:
        """nDCG@10 of new items among new items; nan for who chose none."""
        fresh, wanted = self._fresh(target)
        return np.where((wanted >= 0).any(axis=1), gains(fresh[best(output[:, fresh])], wanted), np.nan)

    def _chance(self, target: Array) -> Array:
        """What a list of new items drawn blindly reaches on average; nan for who chose none."""
        fresh, wanted = self._fresh(target)
        counts = (wanted >= 0).sum(axis=1)
        length = min(TOP, len(fresh))
        expected = counts / len(fresh) * DISCOUNTS[:length].sum()
        return np.where(counts > 0, expected / ideal(np.maximum(counts, 1)), np.nan)

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example: the best items, in order, with their scores."""
        found = []
        for row, order in zip(output, best(output, SHOWN), strict=True):
            kept = [index for index in order.tolist() if row[index] > HIDDEN / 2]
            found.append({"recommended": {self.items[index]: float(row[index]) for index in kept}})
        return found

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {"items": list(self.items), "popularity": list(self.popularity)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        items, popularity = state.get("items"), state.get("popularity")
        if not isinstance(items, list) or not all(isinstance(name, str) and name for name in items):
            raise BundleError("answer.items should be a list of names")
        if len(set(items)) != len(items) or not 2 <= len(items) <= MOST:
            raise BundleError(f"answer.items should be 2 to {MOST} different names; it has {len(items)}")
        if not isinstance(popularity, list) or not all(
            type(count) is int and 0 <= count < 2**53 for count in popularity
        ):
            raise BundleError("answer.popularity should be a list of counts")
        if len(popularity) not in (0, len(items)):
            raise BundleError("answer.popularity should have a count for each item, or none")
        return cls(tuple(items), tuple(popularity))


def best(output: Array, most: int = TOP) -> Array:
    """The numbers of the items with the highest scores, in order, of equal ones the first: (n, `most` or fewer)."""
    count = output.shape[1]
    if count <= most:
        return np.argsort(-output, axis=1, kind="stable")
    # every item that scores at least as high as the last one of the list, so that ties do not depend on chance
    edge = np.partition(output, count - most, axis=1)[:, count - most]
    rows = []
    for row, least in zip(output, edge, strict=True):
        kept = np.flatnonzero(row >= least)
        rows.append(kept[np.argsort(-row[kept], kind="stable")[:most]])
    return np.array(rows, np.int64).reshape(len(output), most)


def gains(lists: Array, target: Array) -> Array:
    """nDCG of top lists (n, k), for items chosen (n, m) filled up with -1: (n,)."""
    hits = (lists[:, :, None] == target[:, None, :]).any(axis=2)
    return np.asarray(hits @ DISCOUNTS[: lists.shape[1]] / ideal(np.maximum((target >= 0).sum(axis=1), 1)))


def ideal(counts: Array) -> Array:
    """The DCG of the best list where so many items are chosen, (n,)."""
    return np.asarray(np.cumsum(DISCOUNTS)[np.minimum(counts, TOP) - 1])


def whole_gains(output: Array, target: Array) -> Array:
    """nDCG of lists that are not cut off, for items chosen (n, m) filled up with -1: (n,)."""
    found = np.zeros(len(output))
    for row, (scores, chosen) in enumerate(zip(output, target, strict=True)):
        wanted = chosen[chosen >= 0]
        if len(wanted):
            places = len(scores) - np.searchsorted(np.sort(scores), scores[wanted], side="right")
            found[row] = (1 / np.log2(places + 2)).sum() / (1 / np.log2(np.arange(len(wanted)) + 2)).sum()
    return found


def recalls(lists: Array, target: Array) -> Array:
    """The share of the items chosen that are on the list, of those that there is room for: (n,)."""
    hits = (lists[:, :, None] == target[:, None, :]).any(axis=2).sum(axis=1)
    return np.asarray(hits / np.clip((target >= 0).sum(axis=1), 1, TOP))


def _mean(values: Array, _: Array) -> float:
    """The mean of what is defined; nan where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _chosen(label: object) -> list[str]:
    """The names in a label."""
    return [name for name in str(label).split("\n") if name]


ANSWER = Ranking
