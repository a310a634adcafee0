"""One of several named classes: softmax probabilities out, accuracy as the metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from smidgen.errors import BundleError, UsageError
from smidgen.types import Array, Json, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

TEMPERATURE = 3.0  # softens both sides of `imitation`; 2 to 4 suits students far smaller than their teacher
MOST = 10_000  # more classes than this in a bundle is damage, not a model


@dataclass(frozen=True)
class Classes:
    """Each example is exactly one of `names`; a target is the index of its class."""

    names: tuple[str, ...]

    kind = "classes"
    metric = "accuracy"
    losses = ("cross-entropy", "mse")

    @property
    def width(self) -> int:
        """One logit for each class."""
        return len(self.names)

    @property
    def output(self) -> TensorSpec:
        """The probability of each class; they sum to 1."""
        return TensorSpec("probabilities", "float32", (self.width,))

    def head(self) -> nn.Module:
        """Softmax: (batch, width) logits to probabilities."""
        from torch import nn

        return nn.Softmax(dim=1)

    def loss(self, raw: Tensor, target: Tensor, name: str = "cross-entropy", smoothing: float = 0.0) -> Tensor:
        """The training loss, a scalar.

        "cross-entropy" is between softmax and target; "mse" is the mean, over batch and classes, of the squared
        difference between softmax probabilities and target. Both smooth labels as Szegedy et al. 2016
        (arXiv:1512.00567) do: `smoothing` of the mass is spread evenly over all classes.

        Args:
            raw: logits, (batch, width).
            target: class indices, (batch,) int64; or a distribution over classes, (batch, width) float.
            name: one of `losses`.
            smoothing: 0 (none) to 1.
        """
        from torch.nn import functional

        if name == "cross-entropy":
            return functional.cross_entropy(raw, target, label_smoothing=smoothing)
        if name == "mse":
            hard = functional.one_hot(target, self.width).to(raw.dtype) if target.ndim == 1 else target
            return functional.mse_loss(raw.softmax(1), hard * (1 - smoothing) + smoothing / self.width)
        raise UsageError(f"There is no loss called {name!r} for classes", f"Use one of: {', '.join(self.losses)}")

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """KL(teacher || student) of distributions softened by `TEMPERATURE`, a scalar.

        Times the squared temperature, so that its gradient keeps the scale of the hard loss (Hinton et al. 2015,
        arXiv:1503.02531, section 2). Both arguments are logits, (batch, width).
        """
        from torch.nn import functional

        student_log = functional.log_softmax(raw / TEMPERATURE, dim=1)
        teacher_log = functional.log_softmax(teacher / TEMPERATURE, dim=1)
        divergence = functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
        return divergence * TEMPERATURE**2

    def decide(self, output: Array) -> Array:
        """The likeliest class of each example: (n, width) to (n,) indices."""
        return np.asarray(output.argmax(axis=1))

    def correct(self, output: Array, target: Array) -> Array:
        """1 where the likeliest class is the target, else 0: (n,) float."""
        return np.asarray(self.decide(output) == target, np.float64)

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example: the likeliest class, its probability, and the probability of every class."""
        return [
            {
                "label": self.names[best],
                "probability": float(row[best]),
                "probabilities": {name: float(value) for name, value in zip(self.names, row, strict=True)},
            }
            for row, best in zip(output, self.decide(output), strict=True)
        ]

    def to_json(self) -> dict[str, Json]:
        """The names, in the order of the outputs."""
        return {"names": list(self.names)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError unless `names` is two or more different names."""
        names = state.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise BundleError("answer.names should be a list of class names")
        if len(set(names)) != len(names) or not 2 <= len(names) <= MOST:
            raise BundleError(f"answer.names should be 2 to {MOST} different names; it has {len(names)}")
        return cls(tuple(names))


ANSWER = Classes
