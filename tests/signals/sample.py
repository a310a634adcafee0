"""What tests of series share."""

from typing import cast

from smidgen.answers.values import Values
from smidgen.types import Answer


def values(count: int = 1, mean: float = 0.0, deviation: float = 1.0) -> Answer:
    """An answer of so many values of one scale."""
    return cast("Answer", Values((mean,) * count, (deviation,) * count))
