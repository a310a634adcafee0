"""A long short-term memory (Hochreiter and Schmidhuber 1997), in one direction."""

from torch import nn

from smidgen.families import _recurrent
from smidgen.families._recurrent import LARGEST, SMALLEST
from smidgen.types import Answer, Signal

__all__ = ["LARGEST", "SMALLEST", "build"]


def build(signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
    """Sequences, maps as such, or bytes, -> raw outputs (batch, answer.width)."""
    return _recurrent.network(nn.LSTM, False, signal, answer, size, activation)
