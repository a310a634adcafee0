"""The race: all candidates are trained a little, the better half goes on, until one is left.

Successive halving (Jamieson & Talwalkar 2016, arXiv:1502.07943). A survivor keeps its weights.
"""

import math
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
    racers: Sequence[Racer], run: Callable[[Racer, int], Racer], keep: float = 1 / 3, judges: int = 0
) -> tuple[Racer, list[Candidate]]:
    """The winner, and the record of all candidates.

    Args:
        racers: at least one.
        run: trains a racer for one round (1, 2, ...) and returns it with its metric on validation.
        keep: the share that goes on after each round, at least one.
        judges: how many examples tell racers apart that have nothing left to learn. What is within one standard error
            of the best counts as equal to it then (Breiman et al. 1984). 0: a metric is taken as it is.
    """
    running: list[Racer] = list(racers)
    record: dict[tuple[str, int], Candidate] = {}
    number = 1
    while len(running) > 1:
        running = _ordered([run(racer, number) for racer in running], judges)
        record |= {_name(racer.candidate): racer.candidate for racer in running}
        staying = max(1, int(len(running) * keep))
        best = max(racer.candidate.metric or 0.0 for racer in running)
        for racer in running[staying:]:
            reason = f"dropped after round {number}: {racer.candidate.metric or 0:.2%} against {best:.2%} at best"
            record[_name(racer.candidate)] = replace(racer.candidate, reason=reason)
        running = running[:staying]
        number += 1
    winner = running[0]
    chosen = replace(winner.candidate, chosen=True)
    record[_name(chosen)] = chosen
    return Racer(chosen, winner.network), list(record.values())


def _ordered(racers: Sequence[Racer], judges: int) -> list[Racer]:
    """Better first; of equals, the smaller."""
    best = max(racer.candidate.metric or 0.0 for racer in racers)
    slack = math.sqrt(best * (1 - best) / judges) if judges and 0 < best < 1 else 0.0

    def standing(racer: Racer) -> tuple[float, int]:
        metric = racer.candidate.metric or 0.0
        return -(best if metric >= best - slack else metric), racer.candidate.cost.flash_bytes

    return sorted(racers, key=standing)


def _name(candidate: Candidate) -> tuple[str, int]:
    return candidate.family, candidate.size
