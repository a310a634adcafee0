import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from smidgen.errors import BundleError, DataError, UsageError
from smidgen.signals import _pixels
from smidgen.signals.image import ImageSignal, _means
from smidgen.tasks.image_classification import TASK
from smidgen.types import Reading
from tests.data.build import encoded, noise


def how(resolution: int | None) -> Reading:
    return Reading(TASK, resolution=resolution)


SIGNALS = st.builds(
    ImageSignal,
    height=st.integers(16, 600),
    width=st.integers(16, 600),
    channels=st.sampled_from([1, 3]),
    zero_point=st.integers(0, 255),
    scale=st.floats(1e-3, 1),
    shrink=st.integers(1, 16),
)


@given(SIGNALS)
def test_json_and_back(signal: ImageSignal) -> None:
    assert ImageSignal.from_json(json.loads(json.dumps(signal.to_json()))) == signal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("height", value) for value in (0, "8", 8.0, True, None, 10**9)),
        *(("width", value) for value in (-1, 10**9)),
        *(("channels", value) for value in (0, 2, 4)),
        *(("zero_point", value) for value in (-1, 256, 0.5)),
        *(("scale", value) for value in (0.0, float("nan"), float("inf"), 2.0, 1, "1")),
        *(("shrink", value) for value in (0, 9)),
    ],
)
def test_states_that_make_no_sense(name: str, value: object) -> None:
    with pytest.raises(BundleError, match=name):
        ImageSignal.from_json({**ImageSignal(8, 8, 3).to_json(), name: value})


