import numpy as np

from smidgen.data.store import MemoryStore
from smidgen.data.suspects import suspects
from smidgen.types import Array
from tests.data.build import noise


def clouds(each: int, classes: int = 4, seed: int = 0) -> tuple[Array, Array]:
    """Sketches around one centre for each class, and their classes."""
    generator = np.random.default_rng(seed)
    targets = np.arange(each * classes) % classes
    centres = generator.uniform(60, 190, (classes, 48))
    return (centres[targets] + generator.normal(0, 25, (len(targets), 48))).clip(0, 255).astype(np.uint8), targets


def hashes(count: int) -> Array:
    """As many different numbers, in no order."""
    return np.random.default_rng(9).permutation(count).astype(np.uint64)


def test_swapped_labels_are_found() -> None:
    sketches, targets = clouds(200)
    wrong = np.random.default_rng(1).choice(len(targets), 20, replace=False)
    given = targets.copy()
    given[wrong] = (given[wrong] + 1) % 4
    found, likelier, note = suspects(MemoryStore(sketches), given, hashes(len(targets)))
    assert note == ""
    assert set(found.tolist()) <= set(wrong.tolist())
    assert len(found) >= 10  # half of those are bound to be below the mean score
    assert (likelier == targets[found]).all()


def test_right_labels_are_left_alone() -> None:
    sketches, targets = clouds(200)
    found, _, note = suspects(MemoryStore(sketches), targets, hashes(len(targets)))
    assert (len(found), note) == (0, "")


def test_a_judge_that_knows_nothing_says_so() -> None:
    targets = np.arange(400) % 4
    found, _, note = suspects(MemoryStore(noise(400, 48)), targets, hashes(400))
    assert len(found) == 0
    assert note.startswith("Labels were not checked: a quick judge is right on only")


def test_a_judge_that_always_says_the_same_is_no_good_either() -> None:
    targets = (np.arange(400) % 20 == 0).astype(np.int64)
    _, _, note = suspects(MemoryStore(noise(400, 48)), targets, hashes(400))
    assert "a quick judge" in note


def test_too_few_examples() -> None:
    sketches, targets = clouds(9)
    found, _, note = suspects(MemoryStore(sketches), targets, hashes(len(targets)))
    assert (len(found), note) == (0, "Labels were not checked: that takes 10 examples of each class")
