"""Generated, not recorded: a quarter of a second of a tone, chord, rise, fall, noise or clicks, over quiet hiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import Listing, Rows, Sample, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.types import Array

RATE, LENGTH, EACH = 16_000, 4096, 150
Dice = np.random.Generator


def _tone(dice: Dice, time: Array) -> Array:
    return np.asarray(np.sin(2 * np.pi * dice.uniform(300, 3000) * time + dice.uniform(0, 6)))


def _chord(dice: Dice, time: Array) -> Array:
    root = dice.uniform(300, 1200)
    return sum((np.sin(2 * np.pi * root * step * time) for step in (1, 1.25, 1.5, 2)), np.zeros(len(time))) / 3


def _sweep(dice: Dice, time: Array, sign: int) -> Array:
    low, high = dice.uniform(300, 1000), dice.uniform(2000, 5000)
    start, end = (low, high)[::sign]
    return np.asarray(np.sin(2 * np.pi * (start + (end - start) / (2 * time[-1]) * time) * time))


def _noise(dice: Dice, time: Array) -> Array:
    return np.asarray(dice.standard_normal(len(time)) / 3)


def _clicks(dice: Dice, time: Array) -> Array:
    sound = np.zeros(len(time))
    sound[:: dice.integers(200, 600)] = 1
    return np.convolve(sound, dice.standard_normal(24) * np.exp(-np.arange(24) / 6), mode="same")


CLASSES: dict[str, Callable[[Dice, Array], Array]] = {
    "chord": _chord,
    "clicks": _clicks,
    "fall": lambda dice, time: _sweep(dice, time, -1),
    "noise": _noise,
    "rise": lambda dice, time: _sweep(dice, time, 1),
    "tone": _tone,
}


def _listing(name: str) -> Listing:
    dice, time = np.random.default_rng(0), np.arange(LENGTH) / RATE
    sounds, labels = [], []
    for label, make in CLASSES.items():
        for _ in range(EACH):
            loud = make(dice, time) * 10 ** dice.uniform(2.5, 4) + dice.standard_normal(LENGTH) * 10 ** dice.uniform(
                0, 2
            )
            sounds.append(np.clip(np.rint(loud), -32768, 32767).astype(np.int16))
            labels.append(label)
    return Listing(name, "sample", numbered(name, len(sounds)), labels, [Rows.of(name, np.stack(sounds))])


SAMPLE = Sample("900 generated sounds of a quarter of a second: tone, chord, rise, fall, noise, clicks", _listing)
