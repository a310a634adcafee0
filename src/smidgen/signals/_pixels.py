"""Turn image files and arrays of images into uint8 pixels, (height, width, channels)."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from smidgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from PIL import Image

    from smidgen.data.listing import Rows
    from smidgen.types import Array

FORMATS = {"JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "PNG": (".png",), "BMP": (".bmp", ".dib")}
MOST_PIXELS = 80_000_000  # of one image; decoding more takes hundreds of megabytes
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")  # Pillow's modes without colour
ORIENTATION = 0x0112  # the EXIF tag; values from 5 on swap height and width


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Image.Image]:
    """An image file, of which only the header is read yet.

    Raises:
        DataError: without the name of the file: not an image, too large, or damaged.
    """
    from PIL import Image, UnidentifiedImageError

    _quieten()
    try:
        with Image.open(stream, formats=tuple(FORMATS)) as image:
            _check_size(image.width, image.height)
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            "is not a JPEG, PNG or BMP image" if stream.seek(0) == 0 and stream.read(1) else "is empty"
        ) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(f"has too many pixels; at most {MOST_PIXELS // 10**6} million are read") from None
    except Exception as error:  # noqa: BLE001  damaged files make Pillow raise whatever its parsers run into
        raise DataError(f"is damaged: {str(error) or type(error).__name__}") from None


@cache
def _quieten() -> None:
    """Have Pillow raise where it would warn of a large image, and not warn of EXIF it cannot make sense of."""
    from PIL import Image

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise DataError(f"has {width} x {height} pixels; at most {MOST_PIXELS // 10**6} million are read")


def header(stream: BinaryIO, name: str) -> tuple[tuple[int, int, int], str]:
    """(height, width, channels) of an image file, and the format if its name says another. Raises DataError."""
    with opened(stream) as image:
        turned = _has_exif(image) and image.getexif().get(ORIENTATION, 1) >= 5
        height, width = image.size if turned else image.size[::-1]
        channels = 1 if image.mode in GREY else 3
        form = "JPEG" if image.format == "MPO" else image.format or ""
        unexpected = PurePath(name).suffix.lower() not in FORMATS.get(form, ())
        return (height, width, channels), form if unexpected else ""


def decode(data: bytes, height: int, width: int, channels: int) -> Array:
    """An image file as uint8 (height, width, channels): upright, on white where transparent, resized if need be.

    Another size is cropped around the centre to the aspect wanted, then scaled with antialiasing.

    Raises:
        DataError: without the name of the file: not an image, too large, or damaged.
    """
    from PIL import Image, ImageOps

    with opened(io.BytesIO(data)) as image:
        if image.width > 4 * width and image.height > 4 * height:
            # JPEG can decode at 1/2, 1/4 or 1/8; twice the size on both sides leaves antialiasing its work.
            longest = 2 * max(width, height)
            image.draft(None, (longest, longest))
        upright = ImageOps.exif_transpose(image) if _has_exif(image) else image
        flat = _flat(upright, "L" if channels == 1 else "RGB")
        if flat.size != (width, height):
            flat = ImageOps.fit(flat, (width, height), Image.Resampling.BICUBIC)
        return np.asarray(flat, np.uint8).reshape(height, width, channels)


def _has_exif(image: Image.Image) -> bool:
    """Whether EXIF comes before the pixels. Looking for it behind them, Pillow would decode a whole PNG."""
    return "exif" in image.info


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """An image in mode L or RGB: 16 bits become 8, transparency becomes white."""
    from PIL import Image

    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64).clip(0, 2**16 - 1)
        return Image.fromarray((deep >> 8).astype(np.uint8)).convert(mode)
    if image.has_transparency_data:
        visible = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), visible).convert("RGB")
    return image.convert(mode)


def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, int, int], Callable[[Array], Array], list[str]]:
    """How arrays of images become pixels: their (height, width, channels), a function on blocks, and warnings.

    Takes (n, height, width), (n, height, width, channels) or (n, channels, height, width); uint8, other whole
    numbers or floats in 0..255, or floats in 0..1.

    Raises:
        DataError: another shape, different shapes, or values that are not pixels.
    """
    shapes = {rows.shape[1:] for rows in pieces}
    if len(shapes) > 1:
        listed = " and ".join(sorted("x".join(map(str, shape)) for shape in shapes))
        raise DataError(f"{pieces[0].name} and its other parts differ in size: {listed}", "Use one size for all parts")
    shape, arrange, notes = _arrangement(shapes.pop(), pieces[0].name)
    scales = [_scale(rows) for rows in pieces]
    if len(set(scales)) > 1:
        raise DataError(f"The parts of {pieces[0].name} have different ranges of values", "Use one range for all parts")
    if scales[0] == 1:
        return shape, lambda block: arrange(block).astype(np.uint8, copy=False), notes
    notes.append("The pixels are fractions from 0 to 1; they were rounded to 0..255, which is what a sensor gives")
    return shape, lambda block: np.rint(arrange(block) * 255.0).astype(np.uint8), notes


def _arrangement(shape: tuple[int, ...], name: str) -> tuple[tuple[int, int, int], Callable[[Array], Array], list[str]]:
    if len(shape) == 2:
        return (*shape, 1), lambda block: block[..., None], []
    if len(shape) == 3 and shape[2] in (1, 3):
        return shape, lambda block: block, []
    if len(shape) == 3 and shape[0] in (1, 3):
        note = f"{name} has its channels first; they were put last"
        return (shape[1], shape[2], shape[0]), lambda block: block.transpose(0, 2, 3, 1), [note]
    raise DataError(
        f"Each example in {name} has the shape {'x'.join(map(str, shape)) or '()'}, which is not an image",
        "Reshape to (examples, height, width) or (examples, height, width, 1 or 3)",
    )


def _scale(rows: Rows) -> int:
    """What values are to be multiplied by to be pixels: 1 or 255. Raises DataError where neither does."""
    if rows.dtype == np.uint8:
        return 1
    if rows.dtype.kind not in "biuf":
        raise DataError(f"{rows.name} holds {rows.dtype}, not numbers", "Save pixels as uint8")
    low, high, whole = _range(rows.blocks(), rows.name)
    if low >= 0 and high <= 1 and rows.dtype.kind in "bf":
        return 255
    if low >= 0 and high <= 255 and whole:
        return 1
    raise DataError(
        f"{rows.name} has values from {low:g} to {high:g}, which are not pixels",
        "Save pixels as uint8, or as fractions from 0 to 1",
    )


def _range(blocks: Iterable[Array], name: str) -> tuple[float, float, bool]:
    """Least value, greatest value, and whether all are whole. Raises DataError where one is not a number."""
    low, high, whole = np.inf, -np.inf, True
    for block in blocks:
        if not np.isfinite(block).all():
            raise DataError(f"{name} holds values that are no finite numbers (NaN)", "Replace or remove them")
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        whole = whole and bool((block == np.rint(block)).all() if block.dtype.kind == "f" else True)
    return low, high, whole
