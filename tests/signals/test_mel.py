import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen.signals import _mel
from smidgen.signals._sound_frontend import LogMel


@pytest.mark.parametrize(("rate", "size", "mels"), [(8000, 256, 32), (16000, 512, 40)])
def test_filters_are_triangles_that_touch(rate: int, size: int, mels: int) -> None:
    edges = _mel.edges(rate, size, mels)
    weights = _mel.filters(size, edges)
    assert weights.shape == (size // 2 + 1, mels)
    assert list(edges) == sorted(edges)
    assert edges[-1] == size / 2
    inside = weights[int(edges[1]) + 1 : int(edges[-2])]
    np.testing.assert_allclose(inside.sum(axis=1), 1, atol=1e-5)  # between peaks every frequency counts once in all


@given(st.integers(2, 28))
def test_a_tone_sounds_in_its_own_band(band: int) -> None:
    edges = _mel.edges(16000, 512, 40)
    hertz = edges[band + 1] * 16000 / 512
    tone = np.rint(10000 * np.sin(2 * np.pi * hertz * np.arange(2048) / 16000)).astype(np.int16)
    found = _mel.log_mel(tone[None], 512, 256, edges)
    assert found.shape == (1, 40, 7)
    assert np.abs(found[0].argmax(axis=0) - band).max() <= 1


def test_torch_computes_the_same() -> None:
    sound = np.random.default_rng(0).integers(-20000, 20000, (3, 3000), np.int16)
    sound[2, 500:] = 0
    edges = _mel.edges(8000, 256, 32)
    layer = LogMel(256, 128, edges, _mel.FLOOR, 3.0, 0.5)
    expected = (_mel.log_mel(sound, 256, 128, edges) - 3.0) * 0.5
    np.testing.assert_allclose(layer(torch.from_numpy(sound))[:, 0].numpy(), expected, atol=1e-4)


def test_silence_is_the_floor() -> None:
    found = _mel.log_mel(np.zeros((1, 600), np.int16), 256, 128, _mel.edges(8000, 256, 32))
    np.testing.assert_allclose(found, np.log(_mel.FLOOR), atol=1e-6)
