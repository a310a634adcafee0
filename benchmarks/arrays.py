"""MNIST as arrays, in .npz files that every program here can read: arrays.py SOURCE FILE.npz [EXAMPLES]

With EXAMPLES, the training part has so many: a random choice, or, where there are fewer, all of them and further ones
that are synthetic: drawn again, shifted by up to one pixel, with noise. Prints how many are synthetic.
"""

import sys

import numpy as np

from smidgen.data.load import load
from smidgen.types import Array

NOISE = 12  # grey levels either way
TESTED = 2_000  # examples of the test part where the size of the training part is what matters


def write(source: str, path: str, examples: int = 0) -> int:
    """All of the source, or a training part of another size with part of its test part; how many are synthetic."""
    data = load(source)
    every = [part.inputs[np.arange(len(part))] for part in (data.train, data.validation, data.test)]
    x, y = np.concatenate(every[:2]), np.concatenate([data.train.targets, data.validation.targets])
    x_test, y_test = every[2], data.test.targets
    real = len(x)
    if examples:
        x, y = resized(x, y, examples)
        x_test, y_test = x_test[:TESTED], y_test[:TESTED]
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return max(0, examples - real)


def resized(x: Array, y: Array, examples: int, seed: int = 0) -> tuple[Array, Array]:
    """So many of (n, height, width, channels) uint8 images and their targets, in random order."""
    dice = np.random.default_rng(seed)
    order = dice.permutation(len(x))[:examples]
    again = dice.integers(len(x), size=max(0, examples - len(x)))
    added = np.empty((len(again), *x.shape[1:]), x.dtype)
    for index, (source, shift) in enumerate(zip(again, dice.integers(-1, 2, (len(again), 2)), strict=True)):
        moved = np.roll(x[source], shift, axis=(0, 1)).astype(np.int16)
        added[index] = np.clip(moved + dice.integers(-NOISE, NOISE + 1, moved.shape), 0, 255)
    return np.concatenate([x[order], added]), np.concatenate([y[order], y[again]])


if __name__ == "__main__":
    print(write(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
