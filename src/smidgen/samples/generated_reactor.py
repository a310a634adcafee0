"""Sensors of a made-up reactor, most of the time in order: generated, not measured."""

import numpy as np

from smidgen.data.listing import Columns, Listing, Sample
from smidgen.types import Array

SENSORS = (
    "feed flow [m3/h]", "feed temperature [C]", "jacket temperature [C]", "reactor temperature [C]",
    "pressure [bar]", "level [%]", "stirrer power [kW]", "product flow [m3/h]",
)  # fmt: skip
MEANS = np.array([12.0, 25.0, 80.0, 120.0, 3.2, 60.0, 4.5, 11.8])
DEVIATIONS = np.array([0.4, 1.0, 2.0, 1.5, 0.1, 3.0, 0.2, 0.4])
RUNS, STEPS, START = 32, 240, 120  # minutes; every fourth run has a fault, which starts in its middle
FAULTS = ("drifting sensor", "leak", "stuck valve")
MOVED = 3  # things that move the sensors: load, cooling, mixing
LAG, NOISE = 0.9, 0.3


def _listing(name: str) -> Listing:
    dice = np.random.default_rng(6)
    mixing = dice.normal(size=(MOVED, len(SENSORS)))
    mixing *= np.sqrt(1 - NOISE**2) / np.linalg.norm(mixing, axis=0)
    runs = [_run(dice, mixing, FAULTS[run // 4 % len(FAULTS)] if run % 4 == 3 else "") for run in range(RUNS)]
    values = np.concatenate([values for values, _ in runs])
    columns: dict[str, Array] = {
        "run": np.repeat(np.arange(1.0, RUNS + 1), STEPS),
        "time": np.tile(np.arange(STEPS, dtype=np.float64), RUNS),
        **{sensor: values[:, index] for index, sensor in enumerate(SENSORS)},
        "label": np.concatenate([labels for _, labels in runs]),
    }
    lines = [f"{name}:{row}" for row in range(1, len(values) + 1)]
    return Listing(name, "sample", lines, [], Columns(tuple(columns), columns, lines))


def _run(dice: np.random.Generator, mixing: Array, fault: str) -> tuple[Array, Array]:
    """The sensors over time (steps, sensors), and what is the matter at each step (steps,)."""
    moved = np.zeros((STEPS, MOVED))
    for step in range(STEPS):
        moved[step] = LAG * moved[step - 1] + np.sqrt(1 - LAG**2) * dice.normal(size=MOVED)
    values = moved @ mixing + NOISE * dice.normal(size=(STEPS, len(SENSORS)))
    labels = np.full(STEPS, "normal", object)
    if fault:
        after = np.arange(STEPS - START)
        labels[START:] = fault
        if fault == "drifting sensor":
            values[START:, 3] += np.minimum(after / 5, 8)
        elif fault == "leak":
            values[START:, 4] -= 3
            values[START:, 7] -= 2
        else:
            values[START:, 0] = values[START, 0] + 3
    return values * DEVIATIONS + MEANS, labels


SAMPLE = Sample("8 generated sensors of a reactor, one row a minute, with three kinds of faults", _listing)
