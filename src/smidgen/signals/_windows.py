"""Windows cut from runs, and which part of the split each belongs to, so that none straddles two."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.split import PART_NAMES
from smidgen.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.signals._runs import Run
    from smidgen.types import Array, Reading

TRAINED, VALIDATED = 0.70, 0.85  # of a run: where the training stretch ends, and where that for validation does
LONGEST = 2**16  # steps of a window
MANY = 4  # sensors that together say at one time whether all is normal
FEWEST_RUNS = 3  # of each class, for a split by whole runs
USUAL = {"remaining": (1 / 3, 4, 64), "future": (0.04, 8, 48), "label": (0.015, 1, 1024)}  # share of a run, least, most


@dataclass(frozen=True)
class Plan:
    """How windows are cut. `steps`: from one to the next, in training and elsewhere; `gap`: between stretches."""

    window: int
    steps: tuple[int, int]
    horizon: int = 0
    padded: bool = False  # whether the first windows of a run begin before it, filled with its first row
    by_time: bool = True
    gap: int = 0

    @property
    def rule(self) -> str:
        """How the windows come to be in one part or another, in words."""
        if not self.by_time:
            return ""
        apart = f", a gap of {self.gap} steps between them" if self.gap else ""
        share, rest = f"{TRAINED:.0%}".replace("%", " %"), f"{VALIDATED - TRAINED:.0%}".replace("%", " %")
        return (
            f"by time: the first {share} of each run train, the next {rest} validation, the rest test{apart}; "
            "no window reaches from one into another"
        )


@dataclass
class Cut:
    """Windows by run and last step, (n,) each, with their parts where these are known."""

    runs: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def add(self, run: int, ends: Array, part: str) -> None:
        """Windows of one run."""
        self.runs += [run] * len(ends)
        self.ends += ends.tolist()
        self.parts += [part] * len(ends)


class Windows:
    """The windows of runs as a store, cut when they are asked for: `store[indices]` is (b, window, channels)."""

    dtype = "float32"

    def __init__(self, runs: Sequence[Run], cut: Cut, window: int) -> None:
        before = window - 1
        padded = [np.concatenate([np.repeat(run.values[:1], before, axis=0), run.values]) for run in runs]
        offsets = np.cumsum([0, *(len(values) for values in padded[:-1])])
        self._values = np.concatenate(padded)  # (steps of all runs, channels)
        self._starts = offsets[np.array(cut.runs, np.int64)] + np.array(cut.ends, np.int64)
        self.shape: tuple[int, ...] = (window, self._values.shape[1])

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, indices: Array) -> Array:
        return self._values[self._starts[indices][:, None] + np.arange(self.shape[0])]


def plan(runs: Sequence[Run], how: Reading) -> Plan:
    """How to cut these runs for a task, where the user does not say.

    Raises:
        UsageError: a window, a hop or a horizon that makes no sense.
    """
    target = how.task.target if how.task.target in USUAL else "label"
    whole = target == "remaining" or (target == "label" and _many(runs))
    given = any(run.parts is not None for run in runs)
    window = _first(how.window, _usual_window(runs, how, target, whole))
    hop = _first(how.hop, max(1, window // 8) if target == "label" else 1)
    horizon = _first(how.horizon, max(1, window // 4))
    for name, value in (("window", window), ("hop", hop), ("horizon", horizon)):
        if not 1 <= value <= LONGEST:
            raise UsageError(f"--{name} {value} makes no sense", f"Use 1 to {LONGEST} steps")
    apart = max(hop, window) if target == "label" and (given or not whole) else hop
    gap = window if target == "label" else 0
    horizon = horizon if target == "future" else 0
    return Plan(window, (hop, apart), horizon, target == "remaining", not given and not whole, gap)


def _usual_window(runs: Sequence[Run], how: Reading, target: str, whole: bool) -> int:
    """Steps of a window by what the task needs to see; a single one where many sensors are watched for what is odd."""
    if how.task.target == "normal" and runs[0].values.shape[1] >= MANY:
        return 1
    share, least, most = USUAL[target]
    share = 0.5 if whole and target == "label" else share
    return max(least, min(most, round(share * median(len(run) for run in runs))))


def cut(runs: Sequence[Run], how: Plan) -> Cut:
    """All windows that have a target, and their parts where the runs are divided by time or the source gives parts.

    Raises:
        DataError: there are none, or one part would get none.
    """
    found = Cut()
    for index, run in enumerate(runs):
        if run.parts is not None:
            for part in PART_NAMES:
                ends = _ends(run, how, 0, len(run), how.steps[part != "train"])
                found.add(index, ends[_within(run.parts, part, ends, how.window)], part)
        elif how.by_time:
            _by_time(found, index, run, how)
        else:
            found.add(index, _ends(run, how, 0, len(run), how.steps[0]), "")
    if not found.ends:
        raise DataError("There are no windows to learn from", f"Use a --window of less than {how.window} steps")
    if how.by_time and (lacking := [part for part in PART_NAMES if part not in found.parts]):
        raise DataError(
            f"The runs are too short: {' and '.join(lacking)} would get no window of {how.window} steps",
            "Use a smaller --window or --horizon, or give longer recordings",
        )
    return found


def _first(wanted: int | None, usual: int) -> int:
    return usual if wanted is None else wanted


def newest(runs: Sequence[Run]) -> Cut:
    """The last window of each run."""
    return Cut(list(range(len(runs))), [len(run) - 1 for run in runs], [""] * len(runs))


def _many(runs: Sequence[Run]) -> bool:
    """Whether there are enough runs of every class that whole runs can be divided."""
    if len(runs) < FEWEST_RUNS or any(run.targets is None for run in runs):
        return False
    each = [run.targets[0] for run in runs if run.targets is not None and len(set(run.targets.tolist())) == 1]
    varied = len(each) < len(runs)
    counts = [each.count(name) for name in set(each)]
    enough = bool(counts) and min(counts) >= FEWEST_RUNS
    return enough or (varied and len(runs) >= 2 * FEWEST_RUNS)


def _by_time(found: Cut, index: int, run: Run, how: Plan) -> None:
    """The windows of a run that lie in its first, second or third stretch as a whole."""
    edges = [0, round(TRAINED * len(run)), round(VALIDATED * len(run)), len(run)]
    for number, part in enumerate(PART_NAMES):
        start = edges[number] + (how.gap if number else 0)
        found.add(index, _ends(run, how, start, edges[number + 1], how.steps[number > 0]), part)


def _ends(run: Run, how: Plan, start: int, stop: int, hop: int) -> Array:
    """The last steps of the windows in start..stop that have a target, `hop` apart; horizons end before `stop`."""
    first = start if how.padded else start + how.window - 1
    last = stop - 1 - how.horizon
    if first > last and start == 0 and stop == len(run) and last >= 0:
        first = last  # a run that is shorter than a window gives one, padded
    ends = np.arange(last, first - 1, -hop)[::-1]
    return ends if run.targets is None else ends[_has_target(run.targets, ends)]


def _has_target(targets: Array, ends: Array) -> Array:
    wanted = targets[ends]
    return np.isfinite(wanted) if targets.dtype.kind == "f" else np.asarray(wanted != "", bool)


def _within(parts: Array, part: str, ends: Array, window: int) -> Array:
    """Whether windows end in a part and hold nothing of another one, (n,) bool."""
    foreign = np.concatenate([[0], np.cumsum((parts != part) & (parts != ""))])
    starts = np.maximum(ends + 1 - window, 0)
    return np.asarray((parts[ends] == part) & (foreign[ends + 1] == foreign[starts]), bool)
