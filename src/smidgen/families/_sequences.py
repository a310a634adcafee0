"""What families of sequences share."""

from torch import Tensor, nn

from smidgen.errors import Unsupported
from smidgen.types import Signal


class AsMap(nn.Module):
    """Sequences (batch, channels, time), or maps that are read along their width, as (batch, channels, 1, time)."""

    def __init__(self, channels: int, time: int) -> None:
        super().__init__()
        self.channels, self.time = channels, time

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> (batch, channels, 1, time)."""
        return x.reshape(-1, self.channels, 1, self.time)


def steps(signal: Signal) -> tuple[int, int]:
    """Channels and steps in time of what a signal's front end gives; raises Unsupported where it is no sequence."""
    shape = signal.feature_shape
    if len(shape) == 3:
        return shape[0] * shape[1], shape[2]
    if len(shape) == 2:
        return shape[0], shape[1]
    raise Unsupported(f"features of the shape {shape}", f"A family of sequences on {signal.kind}", "It takes sequences")
