"""Images: uint8 pixels as a camera or a decoded file gives them, height x width x channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from smidgen.data.folder import one_file
from smidgen.data.listing import Columns, Listing, Recordings, Rows
from smidgen.data.reading import Collected, Match, read
from smidgen.errors import BundleError, UsageError
from smidgen.signals import _pixels
from smidgen.types import Array, Changes, Json, Progress, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from smidgen.data.store import Memory

USUAL = 64  # pixels of the shorter side of the features; small models see little more
LARGEST_SENSOR = 512  # pixels; larger images are made smaller while they are read, not by the model
LOOKED_AT = 100  # names of files that tell what they hold
ALWAYS: tuple[tuple[Changes, ...], ...] = (({"shift": 0.036},), ({"flip": 1.0},))
WITH_FEW: tuple[tuple[Changes, ...], ...] = (
    ({"rotate": 10.0}, {"rotate": 5.0}),
    ({"scale": 0.12}, {"scale": 0.06}),
    ({"shear": 0.1}, {"shear": 0.05}),
)
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
    noun = "images"
    comparable = True

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

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:  # noqa: ARG003
        """Files whose names or content are those of images; arrays of pixels."""
        content = found.content
        if isinstance(content, Sequence):
            pixels = all(len(rows.shape) in (3, 4) and rows.dtype.kind in "iub" for rows in content)
            fractions = all(
                len(rows.shape) == 4 or (len(rows.shape) == 3 and min(rows.shape[1:]) >= 8) for rows in content
            )
            return Match(0.9 if pixels else 0.6, "its arrays are stacks of pictures") if pixels or fractions else None
        if isinstance(content, Columns | Recordings):
            return None
        endings = tuple(ending for form in _pixels.FORMATS.values() for ending in form)
        share = np.mean([name.lower().endswith(endings) for name in found.names[:LOOKED_AT]])
        return Match(0.95 if share > 0.5 else 0.1, "its files are images" if share > 0.5 else "it holds files by class")

    @classmethod
    def collect(
        cls, found: Listing, how: Reading, memory: Memory, progress: Progress, sensor: Self | None = None
    ) -> Collected:
        """Decode all images; raises DataError."""
        return read(found, cls, how, memory, progress, sensor)

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """One image file as the sensor would have given it: uint8 (height, width, channels).

        Raises:
            DataError: it is missing, not an image, too large, or damaged.
        """
        yield given, one_file(given, self.decode, "Give a JPEG, PNG or BMP image")

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
    def plan(cls, shapes: Mapping[tuple[int, ...], int], how: Reading, fixed: bool = False) -> Self:
        """The sensor that suits images of these shapes.

        Images of one size keep it, and the model shrinks them to about `resolution`. Others are resized while they
        are read: the shorter side to `resolution`, in the median aspect.

        Args:
            shapes: (height, width, channels) -> how many images have it.
            how: has the shorter side that a family should see, in pixels; None is at most USUAL.
            fixed: the images cannot be resized while they are read.

        Raises:
            UsageError: a resolution that makes no sense.
        """
        resolution = how.resolution
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

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:
        """Shift and flip; with few examples also what blurs pixels, which teaches more than it costs then."""
        return ALWAYS + (WITH_FEW if few else ())

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Each image changed in its own way; (batch, height, width, channels) uint8 in and out."""
        from smidgen.signals._image_changes import change

        return change(raw, how, seed)

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
