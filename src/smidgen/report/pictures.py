"""Small pictures inside the page."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

    from smidgen.types import Array

PIXELATED = 64  # up to this side, every pixel is shown as it is
LARGEST = 112  # larger pictures are scaled down to this


def data_uri(pixels: Array) -> str:
    """An array as the address of an image that needs no file: small ones as PNG, exact; large ones as small JPEG.

    Args:
        pixels: uint8, (height, width) or (height, width, channels); grey unless there are 3 channels or more.
    """
    picture = _picture(pixels)
    buffer = BytesIO()
    if max(picture.size) <= PIXELATED:
        picture.save(buffer, "PNG", optimize=True)
        kind = "png"
    else:
        picture.thumbnail((LARGEST, LARGEST))
        picture.save(buffer, "JPEG", quality=75)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _picture(pixels: Array) -> Image:
    from PIL import Image

    planes = np.atleast_3d(pixels)
    planes = planes[:, :, :3] if planes.shape[2] >= 3 else planes[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(planes, dtype=np.uint8))
