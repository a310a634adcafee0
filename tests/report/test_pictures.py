from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from smidgen.report.pictures import LARGEST, data_uri

from .conftest import picture


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_picture_keeps_every_pixel(channels: int) -> None:
    pixels = picture(0, 28, 20, channels)
    uri = data_uri(pixels)
    assert uri.startswith("data:image/png;base64,")
    assert np.array_equal(np.asarray(decoded(uri)).reshape(pixels.shape), pixels)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGB"), (7, "RGB")])
def test_any_number_of_channels_can_be_shown(channels: int, mode: str) -> None:
    assert decoded(data_uri(picture(0, 5, 6, channels))).mode == mode


def test_grey_needs_no_channel_axis() -> None:
    assert data_uri(picture(0)[:, :, 0]) == data_uri(picture(0))


def test_a_large_picture_becomes_a_small_one_of_the_same_shape() -> None:
    uri = data_uri(picture(0, 300, 600, 3))
    assert decoded(uri).size == (LARGEST, LARGEST // 2)
    assert len(uri) < 20_000
