import io

import numpy as np
import pytest
from PIL import Image

from smidgen.data.listing import Rows
from smidgen.errors import DataError
from smidgen.signals import _pixels
from smidgen.types import Array
from tests.data.build import encoded, noise


def content(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def decode(image: Image.Image, channels: int = 3, **options: object) -> Array:
    return _pixels.decode(content(image, **options), image.height, image.width, channels)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_cameras_that_are_held_sideways(form: str) -> None:
    exif = Image.Exif()
    exif[_pixels.ORIENTATION] = 6  # turn clockwise to see it upright
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    data = content(Image.fromarray(pixels), form, exif=exif)
    assert _pixels.header(io.BytesIO(data), f"a.{form.lower()}") == ((32, 16, 3), "")
    upright = _pixels.decode(data, 32, 16, 3)
    assert upright[:14].min() > 200
    assert upright[18:].max() < 50


def test_transparency_becomes_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (10, 20, 30, 255)
    rgba[0, 1] = (0, 0, 0, 128)
    pixels = decode(Image.fromarray(rgba))
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[1, 1].tolist() == [255, 255, 255]
    assert 120 <= pixels[0, 1, 0] <= 130
    assert decode(Image.fromarray(rgba).convert("LA"), 1)[1, 1] == 255


def test_palettes() -> None:
    image = Image.new("P", (2, 2))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1, 1, 0])
    assert decode(image)[0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert _pixels.header(io.BytesIO(content(image)), "a.png")[0] == (2, 2, 3)


def test_one_bit() -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert decode(image, 1).ravel().tolist() == [0, 255]


@pytest.mark.parametrize("value", [0, 255, 256, 32768, 65535])
def test_sixteen_bits_become_eight(value: int) -> None:
    image = Image.fromarray(np.full((2, 2), value, np.uint16))
    assert image.mode == "I;16"
    assert set(decode(image, 1).ravel().tolist()) == {value >> 8}
    assert _pixels.header(io.BytesIO(content(image)), "a.png")[0] == (2, 2, 1)


def test_other_sizes_are_cropped_around_the_centre() -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    assert (_pixels.decode(encoded(pixels), 10, 10, 1)[:, 1:-1] == 255).all()


def test_reducing_is_antialiased() -> None:
    stripes = np.tile(np.array([[0, 255]], np.uint8), (64, 32))
    assert abs(_pixels.decode(encoded(stripes), 8, 8, 1).astype(int) - 127).max() <= 8


def test_large_photographs_are_decoded_small_and_right() -> None:
    ramp = np.tile(np.linspace(0, 255, 1600).astype(np.uint8), (1200, 1))
    data = content(Image.fromarray(ramp), "JPEG", quality=95)
    expected = Image.fromarray(ramp).resize((64, 48), Image.Resampling.BICUBIC)
    assert abs(_pixels.decode(data, 48, 64, 1)[..., 0].astype(int) - np.asarray(expected)).max() <= 3


def test_images_of_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pixels, "MOST_PIXELS", 99)
    data = encoded(noise(1, 10, 10)[0])
    with pytest.raises(DataError, match="has 10 x 10 pixels"):
        _pixels.header(io.BytesIO(data), "a.png")
    with pytest.raises(DataError, match="has 10 x 10 pixels"):
        _pixels.decode(data, 8, 8, 1)


def test_other_formats_are_refused() -> None:
    for form in ("GIF", "TIFF"):
        with pytest.raises(DataError, match="is not a JPEG, PNG or BMP image"):
            _pixels.decode(content(Image.fromarray(noise(1, 8, 8)[0]), form), 8, 8, 1)


U8 = noise(6, 4, 5)


@pytest.mark.parametrize(
    ("array", "scaled"),
    [
        (U8, False), (U8.astype(np.int64), False), (U8.astype(np.float64), False), (U8 / 255, True),
        ((U8 / 255).astype(np.float32), True),
    ],
    ids=["uint8", "int64", "float of 0..255", "float of 0..1", "float32"],
)  # fmt: skip
def test_numbers_become_pixels(array: Array, scaled: bool) -> None:
    shape, adapt, notes = _pixels.adapter([Rows.of("x", array)])
    assert shape == (4, 5, 1)
    assert (adapt(array) == U8[..., None]).all()
    assert adapt(array).dtype == np.uint8
    assert bool(notes) == scaled


def test_truth_values_are_black_and_white() -> None:
    array = U8 > 127
    _, adapt, _ = _pixels.adapter([Rows.of("x", array)])
    assert set(np.unique(adapt(array))) == {0, 255}


def test_channels_first_or_last() -> None:
    last = noise(3, 4, 5, 3)
    shape, adapt, notes = _pixels.adapter([Rows.of("x", last)])
    assert (shape, notes, (adapt(last) == last).all()) == ((4, 5, 3), [], True)
    first = last.transpose(0, 3, 1, 2)
    shape, adapt, notes = _pixels.adapter([Rows.of("x", first)])
    assert (shape, (adapt(first) == last).all()) == ((4, 5, 3), True)
    assert notes == ["x has its channels first; they were put last"]


def test_parts_of_different_ranges() -> None:
    with pytest.raises(DataError, match="different ranges"):
        _pixels.adapter([Rows.of("train", U8), Rows.of("test", U8 / 255)])
