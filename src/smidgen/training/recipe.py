"""How a network is trained: every choice of the training loop in one record."""

from dataclasses import dataclass, field, replace
from typing import Self

from smidgen.errors import UsageError
from smidgen.types import Changes


@dataclass(frozen=True)
class Recipe:
    """The options of one training run. Immutable: `with_` gives a changed copy."""

    epochs: int = 12
    batch_size: int = 128
    steps: int = 0  # in an epoch at most; 0: as many as the data has
    optimizer: str = "adamw"
    learning_rate: float = 8e-3  # the peak of the schedule
    weight_decay: float = 0.02
    momentum: float = 0.9
    schedule: str = "one-cycle"
    warmup: float = 0.15  # the share of all steps before the peak
    loss: str = "cross-entropy"
    smoothing: float = 0.05  # of the labels
    ema: float = 0.0  # decay of the moving average of the weights a step; 0: none
    imitation: float = 0.7  # the share of the loss that a teacher gets, where there is one
    clean: float = 0.1  # the share of all steps, the last ones, without augmentation
    patience: int = 0  # epochs without progress before stopping early; 0: never
    augmentation: Changes = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        positive = {"epochs": self.epochs, "batch-size": self.batch_size, "learning-rate": self.learning_rate}
        for name, value in positive.items():
            if not value > 0:
                raise UsageError(f"--{name} must be above 0, not {value}", "Leave it out for the default")
        shares = {
            "warmup": self.warmup,
            "smoothing": self.smoothing,
            "ema": self.ema,
            "momentum": self.momentum,
            "imitation": self.imitation,
            "clean": self.clean,
        }
        for name, value in shares.items():
            if not 0 <= value < 1:
                raise UsageError(
                    f"--{name} must be at least 0 and below 1, not {value}", "Leave it out for the default"
                )
        if self.weight_decay < 0 or self.patience < 0:
            raise UsageError("--weight-decay and --patience must not be negative", "Leave them out for the defaults")

    def with_(self, **changes: object) -> Self:
        """A copy with some options changed."""
        return replace(self, **changes)  # type: ignore[arg-type]
