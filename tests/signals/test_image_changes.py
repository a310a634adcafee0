import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.signals._image_changes import Augmentation, change
from smidgen.types import Changes
from tests.compiler.sample import pixels

RAW = torch.from_numpy(pixels(12))
KINDS = [{"rotate": 15.0}, {"scale": 0.2}, {"shear": 0.2}, {"shift": 0.2}, {"flip": 1.0}, {"contrast": 0.5},
         {"brightness": 0.3}, {"cutout": 0.5}]  # fmt: skip


def test_no_augmentation_is_the_identity() -> None:
    assert change(RAW, {}, 3) is RAW


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: next(iter(kind)))
def test_each_kind_changes_images_and_the_seed_decides_how(kind: dict[str, float]) -> None:
    first, again, other = (change(RAW, kind, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, RAW)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "rotate": st.floats(0, 180),
            "scale": st.floats(0, 0.9),
            "shear": st.floats(0, 1),
            "shift": st.floats(0, 1),
            "flip": st.sampled_from([0.0, 1.0]),
            "contrast": st.floats(0, 2),
            "brightness": st.floats(0, 2),
            "cutout": st.floats(0, 1),
        },
    ),
    st.sampled_from([(1, 1, 1), (5, 8, 3), (9, 4, 1)]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_what_comes_out_is_what_the_sensor_could_have_given(
    how: Changes, shape: tuple[int, int, int], seed: int
) -> None:
    raw = torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    before = raw.clone()
    out = change(raw, how, seed)
    assert (out.shape, out.dtype) == (raw.shape, torch.uint8)
    assert torch.equal(raw, before)


def test_flipping_mirrors_about_half_of_the_images() -> None:
    raw = torch.from_numpy(pixels(200))
    out = change(raw, {"flip": 1.0}, 0)
    mirrored = (out == raw.flip(2)).flatten(1).all(1)
    same = (out == raw).flatten(1).all(1)
    assert bool((mirrored | same).all())
    assert 60 < int(mirrored.sum()) < 140


def test_shifting_moves_by_whole_pixels_and_repeats_the_border() -> None:
    raw = torch.from_numpy(pixels(40))
    out = change(raw, {"shift": 0.25}, 0)
    moves = set()
    for one, moved in zip(raw, out, strict=True):
        fits = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(moved, one[(torch.arange(8) + down).clamp(0, 7)][:, (torch.arange(8) + right).clamp(0, 7)])
        ]
        assert fits
        moves.update(fits)
    assert len(moves) > 10


def test_a_turn_by_hand() -> None:
    """A dot right of the middle is turned around it and keeps its distance."""
    raw = torch.zeros(60, 17, 17, 1, dtype=torch.uint8)
    raw[:, 7:10, 12:15] = 255
    out = change(raw, {"rotate": 40.0}, 0)[..., 0].float()
    places = torch.arange(17) - 8.0
    rows = (out.sum(2) * places).sum(1) / out.sum((1, 2))
    columns = (out.sum(1) * places).sum(1) / out.sum((1, 2))
    torch.testing.assert_close((rows**2 + columns**2).sqrt(), torch.full((60,), 5.0), atol=0.15, rtol=0)
    angles = torch.rad2deg(torch.atan2(rows, columns))
    assert -41 < float(angles.min()) < -25
    assert 25 < float(angles.max()) < 41


def test_cutout_erases_one_square() -> None:
    raw = torch.full((30, 16, 16, 1), 200, dtype=torch.uint8)
    out = change(raw, {"cutout": 0.25}, 0)
    assert set(out.flatten().tolist()) == {0, 200}
    holes = (out == 0)[..., 0]
    assert bool((holes == holes.any(2)[:, :, None] & holes.any(1)[:, None]).all())
    assert int(holes.flatten(1).sum(1).max()) == 16


def test_only_some_kinds_need_interpolation() -> None:
    plain = Augmentation(shift=0.1, flip=1.0, contrast=0.1, brightness=0.1, cutout=0.1)
    assert not plain.warps
    for name in ("rotate", "scale", "shear"):
        assert Augmentation(**{name: 0.1}).warps
