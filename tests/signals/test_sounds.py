"""Files of sound: every usual form is read alike, and nothing that a file holds makes the reader fail otherwise."""

import io
import sys
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.data.listing import Rows
from smidgen.errors import DataError, MissingLibrary
from smidgen.signals import _sounds
from smidgen.types import Array

SOUND = np.rint(9000 * np.sin(np.arange(1000) / 9)).astype(np.int16)


def wav(sound: Array = SOUND, rate: int = 8000, width: int = 2) -> bytes:
    """A plain WAV file of int16 (samples,) or (samples, channels)."""
    file, rows = io.BytesIO(), sound if sound.ndim == 2 else sound[:, None]
    wide = {1: (rows // 256 + 128).astype(np.uint8), 2: rows, 4: rows.astype("<i4") * 65536}
    wide[3] = wide[4][..., None].view(np.uint8)[..., 1:]
    with wave.open(file, "wb") as out:
        out.setnchannels(rows.shape[1])
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(wide[width].tobytes())
    return file.getvalue()


def encoded(form: str, subtype: str | None = None, rate: int = 8000) -> bytes:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    soundfile.write(file, SOUND / 32768 if subtype == "FLOAT" else SOUND, rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize("width", [2, 3, 4])
def test_plain_wav_is_read_to_the_bit(width: int) -> None:
    np.testing.assert_array_equal(_sounds.decode(wav(width=width), 8000, 1000), SOUND)


def test_eight_bits_are_read_as_sixteen() -> None:
    np.testing.assert_allclose(_sounds.decode(wav(width=1), 8000, 1000), SOUND, atol=256)


@pytest.mark.parametrize(("form", "subtype", "near"), [("FLAC", "PCM_16", 0), ("WAV", "FLOAT", 1), ("AIFF", None, 0)])
def test_other_forms_are_read_too(form: str, subtype: str | None, near: int) -> None:
    data = encoded(form, subtype)
    assert _sounds.header(io.BytesIO(data), f"x.{form.lower()}") == ((1000, 1, 8000), "")
    np.testing.assert_allclose(_sounds.decode(data, 8000, 1000), SOUND, atol=near)


def test_a_name_that_says_another_form_is_told() -> None:
    assert _sounds.header(io.BytesIO(wav()), "x.mp3") == ((1000, 1, 8000), "WAV")


def test_channels_are_averaged() -> None:
    both = np.stack([SOUND, np.zeros(1000, np.int16)], axis=1)
    np.testing.assert_allclose(_sounds.decode(wav(both), 8000, 1000), SOUND / 2, atol=0.51)


def test_another_rate_is_resampled() -> None:
    pytest.importorskip("soxr")
    slow = np.rint(9000 * np.sin(np.arange(500) / 4.5))
    found = _sounds.decode(wav(), 4000, 500)
    np.testing.assert_allclose(found[50:450], slow[50:450], atol=100)


def test_the_middle_is_kept_and_silence_is_added_on_both_sides() -> None:
    assert _sounds.fitted(np.arange(10), 4).tolist() == [3, 4, 5, 6]
    assert _sounds.fitted(np.arange(1, 4), 6).tolist() == [0, 1, 2, 3, 0, 0]
    assert _sounds.fitted(np.arange(3), 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("library", ["soundfile", "soxr"])
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("FLAC") if library == "soundfile" else wav()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match=library):
        _sounds.decode(data, 4000, 500)
    _sounds.decode(wav(), 8000, 1000)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "is not a WAV"),
        (wav()[:30], "is damaged"),
        (wav()[:-20], "is cut off"),
        (wav(SOUND[:0]), "0 samples"),
        (wav(rate=10), "10 samples a second"),
        (b"fLaC" + bytes(100), "is damaged"),
    ],
)
def test_what_is_no_sound_is_one_clear_error(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        _sounds.decode(data, 8000, 1000)


def test_a_header_that_claims_too_much_is_refused_before_reading() -> None:
    data = bytearray(wav())
    data[40:44] = (2**31).to_bytes(4, "little")
    with pytest.raises(DataError, match="samples of 1 channels"):
        _sounds.header(io.BytesIO(bytes(data)), "x.wav")


@given(
    st.sampled_from([wav(), wav(np.stack([SOUND, SOUND], axis=1), width=3)]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.integers(0, 4000),
)
@settings(max_examples=150, deadline=None)
def test_damage_is_a_data_error_or_a_sound(data: bytes, changes: list[tuple[int, int]], end: int) -> None:
    broken = bytearray(data)
    for place, value in changes:
        broken[place] = value
    for read in (
        lambda part: _sounds.header(io.BytesIO(part), "x.wav"),
        lambda part: _sounds.decode(part, 8000, 1000),
    ):
        try:
            read(bytes(broken[:end]))
        except (DataError, MissingLibrary):
            continue


def test_rows_of_arrays_become_samples() -> None:
    shape, adapt, _ = _sounds.adapter([Rows.of("x", SOUND.reshape(2, 500))])
    assert shape == (500,)
    np.testing.assert_array_equal(adapt(SOUND.reshape(2, 500)), SOUND.reshape(2, 500))
    shape, adapt, _ = _sounds.adapter([Rows.of("x", np.zeros((3, 40, 1), np.float32))])
    assert shape == (40,)
    assert adapt(np.full((1, 40, 1), 2.0)).tolist() == [[32767] * 40]


@pytest.mark.parametrize("array", [np.zeros((3, 4, 5), np.int16), np.zeros((3, 40), np.uint8)])
def test_rows_of_something_else_are_refused(array: Array) -> None:
    with pytest.raises(DataError, match="no arrays of sounds"):
        _sounds.adapter([Rows.of("x", array)])
