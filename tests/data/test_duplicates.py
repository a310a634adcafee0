import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from smidgen.data import duplicates
from smidgen.data.store import MemoryStore
from smidgen.signals.image import ImageSignal
from smidgen.types import Array
from tests.data.build import noise

CONTENTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.booleans()), min_size=2, max_size=40)


def pictures(count: int) -> Array:
    """Different smooth pictures, as photographs are: (count, 32, 32, 3)."""
    small = noise(count, 5, 5, 3)
    return np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in small])


def recompressed(pixels: Array) -> Array:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def near(images: Array, inside: int, contents: Array | None = None) -> list[list[int]]:
    """Pairs across a split of which the first `inside` images are the training part."""
    signal = ImageSignal(*images.shape[1:])
    numbers = np.arange(len(images)) if contents is None else contents
    found = duplicates.near(
        MemoryStore(signal.sketch(images)),
        MemoryStore(images),
        numbers.astype(np.uint64),
        np.arange(len(images)) < inside,
    )
    return [[int(one), int(other)] for one, other in found]


@given(CONTENTS)
def test_identical_examples_against_plain_python(rows: list[tuple[int, int, bool]]) -> None:
    values, labels, sides = zip(*rows, strict=True)
    contents, targets, trained = np.array(values, np.uint64), np.array(labels), np.array(sides)
    assert duplicates.copies(contents) == len(values) - len(set(values))
    seen = {value: {label for other, label, _ in rows if other == value} for value in values}
    conflicting = [values.index(value) for value in sorted(seen) if len(seen[value]) > 1]
    assert duplicates.conflicts(contents, targets).tolist() == conflicting
    if not trained.any():
        return
    inside = [value if side else None for value, side in zip(values, sides, strict=True)]
    outside = [index for index, value in enumerate(values) if not sides[index] and value in inside]
    expected = [[index, inside.index(values[index])] for index in outside]
    assert duplicates.crossing(contents, trained).tolist() == expected


def test_recompressed_pictures_are_found_and_others_are_not() -> None:
    images = pictures(300)
    again = np.stack([recompressed(one) for one in images[:40]])
    brighter = np.clip(images[40:50].astype(int) + 60, 0, 255).astype(np.uint8)
    found = near(np.concatenate([images, again, brighter]), 300)
    assert [pair for pair in found if pair[0] - 300 != pair[1]] == []
    assert len(found) >= 38  # of 40


def test_identical_examples_are_not_nearly_identical() -> None:
    images = pictures(50)
    assert near(np.concatenate([images, images]), 50, np.tile(np.arange(50), 2)) == []


def test_examples_that_are_all_alike_do_not_take_quadratic_work() -> None:
    keys = np.zeros(3000, np.uint64)
    assert len(duplicates._meet(keys[:1000], keys)) == 1000 * duplicates.CAPACITY
    flat = np.full((3000, 8, 8, 1), 7, np.uint8)
    flat[:, 0, 0, 0] = np.arange(3000) % 250
    assert len(near(flat, 2000)) <= 1000


def test_blurred_noise_is_another_picture() -> None:
    images = noise(20, 32, 32, 3)
    blurred = [np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(2))) for one in images]
    assert near(np.concatenate([images, np.stack(blurred)]), 20) == []
