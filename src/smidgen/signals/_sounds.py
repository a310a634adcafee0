"""Turn files and arrays of sound into 16-bit samples of one channel at one rate."""

from __future__ import annotations

import io
import wave
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

import numpy as np

from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smidgen.data.listing import Rows
    from smidgen.types import Array

FORMATS = {
    "WAV": (".wav", ".wave"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "AIFF": (".aif", ".aiff", ".aifc"),
    "MP3": (".mp3",),
}
MAGIC = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "OGG", b"FORM": "AIFF", b"ID3": "MP3", b"\xff\xfb": "MP3"}
MOST_SAMPLES = 2**25  # of one file, all channels: half an hour at 16 kHz; more is a recording, not an example
RATES = 1_000, 384_000
MOST_CHANNELS = 32
T = TypeVar("T")


class Header(NamedTuple):
    """What a file says of itself. `samples` are those of one channel."""

    samples: int
    channels: int
    rate: int


def header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], str]:
    """(samples, channels, rate) of a file, and its format if the name says another. Raises DataError without name."""
    form = _format(stream)
    found = _guarded(_wav_header if form == "WAV" else _other_header, stream)
    unexpected = PurePath(name).suffix.lower() not in FORMATS[form]
    return tuple(found), form if unexpected else ""


def decode(data: bytes, rate: int, length: int) -> Array:
    """The content of a file as int16 (length,) at `rate`: channels averaged, the middle of what is longer.

    Raises:
        DataError: without the name of the file: not a sound, too long, or damaged.
        MissingLibrary: it takes soundfile or soxr to read it.
    """
    stream = io.BytesIO(data)
    found, own = _guarded(_wav if _format(stream) == "WAV" else _other, stream)
    mono = found[:, 0] if found.shape[1] == 1 else _rounded(found.astype(np.float32).mean(axis=1))
    return fitted(mono if own == rate else _resampled(mono, own, rate), length)


def fitted(sound: Array, length: int) -> Array:
    """The middle `length` samples; silence on both sides of what is shorter."""
    missing = length - len(sound)
    if missing <= 0:
        return sound[-missing // 2 :][:length]
    return np.pad(sound, (missing // 2, missing - missing // 2))


def adapter(pieces: Sequence[Rows]) -> tuple[tuple[int, ...], Callable[[Array], Array], list[str]]:
    """How rows of arrays become samples: their shape, a function on blocks, warnings. Raises DataError."""
    shapes = {rows.shape[1:2] if rows.shape[2:] == (1,) else rows.shape[1:] for rows in pieces}
    kinds = {rows.dtype.kind for rows in pieces}
    if len(shapes) > 1 or len(next(iter(shapes))) != 1 or not kinds <= {"i", "f"}:
        what = ", ".join(f"{rows.name}: {rows.dtype} {rows.shape}" for rows in pieces)
        raise DataError(f"These are no arrays of sounds ({what})", "Give int16, or floats from -1 to 1: (n, samples)")

    def adapt(block: Array) -> Array:
        flat = block.reshape(len(block), -1)
        return flat.astype(np.int16) if flat.dtype.kind == "i" else _rounded(np.nan_to_num(flat) * 32768.0)

    return next(iter(shapes)), adapt, []


def _format(stream: BinaryIO) -> str:
    start = stream.read(4)
    stream.seek(0)
    found = next((form for magic, form in MAGIC.items() if start.startswith(magic)), None)
    if found is None:
        raise DataError("is not a WAV, FLAC, OGG, AIFF or MP3 file" if start else "is empty")
    return found


def _guarded(read: Callable[[BinaryIO], T], stream: BinaryIO) -> T:
    try:
        return read(stream)
    except (DataError, MissingLibrary):
        raise
    except Exception as error:  # noqa: BLE001  damaged files make parsers raise whatever they run into
        why = str(error).rpartition("Error : ")[2]  # before it soundfile names the object that it reads from
        raise DataError(f"is damaged: {why or type(error).__name__}") from None


def _checked(samples: int, channels: int, rate: int) -> Header:
    if not 0 < samples * channels <= MOST_SAMPLES or channels > MOST_CHANNELS:
        raise DataError(f"has {samples} samples of {channels} channels; 1 to {MOST_SAMPLES} are read")
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"has {rate} samples a second; {RATES[0]} to {RATES[1]} are read")
    return Header(samples, channels, rate)


def _wav_header(stream: BinaryIO) -> Header:
    try:
        with wave.open(stream) as file:
            return _checked(file.getnframes(), file.getnchannels(), file.getframerate())
    except wave.Error as error:
        return _odd_wav(error, stream, _other_header)


def _wav(stream: BinaryIO) -> tuple[Array, int]:
    """Samples of plain WAV, int16 (samples, channels), and their rate."""
    try:
        with wave.open(stream) as file:
            samples, channels, rate = _checked(file.getnframes(), file.getnchannels(), file.getframerate())
            width, data = file.getsampwidth(), file.readframes(samples)
    except wave.Error as error:
        return _odd_wav(error, stream, _other)
    if len(data) < samples * channels * width:
        raise DataError("is cut off: it is shorter than its header says")
    rows = np.frombuffer(data, np.uint8).reshape(samples, channels, width)
    if width == 1:
        return ((rows[..., 0].astype(np.int16) - 128) << 8), rate
    return np.ascontiguousarray(rows[..., -2:]).view("<i2")[..., 0].astype(np.int16), rate


def _odd_wav(error: wave.Error, stream: BinaryIO, read: Callable[[BinaryIO], T]) -> T:
    """WAV that the standard library cannot read (floats, more than two channels) by another reader."""
    if not str(error).startswith("unknown format"):
        raise DataError(f"is damaged: {error}") from None
    stream.seek(0)
    return read(stream)


def _other_header(stream: BinaryIO) -> Header:
    with _soundfile().SoundFile(stream) as file:
        return _checked(file.frames, file.channels, file.samplerate)


def _other(stream: BinaryIO) -> tuple[Array, int]:
    with _soundfile().SoundFile(stream) as file:
        samples, _, rate = _checked(file.frames, file.channels, file.samplerate)
        whole = file.subtype == "PCM_16"
        found: Array = file.read(samples, dtype="int16" if whole else "float32", always_2d=True)
    if len(found) < samples:
        raise DataError("is cut off: it is shorter than its header says")
    return (found if whole else _rounded(np.nan_to_num(found) * 32768.0)), rate


def _soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: its own library is missing
        raise MissingLibrary("soundfile", "audio", "Reading sound that is not plain WAV") from None
    return soundfile


def _resampled(sound: Array, own: int, rate: int) -> Array:
    try:
        import soxr
    except ImportError:
        raise MissingLibrary("soxr", "audio", f"Sound of {own} Hz for a model of {rate} Hz") from None
    return _rounded(soxr.resample(sound.astype(np.float32), own, rate))


def _rounded(sound: Array) -> Array:
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), np.int16)
