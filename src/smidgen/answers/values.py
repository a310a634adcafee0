"""Numbers in their own unit: how many cycles are left, how high the price will be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Array, Json, Statistic, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from smidgen.types import Labels, Reading

BINS = 10  # of targets, for a split that gives each part its share of high and low ones
ALIKE = 0.1  # deviations between two answers that mean the same
MOST = 1000  # values of one answer


@dataclass(frozen=True)
class Values:
    """Each example has `len(means)` values; networks learn them standardised, and the graph answers in units.

    `means` and `deviations` are those of the training targets; what the graph answers stays within `low` and `high`.
    """

    means: tuple[float, ...] = (0.0,)
    deviations: tuple[float, ...] = (1.0,)
    low: float = -math.inf
    high: float = math.inf
    names: tuple[str, ...] = ()
    unit: str = ""

    kind = "values"
    metric = "r2"
    losses: ClassVar[tuple[str, ...]] = ("mse", "huber", "mae")

    @classmethod
    def prepare(cls, labels: Labels, how: Reading, source: str) -> tuple[Self, Array]:
        """Values, (n, k) float32; those above `how.cap` count as that. Raises DataError where they are no numbers."""
        answer = cls(high=math.inf if how.cap is None else how.cap)
        targets = answer.targets(labels, source)
        width = targets.shape[1]
        return replace(answer, means=(0.0,) * width, deviations=(1.0,) * width), targets

    def targets(self, labels: Labels, source: str) -> Array:
        """The values, (n, k) float32, at most `high`. Raises DataError."""
        try:
            values = np.asarray(labels, np.float32)
        except ValueError:
            raise DataError(f"What is to be predicted in {source} is not a number", "Say another --target") from None
        values = values.reshape(len(values), -1)
        if not np.isfinite(values).all():
            raise DataError(f"Some of what is to be predicted in {source} is missing", "Remove those rows")
        return np.asarray(np.minimum(values, self.high), np.float32)

    def learn(self, targets: Array) -> Self:
        """The means and deviations of the training part, and the range that answers stay in."""
        deviations = targets.std(axis=0)
        if (deviations == 0).all():
            raise DataError("What is to be predicted is always the same", "Say another --target")
        low, high = float(targets.min()), float(targets.max())
        reach = high - low
        return replace(
            self,
            means=tuple(float(mean) for mean in targets.mean(axis=0)),
            deviations=tuple(float(deviation) or 1.0 for deviation in deviations),
            low=0.0 if low >= 0 else low - reach,
            high=self.high if math.isfinite(self.high) else high + reach,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """None: values are no classes."""
        return ()

    def strata(self, targets: Array) -> Array:
        """The tenth of all examples that the first value is in."""
        edges = np.quantile(targets[:, 0], np.linspace(0, 1, BINS + 1)[1:-1])
        return np.searchsorted(edges, targets[:, 0]).astype(np.int64)

    @property
    def width(self) -> int:
        """One raw output for each value."""
        return len(self.means)

    @property
    def output(self) -> TensorSpec:
        """The values, in their unit."""
        return TensorSpec("values", "float32", (self.width,))

    def head(self) -> nn.Module:
        """Standardised values (batch, width) to values in their unit."""
        from smidgen.answers._heads import Units

        return Units(self.means, self.deviations, self.low, self.high)

    def loss(self, raw: Tensor, target: Tensor, name: str = "mse", smoothing: float = 0.0) -> Tensor:  # noqa: ARG002
        """The training loss on standardised values, a scalar: mse, mae, or huber (Huber 1964) with its corner at 1.

        Args:
            raw: (batch, width).
            target: in units, (batch, width).
            name: one of `losses`.
            smoothing: of no use here.
        """
        import torch
        from torch.nn import functional

        means, deviations = (torch.tensor(each, device=raw.device) for each in (self.means, self.deviations))
        wanted = (target - means) / deviations
        if name == "mse":
            return functional.mse_loss(raw, wanted)
        if name == "mae":
            return functional.l1_loss(raw, wanted)
        if name == "huber":
            return functional.huber_loss(raw, wanted)
        raise UsageError(f"There is no loss called {name!r} for values", f"Use one of: {', '.join(self.losses)}")

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """The mean squared difference, a scalar."""
        from torch.nn import functional

        return functional.mse_loss(raw, teacher)

    def calibrate(self, output: Array, target: Array) -> Self:  # noqa: ARG002
        """Nothing is left to choose."""
        return self

    def decide(self, output: Array) -> Array:
        """The values."""
        return output

    def same(self, one: Array, other: Array) -> Array:
        """Whether all values differ by less than a tenth of their deviation."""
        return np.asarray((np.abs(one - other) <= ALIKE * np.array(self.deviations)).all(axis=1))

    def correct(self, output: Array, target: Array) -> Array:
        """1 less the squared error in units of the variance of the training targets, so that the mean is R2: (n,).

        1 is perfect, 0 is as good as always answering the training mean.
        """
        errors = (output.astype(np.float64) - target) / np.array(self.deviations)
        return np.asarray(1 - (errors**2).mean(axis=1))

    def standing(self, output: Array, target: Array) -> float:
        """R2."""
        return float(np.mean(self.correct(output, target)))

    def statistics(self) -> Sequence[Statistic]:
        """The root mean square error and the mean absolute error."""
        return [
            Statistic("rmse", lambda output, target: float(np.sqrt(np.mean((output - target) ** 2))), self.unit),
            Statistic("mae", lambda output, target: float(np.mean(np.abs(output - target))), self.unit),
        ]

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example: its value and unit, or its values by name."""
        unit = {"unit": self.unit} if self.unit else {}
        names = self.names or tuple(f"value {index + 1}" for index in range(self.width))
        if self.width == 1:
            return [{"value": float(row[0]), **unit} for row in output]
        return [{"values": dict(zip(names, map(float, row), strict=True)), **unit} for row in output]

    def to_json(self) -> dict[str, Json]:
        """The fields by name; a range without an end is null."""
        ends = {
            name: value if math.isfinite(value) else None for name, value in (("low", self.low), ("high", self.high))
        }
        return {
            "means": list(self.means),
            "deviations": list(self.deviations),
            "names": list(self.names),
            "unit": self.unit,
            **ends,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        means, deviations = (_numbers(state, name) for name in ("means", "deviations"))
        names, unit = state.get("names"), state.get("unit")
        if len(means) != len(deviations) or not 1 <= len(means) <= MOST or min(deviations) <= 0:
            raise BundleError("answer.means and answer.deviations should be as many numbers, deviations above 0")
        if not isinstance(names, list) or len(names) not in (0, len(means)) or not all(type(n) is str for n in names):
            raise BundleError("answer.names should have a name for each value, or none")
        if type(unit) is not str:
            raise BundleError("answer.unit should be a string")
        ends = [state.get(name) for name in ("low", "high")]
        if not all(end is None or type(end) is float for end in ends):
            raise BundleError("answer.low and answer.high should be numbers, or null")
        low, high = ends
        return cls(
            means, deviations, -math.inf if low is None else low, math.inf if high is None else high, tuple(names), unit
        )


def _numbers(state: Mapping[str, Json], name: str) -> tuple[float, ...]:
    values = state.get(name)
    if not isinstance(values, list) or not all(type(value) is float and math.isfinite(value) for value in values):
        raise BundleError(f"answer.{name} should be a list of numbers")
    return tuple(values)


ANSWER = Values
