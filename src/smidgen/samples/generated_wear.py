"""Pumps that wear until they fail: generated, not measured."""

import numpy as np

from smidgen.data.listing import Listing, Sample
from smidgen.samples import _tables
from smidgen.types import Array

PUMPS = 40
SHORTEST, LONGEST = 90, 220  # hours of a life
SENSORS = ("temperature [C]", "pressure [bar]", "vibration [mm/s]", "current [A]")
NEW = np.array([60.0, 8.0, 2.0, 12.0])
WORN = np.array([18.0, -1.2, 4.0, 1.5])  # by how much each has moved at the end of a life
NOISE = np.array([1.5, 0.15, 0.4, 0.2])


def _listing(name: str) -> Listing:
    dice = np.random.default_rng(8)
    lives = [_life(dice) for _ in range(PUMPS)]
    values = np.concatenate(lives)
    columns = {
        "pump": np.repeat(np.arange(1.0, PUMPS + 1), [len(life) for life in lives]),
        "hour": np.concatenate([np.arange(1.0, len(life) + 1) for life in lives]),
        **{sensor: values[:, index] for index, sensor in enumerate(SENSORS)},
    }
    return _tables.listing(name, columns)


def _life(dice: np.random.Generator) -> Array:
    """The sensors of one pump, (hours, sensors): wear grows faster and faster, and no two pumps are alike."""
    hours = int(dice.integers(SHORTEST, LONGEST + 1))
    age = np.linspace(0, 1, hours)[:, None]
    wear = age ** dice.uniform(2, 4)
    return np.asarray(NEW * dice.normal(1, 0.01, 4) + wear * WORN + NOISE * dice.normal(size=(hours, 4)))


SAMPLE = Sample("generated sensors of 40 pumps from new to failure, one row an hour", _listing)
