"""Sounds: 16-bit samples of one channel at a fixed rate, as a microphone gives them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from smidgen.data.folder import one_file
from smidgen.data.listing import Columns, Listing, Recordings, Rows
from smidgen.data.reading import Collected, Match, read
from smidgen.errors import BundleError, UsageError
from smidgen.signals import _mel, _sounds
from smidgen.types import Array, Changes, Json, Progress, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from smidgen.data.store import Memory

FASTEST = 16_000  # Hz; what people and machines say lies below 8 kHz
FRAME = 0.032  # seconds, about
MOST_FRAMES = 128  # of a map: longer sounds have frames further apart
COVERED = 0.95  # of the sounds are no longer than the model's
LONGEST = 2**20  # samples of an example
LOOKED_AT = 100  # names of files that tell what they hold
LEARNT_FROM = 64  # sounds of each block that mean and deviation are learnt from
SKETCH = 12, 16  # bands and stretches of a sketch
ALWAYS: tuple[tuple[Changes, ...], ...] = (({"shift": 0.1}, {"shift": 0.05}), ({"gain": 6.0}, {"gain": 3.0}))
WITH_FEW: tuple[tuple[Changes, ...], ...] = (
    ({"speed": 0.1}, {"speed": 0.05}),
    ({"noise": 0.5}, {"noise": 0.2}, {"noise": 0.05}),
    ({"mask": 0.2}, {"mask": 0.1}),
)
LIMITS = {"rate": (1_000, 192_000), "length": (8, LONGEST), "size": (8, 2**13), "step": (1, LONGEST), "mels": (4, 256)}


@dataclass(frozen=True)
class AudioSignal:
    """Samples at `rate` Hz. The model itself makes a log-mel map of them, with frames of `size` every `step` samples.

    `mean` and 1 / `scale` are the mean and the deviation of the map over training sounds.
    """

    rate: int
    length: int  # samples of one example
    size: int = 512  # a power of 2
    step: int = 256
    mels: int = 40
    mean: float = 0.0
    scale: float = 1.0

    kind = "audio"
    noun = "sounds"
    comparable = False

    @property
    def input(self) -> TensorSpec:
        """int16 samples."""
        return TensorSpec("sound", "int16", (self.length,))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(1, mels, frames)."""
        return 1, self.mels, (self.length - self.size) // self.step + 1

    @property
    def edges(self) -> tuple[float, ...]:
        """Those of the filters, see `_mel`."""
        return _mel.edges(self.rate, self.size, self.mels)

    def frontend(self) -> nn.Module:
        """int16 (batch, samples) -> float32 (batch, 1, mels, frames)."""
        from smidgen.signals._sound_frontend import LogMel

        return LogMel(self.size, self.step, self.edges, _mel.FLOOR, self.mean, self.scale)

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:  # noqa: ARG003
        """Files whose names are those of sounds; rows of whole 16-bit numbers."""
        content = found.content
        if isinstance(content, Columns | Recordings):
            return None
        if isinstance(content, Sequence):
            long = all(len(rows.shape) == 2 and rows.shape[1] >= 1000 and rows.dtype == np.int16 for rows in content)
            return Match(0.8, "its arrays are rows of 16-bit samples") if long else None
        endings = tuple(ending for form in _sounds.FORMATS.values() for ending in form)
        share = np.mean([name.lower().endswith(endings) for name in found.names[:LOOKED_AT]])
        return Match(0.95, "its files are sounds") if share > 0.5 else None

    @classmethod
    def collect(
        cls, found: Listing, how: Reading, memory: Memory, progress: Progress, sensor: Self | None = None
    ) -> Collected:
        """Decode all sounds; raises DataError."""
        read_as = read(found, cls, how, memory, progress, sensor)
        sizes = {tuple(map(int, name.split("x"))): count for name, count in read_as.sizes.items()}
        if any(len(shape) == 1 for shape in sizes):  # arrays
            note = f"Arrays do not say their rate: {FASTEST} samples a second were assumed"
            return replace(read_as, warnings=[*read_as.warnings, note])
        signal = read_as.signal
        assert isinstance(signal, cls)  # noqa: S101  `read` gives what `plan` made
        return replace(
            read_as, sizes=_kinds(sizes), warnings=[*read_as.warnings, *_changed(sizes, signal.rate, signal.length)]
        )

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """One file as the sensor would have given it: int16 (samples,).

        Raises:
            DataError: it is missing, not a sound, too long, or damaged.
            MissingLibrary: it takes an extra to read it.
        """
        yield given, one_file(given, self.decode, "Give a WAV, FLAC, OGG, AIFF or MP3 file")

    def decode(self, data: bytes) -> Array:
        """The content of a file, made to fit the sensor. Raises DataError without the name of the file."""
        return _sounds.decode(data, self.rate, self.length)

    @staticmethod
    def header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], str]:
        """(samples, channels, rate) of a file, and its format if the name says another. Raises DataError."""
        return _sounds.header(stream, name)

    @staticmethod
    def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, ...], Callable[[Array], Array], list[str]]:
        """How rows of arrays become samples: shape, function on blocks (b, ...), warnings. Raises DataError."""
        return _sounds.adapter(pieces)

    @classmethod
    def plan(cls, shapes: Mapping[tuple[int, ...], int], how: Reading, fixed: bool = False) -> Self:
        """The sensor that suits sounds of these shapes: the commonest rate, and a length that covers most.

        Args:
            shapes: (samples, channels, rate) of files, or (samples,) of rows -> how many have it.
            how: its window is the length in samples.
            fixed: the length is that of the rows.

        Raises:
            UsageError: a length that makes no sense.
        """
        rates: Counter[int] = Counter()
        for shape, count in shapes.items():
            rates[shape[2] if len(shape) == 3 else FASTEST] += count
        rate = min(FASTEST, max(rates, key=lambda each: (rates[each], each)))
        lengths = sorted((math.ceil(shape[0] * rate / (*shape, 1, rate)[2]), count) for shape, count in shapes.items())
        size = 2 ** round(math.log2(rate * FRAME))
        if fixed:
            length = lengths[-1][0]
        else:
            length = how.window or _covering(lengths, size // 2)
            length = length if how.window else max(size, length)
        if not size <= length <= LONGEST:
            raise UsageError(f"Sounds of {length} samples make no sense", f"Use a --window of {size} to {LONGEST}")
        step = max(size // 2, -(-(length - size) // (MOST_FRAMES - 1)))
        return cls(rate, length, size, step, mels=32 if rate <= FASTEST // 2 else 40)

    def simplify(self, block: Array) -> Array | None:  # noqa: ARG002
        """Samples have no simpler form."""
        return None

    def simpler(self) -> Self:
        """Itself."""
        return self

    def sketch(self, block: Array) -> Array:
        """A few numbers that say what a sound is like: means over a grid of its log-mel map, (b, d) uint8."""
        maps = _mel.log_mel(block, self.size, self.step, _mel.edges(self.rate, self.size, SKETCH[0]))
        count = min(SKETCH[1], maps.shape[2])
        edges = np.linspace(0, maps.shape[2], count + 1).astype(int)
        cells = np.add.reduceat(maps, edges[:-1], axis=2) / np.diff(edges)
        return np.asarray(np.clip(np.rint((cells - np.log(_mel.FLOOR)) * 12), 0, 255), np.uint8).reshape(len(block), -1)

    def learn(self, blocks: Iterable[Array]) -> Self:
        """The same sensor with mean and deviation of the maps of training sounds, int16 (b, samples)."""
        count, total, squares = 0, 0.0, 0.0
        for block in blocks:
            some = block[:: max(1, len(block) // LEARNT_FROM)]
            maps = _mel.log_mel(some, self.size, self.step, self.edges).astype(np.float64)
            count, total, squares = count + maps.size, total + maps.sum(), squares + np.square(maps).sum()
        mean = total / count
        deviation = math.sqrt(max(squares / count - mean * mean, 1e-4))
        return replace(self, mean=float(np.float32(mean)), scale=float(np.float32(1 / deviation)))

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:
        """Earlier and later, louder and quieter; with few sounds also faster and slower, noise, and gaps."""
        return ALWAYS + (WITH_FEW if few else ())

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Each sound changed in its own way, int16 (batch, samples)."""
        from smidgen.signals._sound_changes import change

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
        for name in ("mean", "scale"):
            value = state.get(name)
            if type(value) is not float or not abs(value) <= 1e6:
                raise BundleError(f"signal.{name} should be a number, not {value!r}")
        if state["size"] & (state["size"] - 1) or state["size"] > state["length"]:
            raise BundleError("signal.size should be a power of 2, and at most the length")
        return cls(**{field.name: state[field.name] for field in fields(cls)})


def _covering(lengths: Sequence[tuple[int, int]], unit: int) -> int:
    """The least whole number of units that is no shorter than most sounds; (length, count) in order of length."""
    counts = np.cumsum([count for _, count in lengths])
    length, _ = lengths[int(np.searchsorted(counts, COVERED * counts[-1]))]
    return min(LONGEST, -(-length // unit) * unit if len(lengths) > 1 else length)


def _kinds(sizes: Mapping[tuple[int, ...], int]) -> dict[str, int]:
    """How many sounds have which rate and channels, for the report."""
    found: Counter[str] = Counter()
    for (_, channels, rate), count in sizes.items():
        how = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
        found[f"{rate} Hz {how}"] += count
    return dict(found)


def _changed(sizes: Mapping[tuple[int, ...], int], rate: int, length: int) -> list[str]:
    """What reading did to the sounds, in sentences."""
    seconds = f"{length / rate:.2f} s"
    told = {
        f"resampled to {rate} Hz": sum(count for (_, _, own), count in sizes.items() if own != rate),
        "mixed to one channel": sum(count for (_, channels, _), count in sizes.items() if channels > 1),
        f"longer than {seconds} and cut to their middle": sum(
            count for (samples, _, own), count in sizes.items() if samples * rate > (length + 1) * own
        ),
        f"shorter than {seconds} and padded with silence": sum(
            count for (samples, _, own), count in sizes.items() if samples * rate < (length - 1) * own
        ),
    }
    return [f"{count} of {sum(sizes.values())} sounds were {what}" for what, count in told.items() if count]


SIGNAL = AudioSignal
