import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data.load import load
from smidgen.errors import BundleError, CorruptFiles, DataError, UsageError
from smidgen.signals.audio import LIMITS, AudioSignal
from smidgen.tasks.audio_classification import TASK
from smidgen.types import Reading
from tests.signals.test_sounds import wav

HOW = Reading(TASK)
DATA = Path(__file__).parents[3] / "shared" / "data" / "audio-classification"
KEYWORDS = DATA / "speech_commands_v2_test" / "clips16k.zip"
DICE = np.random.default_rng(0)


def sound(count: int, pitch: float = 9.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return (9000 * np.sin(np.arange(count) / pitch) + DICE.normal(0, 30, count)).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of ten short sounds each, one of them longer than the others."""
    for label, pitch in (("high", 2.0), ("low", 20.0)):
        (tmp_path / label).mkdir()
        for index in range(10):
            (tmp_path / label / f"{index}.wav").write_bytes(wav(sound(2000 if index else 9000, pitch + index / 9)))
    return tmp_path


def test_a_folder_of_sounds_is_recognised_and_read(folder: Path) -> None:
    data = load(folder)
    assert data.how.task is TASK
    assert isinstance(data.signal, AudioSignal)
    assert (data.signal.rate, data.signal.size, data.signal.mels) == (8000, 256, 32)
    assert data.report.sizes == {"8000 Hz mono": 20}
    assert data.train.inputs.dtype == "int16"
    assert data.signal.input.shape == data.train.inputs.shape


def test_the_length_covers_nearly_all_and_what_is_cut_is_told(folder: Path) -> None:
    for index in range(1, 10):
        (folder / "low" / f"more-{index}.wav").write_bytes(wav(sound(2000)))
        (folder / "high" / f"more-{index}.wav").write_bytes(wav(sound(2000, 2.5)))
    data = load(folder)
    assert data.signal.input.shape == (9088,)  # 2 of 38 are longer than 2000 samples: more than 5 %
    data = load(folder, window=2048)
    assert data.signal.input.shape == (2048,)
    assert "2 of 38 sounds were longer than 0.26 s and cut to their middle" in data.report.warnings
    assert any(line.startswith("36 of 38 sounds were shorter") for line in data.report.warnings)


def test_stereo_and_other_rates_are_told(folder: Path) -> None:
    both = np.stack([sound(2000), sound(2000)], axis=1)
    (folder / "low" / "both.wav").write_bytes(wav(both, 16000))
    data = load(folder)
    assert data.report.sizes == {"8000 Hz mono": 20, "16000 Hz stereo": 1}
    assert "1 of 21 sounds were resampled to 8000 Hz" in data.report.warnings
    assert "1 of 21 sounds were mixed to one channel" in data.report.warnings


def test_damaged_files_are_listed(folder: Path) -> None:
    (folder / "low" / "bad.wav").write_bytes(wav()[:-100])
    with pytest.raises(CorruptFiles, match=r"bad\.wav"):
        load(folder)
    assert load(folder, skip_bad=True).report.skipped[0][0] == "low/bad.wav"


def test_one_file_is_read_as_training_files_are(folder: Path) -> None:
    data = load(folder)
    (name, found), *rest = data.signal.examples(str(folder / data.train.names[0]))
    assert not rest
    assert name.endswith(data.train.names[0])
    np.testing.assert_array_equal(found, data.train.inputs[np.arange(1)][0])
    with pytest.raises(DataError, match="nowhere"):
        list(data.signal.examples("nowhere.wav"))


def test_the_features_of_training_sounds_are_standardised(folder: Path) -> None:
    data = load(folder)
    features = data.signal.frontend()(torch.from_numpy(data.train.inputs[np.arange(len(data.train))]))
    assert features.shape[1:] == data.signal.feature_shape
    assert abs(float(features.mean())) < 0.01
    assert abs(float(features.std()) - 1) < 0.01


@given(
    st.dictionaries(
        st.tuples(st.integers(1, 2**17), st.integers(1, 2), st.sampled_from([4000, 8000, 16000, 22050, 44100])),
        st.integers(1, 50),
        min_size=1,
        max_size=5,
    )
)
def test_every_plan_is_a_sensor_that_a_bundle_can_keep(shapes: dict[tuple[int, ...], int]) -> None:
    signal = AudioSignal.plan(shapes, HOW)
    assert AudioSignal.from_json(json.loads(json.dumps(signal.to_json()))) == signal
    assert signal.rate <= 16000
    assert 1 <= signal.feature_shape[2] <= 128
    covered = sum(
        count for (samples, _, rate), count in shapes.items() if samples * signal.rate <= (signal.length + 1) * rate
    )
    assert covered >= 0.95 * sum(shapes.values())


def test_a_window_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="--window"):
        AudioSignal.plan({(8000, 1, 8000): 3}, Reading(TASK, window=100))


@pytest.mark.parametrize("name", [*LIMITS, "mean", "scale"])
def test_a_damaged_state_is_refused(name: str) -> None:
    state = AudioSignal(8000, 4000, 256, 128, 32).to_json()
    for value in (None, "x", -(10**9), True):
        with pytest.raises(BundleError, match=f"signal.{name}"):
            AudioSignal.from_json({**state, name: value})
    with pytest.raises(BundleError, match="power of 2"):
        AudioSignal.from_json({**state, "size": 300})


def test_sketches_of_like_sounds_are_alike() -> None:
    signal = AudioSignal(8000, 2000, 256, 128, 32)
    one, again, other = signal.sketch(np.stack([sound(2000), sound(2000), sound(2000, 2.0)])).astype(int)
    assert np.abs(one - again).mean() < np.abs(one - other).mean() / 3


@pytest.mark.skipif(not KEYWORDS.is_file(), reason="there is no shared/data beside this checkout")
def test_real_keywords_are_read_from_their_archive() -> None:
    data = load(KEYWORDS)
    assert data.how.task is TASK
    assert data.report.sizes == {"16000 Hz mono": 660}
    assert (data.answer.width, data.signal.input.shape, data.signal.feature_shape) == (12, (16000,), (1, 40, 61))
    assert not [line for line in data.report.warnings if "cut" in line or "padded" in line]
