import io

import numpy as np
import pytest

from smidgen.data import listing
from smidgen.data.listing import Rows, as_labels, exactly, only_given, some
from smidgen.errors import DataError
from tests.data.build import noise


def test_rows_come_in_blocks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BLOCK_BYTES", 100)
    array = noise(20, 3, 5)
    blocks = list(Rows.of("data", array).blocks())
    assert max(block.nbytes for block in blocks) <= 100
    assert (np.concatenate(blocks) == array).all()


def test_a_lying_header_cannot_take_memory() -> None:
    class Stream(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            self.largest = max(self.largest, size or 0)
            return super().read(size)

    stream = Stream(b"0123")
    with pytest.raises(DataError, match="data is cut off"):
        exactly(stream, 2**40, "data")
    assert stream.largest <= listing.BLOCK_BYTES


def test_labels_of_many_kinds() -> None:
    assert as_labels(np.array([3, 10]), "y") == ["3", "10"]
    assert as_labels(np.array([[3.0], [10.0]]), "y") == ["3", "10"]
    assert as_labels(np.array(["a", "b"]), "y") == ["a", "b"]
    assert as_labels(np.array([True, False]), "y") == ["True", "False"]
    for wrong in (np.array([np.nan]), np.array([0.5]), np.zeros((2, 2)), np.array([b"a"])):
        with pytest.raises(DataError, match="labels in y"):
            as_labels(wrong, "y")


def test_one_part_is_no_split() -> None:
    assert only_given(["test", "test"]) == ()
    assert only_given(["test", "train"]) == ["test", "train"]


def test_long_lists_are_cut() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(["a", "b", "c"], 2) == "a, b and 1 more"