@given(st.dictionaries(st.sampled_from([*ImageSignal(1, 1, 1).to_json()]), st.none() | st.integers() | st.text()))
def test_incomplete_states(state: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        ImageSignal.from_json(state)


@given(SIGNALS)
def test_the_front_end_normalises_and_shrinks(signal: ImageSignal) -> None:
    torch = pytest.importorskip("torch")
    pixels = noise(2, *signal.input.shape)
    features = signal.frontend()(torch.from_numpy(pixels))
    assert features.dtype == torch.float32
    assert tuple(features.shape) == (2, *signal.feature_shape)
    size = signal.shrink
    corner = (pixels[:, :size, :size].astype(float) - signal.zero_point).mean(axis=(1, 2)) * signal.scale
    np.testing.assert_allclose(features[:, :, 0, 0].numpy(), corner, rtol=1e-3, atol=1e-3)


def test_what_is_learnt_from_training_pixels() -> None:
    blocks = [noise(7, 4, 4, 3), noise(5, 4, 4, 3, seed=1)]
    pixels = np.concatenate(blocks)
    signal = ImageSignal(4, 4, 3).learn(blocks)
    assert signal.zero_point == round(pixels.mean())
    assert signal.scale == pytest.approx(1 / pixels.std())
    assert ImageSignal(4, 4, 3).learn([np.full((2, 4, 4, 3), 9, np.uint8)]).scale == 1


@pytest.mark.parametrize(
    ("shape", "resolution", "shrink"),
    [
        ((28, 28, 1), None, 1), ((64, 64, 3), None, 1), ((96, 96, 3), None, 2), ((512, 384, 3), None, 6),
        ((28, 28, 1), 14, 2), ((28, 28, 1), 64, 1), ((128, 128, 3), 128, 1),
    ],
)  # fmt: skip
def test_images_of_one_size_keep_it(shape: tuple[int, ...], resolution: int | None, shrink: int) -> None:
    signal = ImageSignal.plan({shape: 10}, how(resolution))
    assert (signal.input.shape, signal.shrink) == (shape, shrink)


@pytest.mark.parametrize(
    ("shapes", "resolution", "planned"),
    [
        ({(480, 640, 3): 5}, None, (64, 84, 3)),
        ({(640, 480, 3): 5, (480, 640, 1): 1}, None, (84, 64, 3)),
        ({(640, 600, 1): 5}, 32, (32, 32, 1)),
        ({(640, 6400, 1): 5}, 32, (32, 64, 1)),
        ({(20, 20, 1): 5, (30, 30, 1): 9}, None, (30, 30, 1)),
    ],
)
def test_other_images_are_resized(
    shapes: dict[tuple[int, ...], int], resolution: int | None, planned: tuple[int, ...]
) -> None:
    signal = ImageSignal.plan(shapes, how(resolution))
    assert (signal.input.shape, signal.shrink) == (planned, 1)


def test_arrays_cannot_be_resized_but_shrunk() -> None:
    signal = ImageSignal.plan({(1024, 1024, 3): 5}, how(None), fixed=True)
    assert (signal.input.shape, signal.shrink) == ((1024, 1024, 3), 16)


@pytest.mark.parametrize("resolution", [3, 513])
def test_resolutions_that_make_no_sense(resolution: int) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        ImageSignal.plan({(8, 8, 1): 1}, how(resolution))


def test_one_file_for_prediction(tmp_path: Path) -> None:
    pixels = noise(1, 10, 12, 3)[0]
    (tmp_path / "cat.png").write_bytes(encoded(pixels))
    path = str(tmp_path / "cat.png")
    [(name, example)] = ImageSignal(10, 12, 3).examples(path)
    assert name == path
    assert (example == pixels).all()
    [(_, smaller)] = ImageSignal(5, 5, 1).examples(path)
    assert smaller.shape == (5, 5, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"text", "is not a JPEG, PNG or BMP image"),
        (b"\x89PNG\r\n\x1a\n", ""),
    ],
)
def test_files_that_cannot_be_loaded(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "cat.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"cat\.png .*{words}"):
        list(ImageSignal(8, 8, 1).examples(str(path)))
    with pytest.raises(DataError, match="is not a file"):
        list(ImageSignal(8, 8, 1).examples(str(tmp_path)))


def test_colour_is_dropped_only_where_there_is_none() -> None:
    signal = ImageSignal(4, 4, 3)
    grey = np.repeat(noise(5, 4, 4, 1), 3, axis=3)
    simplified = signal.simplify(grey)
    assert simplified is not None
    assert (simplified == grey[..., :1]).all()
    assert signal.simpler() == ImageSignal(4, 4, 1)
    grey[4, 3, 3, 2] ^= 1
    assert signal.simplify(grey) is None
    assert signal.simpler().simplify(grey[..., :1]) is None


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
def test_sketches_are_means_over_a_grid(height: int, width: int, channels: int) -> None:
    signal = ImageSignal(height, width, channels)
    pixels = noise(3, height, width, channels)
    sketch = signal.sketch(pixels)
    assert sketch.shape == (3, min(height, 16) * min(width, 16) * channels)
    np.testing.assert_allclose(sketch.reshape(3, channels, -1).mean(axis=2), pixels.mean(axis=(1, 2)), atol=0.6)
    np.testing.assert_allclose(_means(height, min(height, 16)).sum(axis=1), 1, rtol=1e-5)


def test_files_and_arrays_are_read_alike() -> None:
    pixels = noise(1, 9, 7, 3)[0]
    signal = ImageSignal(9, 7, 3)
    for form in ("PNG", "BMP"):
        assert (signal.decode(encoded(pixels, form)) == pixels).all()
    assert signal.header(io.BytesIO(encoded(pixels)), "cat.PNG") == ((9, 7, 3), "")
    assert signal.header(io.BytesIO(encoded(pixels)), "cat.jpg") == ((9, 7, 3), "PNG")
    assert signal.header(io.BytesIO(encoded(pixels[..., 0], "JPEG")), "cat.jpeg") == ((9, 7, 1), "")


@given(st.binary(max_size=300), st.integers(0, 200), st.sampled_from(["PNG", "JPEG", "BMP"]))
def test_any_damage_gives_pixels_or_a_data_error(patch: bytes, at: int, form: str) -> None:
    content = bytearray(encoded(noise(1, 16, 16, 3)[0], form))
    content[at : at + len(patch)] = patch
    try:
        pixels = ImageSignal(8, 8, 1).decode(bytes(content))
    except DataError:
        return
    assert pixels.shape == (8, 8, 1)
    assert pixels.dtype == np.uint8


def test_an_unreadable_exif_does_not_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    _pixels._quieten.cache_clear()
    stream = io.BytesIO()
    Image.fromarray(noise(1, 8, 8)[0]).save(stream, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01")
    assert ImageSignal(8, 8, 1).decode(stream.getvalue()).shape == (8, 8, 1)
