"""Real data of every layout, from the folder `shared/data` beside a checkout; skipped where it is absent."""

from pathlib import Path

import pytest

from smidgen.data.load import load

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="there is no shared/data beside this checkout")


@pytest.mark.parametrize(
    ("source", "layout", "shape", "classes", "counts"),
    [
        ("image-classification/mnist", "idx", (28, 28, 1), 10, (54_001, 5_999, 10_000)),
        ("image-classification/cifar10/test.zip", "zip", (32, 32, 3), 10, (1_400, 300, 300)),
        ("medical/pneumoniamnist/pneumoniamnist.npz", "npz", (28, 28, 1), 2, (4_708, 524, 624)),
    ],
)
def test_real_data_is_read_whole(
    source: str, layout: str, shape: tuple[int, ...], classes: int, counts: tuple[int, ...]
) -> None:
    data = load(DATA / source)
    assert data.report.layout == layout
    assert data.signal.input.shape == shape
    assert data.answer.width == classes
    assert (len(data.train), len(data.validation), len(data.test)) == counts


def test_copies_across_a_given_split_are_found() -> None:
    report = load(DATA / "medical/pneumoniamnist/pneumoniamnist.npz").report
    assert report.totals["crossing_duplicates"] == 8
    assert report.exact_duplicates == 29
