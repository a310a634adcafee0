"""The race: all candidates are trained a little, the better half goes on, until one is left.

Successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943). A survivor keeps its weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import nn

from smidgen.types import Candidate


@dataclass(frozen=True)
class Racer:
    """A candidate in the race, with its network as far as it is trained."""

    candidate: Candidate
    network: nn.Module


def race(
    racers: Sequence[Racer], run: Callable[[Racer, int], Racer], keep: float = 1 / 3
) -> tuple[Racer, list[Candidate]]:
    """The winner, and the record of all candidates.

    Args:
        racers: at least one.
        run: trains a racer for one round (1, 2, ...) and returns it with its metric on validation.
        keep: the share that goes on after each round, at least one.
    """
    running: list[Racer] = list(racers)
    record: dict[tuple[str, int], Candidate] = {}
    number = 1
    while len(running) > 1:
        running = sorted((run(racer, number) for racer in running), key=_standing, reverse=True)
        record |= {_name(racer.candidate): racer.candidate for racer in running}
        staying = max(1, int(len(running) * keep))
        best = running[0].candidate.metric or 0.0
        for racer in running[staying:]:
            reason = f"dropped after round {number}: {racer.candidate.metric or 0:.2%} against {best:.2%} at best"
            record[_name(racer.candidate)] = replace(racer.candidate, reason=reason)
        running = running[:staying]
        number += 1
    winner = running[0]
    chosen = replace(winner.candidate, chosen=True)
    record[_name(chosen)] = chosen
    return Racer(chosen, winner.network), list(record.values())


def _standing(racer: Racer) -> tuple[float, int]:
    """Better first; of equals, the smaller."""
    return racer.candidate.metric or 0.0, -racer.candidate.cost.flash_bytes


def _name(candidate: Candidate) -> tuple[str, int]:
    return candidate.family, candidate.size
