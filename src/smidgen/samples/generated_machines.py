"""Vibrations of a made-up machine in four states: generated, not measured."""

import numpy as np

from smidgen.data.listing import Listing, Recordings, Sample
from smidgen.types import Array

RATE, SECONDS = 2000, 8  # samples a second, length of each recording
SHAFT = 25.0  # turns a second
STATES = ("bearing fault", "loose", "normal", "unbalance")


def _listing(name: str) -> Listing:
    dice = np.random.default_rng(11)
    arrays = [_recording(state, dice).astype(np.float32)[:, None] for state in STATES]
    names = [f"{name}:{state}" for state in STATES]
    return Listing(name, "sample", names, STATES, Recordings(arrays, ("acceleration [g]",)))


def _recording(state: str, dice: np.random.Generator) -> Array:
    """Turning, its harmonics, and noise; a fault adds to one of them, or rings the housing 3.6 times a turn."""
    turns = np.cumsum(SHAFT * (1 + 0.01 * dice.normal(size=RATE * SECONDS).cumsum() / 50)) / RATE
    sizes = {"unbalance": (1.5, 0.2, 0.1, 0.1), "loose": (0.5, 0.6, 0.5, 0.4)}.get(state, (0.5, 0.2, 0.1, 0.1))
    wave = sum(size * np.sin(2 * np.pi * (turn + 1) * turns + turn) for turn, size in enumerate(sizes))
    if state == "bearing fault":
        hits = np.diff(np.floor(3.6 * turns), prepend=0) > 0
        time = np.arange(60) / RATE
        ringing = np.exp(-120 * time) * np.sin(2 * np.pi * 480 * time)
        wave = wave + np.convolve(hits * (1 + 0.2 * dice.normal(size=len(hits))), 1.5 * ringing)[: len(hits)]
    return np.asarray(wave + 0.4 * dice.normal(size=len(turns)))


SAMPLE = Sample("generated vibrations of a machine in four states, 8 seconds of each", _listing)
