"""A whole network: from what the sensor gives to the task's answer."""

from typing import cast

import torch
from torch import Tensor, nn

from smidgen import registry
from smidgen.types import Answer, Family, Signal


class Network(nn.Module):
    """Front end, body and head in one module; `restore` is what a signal may put between body and head, in floats.

    `forward` takes the raw input, a batch of what the sensor gives, and returns raw outputs (batch, answer.width),
    which losses and distillation want; `answers` goes on through the head, as the shipped graph does.
    """

    def __init__(self, signal: Signal, answer: Answer, body: nn.Module) -> None:
        super().__init__()
        self.frontend = signal.frontend()
        self.body = body
        self.head = answer.head()
        restore = getattr(signal, "restore", None)
        self.restore: nn.Module | None = restore(answer) if restore else None

    def forward(self, raw: Tensor) -> Tensor:
        """Raw outputs (batch, width)."""
        output = self.body(self.frontend(raw))
        return cast("Tensor", output if self.restore is None else self.restore(raw, output))

    def answers(self, raw: Tensor) -> Tensor:
        """What the shipped graph answers: (batch, *answer.output.shape)."""
        return cast("Tensor", self.head(self(raw)))


class Answering(nn.Module):
    """Any module that gives raw outputs, with the answer's head behind it: what is exported."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def forward(self, raw: Tensor) -> Tensor:
        """The answer, (batch, *answer.output.shape)."""
        return cast("Tensor", self.head(self.network(raw)))


def build(signal: Signal, answer: Answer, family: str, size: int, activation: str = "relu", seed: int = 0) -> Network:
    """A fresh network of a family; the same seed gives the same weights."""
    module = cast("Family", registry.find("families", family))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(signal, answer, module.build(signal, answer, size, activation))


def example(signal: Signal, batch: int = 1, device: str = "cpu") -> Tensor:
    """A batch of zeros as the sensor would give it, (batch, *signal.input.shape)."""
    dtype = cast("torch.dtype", getattr(torch, signal.input.dtype))
    return torch.zeros((batch, *signal.input.shape), dtype=dtype, device=device)
