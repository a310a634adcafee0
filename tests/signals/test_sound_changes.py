import numpy as np
import pytest
import torch

from smidgen.signals._sound_changes import change

RAW = torch.from_numpy(np.random.default_rng(0).integers(-3000, 3000, (32, 800), np.int16))
ALL = {"shift": 0.1, "gain": 6.0, "speed": 0.1, "noise": 0.2, "mask": 0.1}


@pytest.mark.parametrize("how", [{name: value} for name, value in ALL.items()] + [ALL])
def test_a_change_keeps_type_and_shape_and_follows_its_seed(how: dict[str, float]) -> None:
    changed = change(RAW, how, 1)
    assert (changed.dtype, changed.shape) == (torch.int16, RAW.shape)
    assert not torch.equal(changed, RAW)
    assert torch.equal(changed, change(RAW, how, 1))
    assert not torch.equal(changed, change(RAW, how, 2))


def test_no_change_is_none() -> None:
    assert torch.equal(change(RAW, {}, 0), RAW)
    assert torch.equal(change(RAW, {"gain": 0.0, "noise": 0.0}, 0), RAW)


def test_a_shift_moves_whole_samples_and_brings_silence() -> None:
    for before, after in zip(RAW, change(RAW, {"shift": 0.1}, 3), strict=True):
        by = next(
            by
            for by in range(-80, 81)
            if torch.equal(torch.roll(before, by)[max(by, 0) : 800 + min(by, 0)], after[max(by, 0) : 800 + min(by, 0)])
        )
        assert not (after[:by] if by > 0 else after[800 + by :] if by < 0 else after[:0]).any()


def test_gain_stays_within_its_decibels() -> None:
    loud = RAW.float().std(1)
    ratio = change(RAW, {"gain": 6.0}, 0).float().std(1) / loud
    assert 10 ** (-6.1 / 20) < ratio.min() < 0.7
    assert 1.4 < ratio.max() < 10 ** (6.1 / 20)


def test_what_is_too_loud_is_clipped() -> None:
    changed = change(torch.full((20, 100), 32000, dtype=torch.int16), {"gain": 20.0}, 0)
    assert changed.max() == 32767
    assert changed.min() > 0


def test_noise_is_no_louder_than_said_and_leaves_some_alone() -> None:
    added = (change(RAW, {"noise": 0.5}, 0).float() - RAW.float()).std(1) / RAW.float().std(1)
    assert (added < 0.01).sum() >= 4
    assert 0.1 < added.max() < 0.6


def test_a_mask_is_one_stretch_of_silence() -> None:
    loud = torch.full((50, 1000), 1000, dtype=torch.int16)
    for row in change(loud, {"mask": 0.2}, 0):
        silent = torch.nonzero(row == 0).ravel()
        assert len(silent) <= 201
        assert len(silent) == 0 or silent[-1] - silent[0] + 1 == len(silent)
