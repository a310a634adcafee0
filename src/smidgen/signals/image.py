"""Images: uint8 pixels as a camera or a decoded file gives them, height x width x channels."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from smidgen.data.folder import open_file
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.signals import _pixels
from smidgen.types import Array, Json, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from torch import nn

    from smidgen.data.listing import Rows

USUAL = 64  # pixels of the shorter side of the features; small models see little more
LARGEST_SENSOR = 512  # pixels; larger images are made smaller while they are read, not by the model
GRID = 16  # cells along each side of a sketch
LIMITS = {"height": (1, 2**15), "width": (1, 2**15), "channels": (1, 3), "zero_point": (0, 255), "shrink": (1, 2**10)}


@dataclass(frozen=True)
class ImageSignal:
    """Pixels 0..255. `zero_point` and 1 / `scale` are the mean and the deviation of the training pixels, rounded.

    The model itself makes large images smaller: it averages squares of `shrink` x `shrink` pixels.
    """

    height: int
    width: int
    channels: int  # 1 or 3
    zero_point: int = 0
    scale: float = 1 / 255
    shrink: int = 1

    kind = "image"

    @property
    def input(self) -> TensorSpec:
        """uint8 pixels, channels last."""
        return TensorSpec("image", "uint8", (self.height, self.width, self.channels))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(channels, height, width) after the front end."""
        return self.channels, self.height // self.shrink, self.width // self.shrink

    def frontend(self) -> nn.Module:
        """uint8 (batch, height, width, channels) -> float32 (batch, channels, height / shrink, width / shrink)."""
        from smidgen.signals._frontend import ImageFrontend

        return ImageFrontend(self.zero_point, self.scale, self.shrink)

    def load(self, path: Path) -> Array:
        """One image file as the sensor would have given it: uint8 (height, width, channels).

        Raises:
            DataError: it is missing, not an image, too large, or damaged.
        """
        try:
            with open_file(path) as file:
                return self.decode(file.read())
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}", "Check its name and permissions") from None
        except DataError as error:
            raise DataError(f"{path} {error.what}", "Give a JPEG, PNG or BMP image") from None

    def decode(self, data: bytes) -> Array:
        """The content of an image file, made to fit the sensor. Raises DataError without the name of the file."""
        return _pixels.decode(data, self.height, self.width, self.channels)

    @staticmethod
    def header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], str]:
        """The shape in an image file, and its format if the name says another. Raises DataError without the name."""
        return _pixels.header(stream, name)

    @staticmethod
    def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, ...], Callable[[Array], Array], list[str]]:
        """How rows of arrays become pixels: shape, function on blocks (b, ...), warnings. Raises DataError."""
        return _pixels.adapter(pieces)

    @classmethod
    def plan(cls, shapes: Mapping[tuple[int, ...], int], resolution: int | None, fixed: bool = False) -> Self:
        """The sensor that suits images of these shapes.

        Images of one size keep it, and the model shrinks them to about `resolution`. Others are resized while they
        are read: the shorter side to `resolution`, in the median aspect.

        Args:
            shapes: (height, width, channels) -> how many images have it.
            resolution: the shorter side that a family should see, in pixels; None is at most USUAL.
            fixed: the images cannot be resized while they are read.

        Raises:
            UsageError: a resolution that makes no sense.
        """
        if resolution is not None and not 4 <= resolution <= LARGEST_SENSOR:
            raise UsageError(f"A resolution of {resolution} pixels makes no sense", f"Use 4 to {LARGEST_SENSOR}")
        channels = max(shape[2] for shape in shapes)
        sizes = {shape[:2] for shape in shapes}
        height, width = next(iter(sizes))
        if len(sizes) == 1 and (fixed or max(height, width) <= LARGEST_SENSOR):
            return cls(height, width, channels, shrink=max(1, round(min(height, width) / (resolution or USUAL))))
        every = [shape for shape, count in shapes.items() for _ in range(count)]
        short = resolution or min(USUAL, round(median(min(shape[:2]) for shape in every)))
        aspect = min(2.0, max(0.5, median(shape[1] / shape[0] for shape in every)))
        return cls(_along(short, 1 / aspect), _along(short, aspect), channels)

    def simplify(self, block: Array) -> Array | None:
        """Pixels (b, height, width, 3) as (b, height, width, 1), or None where that would lose colour."""
        if self.channels == 1 or (block != block[..., :1]).any():
            return None
        return np.asarray(block[..., :1])

    def simpler(self) -> Self:
        """The signal that `simplify` leads to."""
        return replace(self, channels=1)

    def sketch(self, block: Array) -> Array:
        """A few numbers that say what an image looks like: its means over a grid, (b, d) uint8."""
        rows, columns = (_means(size, min(size, GRID)) for size in (self.height, self.width))
        small = rows @ block.transpose(0, 3, 1, 2).astype(np.float32) @ columns.T
        return np.asarray(np.rint(small), np.uint8).reshape(len(block), -1)

    def learn(self, blocks: Iterable[Array]) -> Self:
        """The same sensor with mean and deviation of the given training pixels, uint8 blocks of any shape."""
        histogram = np.zeros(256, np.int64)
        for block in blocks:
            histogram += np.bincount(block.reshape(-1), minlength=256)
        levels = np.arange(256)
        mean = (histogram * levels).sum() / histogram.sum()
        deviation = math.sqrt((histogram * (levels - mean) ** 2).sum() / histogram.sum())
        return replace(self, zero_point=round(mean), scale=1 / max(1.0, deviation))

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or out of range."""
        for name, (least, most) in LIMITS.items():
            value = state.get(name)
            if type(value) is not int or not least <= value <= most:
                raise BundleError(f"signal.{name} should be a whole number from {least} to {most}, not {value!r}")
        scale = state.get("scale")
        if type(scale) is not float or not 0 < scale <= 1:
            raise BundleError(f"signal.scale should be a number above 0 and at most 1, not {scale!r}")
        if state["channels"] == 2 or state["shrink"] > min(state["height"], state["width"]):
            raise BundleError("signal.channels should be 1 or 3, and signal.shrink at most the shorter side")
        return cls(**{name: state[name] for name in LIMITS}, scale=scale)


def _along(short: int, aspect: float) -> int:
    """The length of a side that is `aspect` times as long as the other, or `short` if it is the shorter one."""
    return short if aspect < 1.1 else 4 * round(short * aspect / 4)


def _means(size: int, cells: int) -> Array:
    """The matrix that averages `size` numbers over `cells` equal stretches: (cells, size)."""
    edges = np.linspace(0, size, cells + 1)
    ends = np.minimum(edges[1:, None], np.arange(1, size + 1))
    starts = np.maximum(edges[:-1, None], np.arange(size))
    return np.asarray((ends - starts).clip(0) * (cells / size), np.float32)


SIGNAL = ImageSignal
