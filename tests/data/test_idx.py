from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import idx
from smidgen.data.listing import Listing, Rows
from tests.data.build import idx_bytes, idx_pair, labels_of, noise, only_data_errors

IMAGES, LABELS = noise(10, 4, 6), labels_of(10, 3)


def rows_of(found: Listing) -> list[Rows]:
    assert isinstance(found.content, list)
    return found.content


@pytest.mark.parametrize("packed", [False, True])
def test_a_pair_of_files(tmp_path: Path, packed: bool) -> None:
    found = idx.listing(idx_pair(tmp_path, "train", IMAGES, LABELS, packed), "digits")
    assert found.labels == [str(label) for label in LABELS]
    assert found.parts == ()
    [rows] = rows_of(found)
    assert (np.concatenate(list(rows.blocks())) == IMAGES).all()


@pytest.mark.parametrize(("name", "part"), [("t10k", "test"), ("test", "test"), ("val", "validation")])
def test_parts_by_their_names(tmp_path: Path, name: str, part: str) -> None:
    idx_pair(tmp_path, "train", IMAGES, LABELS)
    idx_pair(tmp_path, name, IMAGES[:4], LABELS[:4], packed=True)
    assert list(idx.listing(tmp_path, "digits").parts) == ["train"] * 10 + [part] * 4


def test_one_pair_of_any_name(tmp_path: Path) -> None:
    found = idx.listing(idx_pair(tmp_path, "t10k", IMAGES, LABELS), "digits")
    assert (len(found.names), found.parts) == (10, ())


def test_kaggle_spells_it_with_dots(tmp_path: Path) -> None:
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx_bytes(IMAGES))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx_bytes(LABELS))
    assert len(idx.listing(tmp_path, "digits").names) == 10


def test_numbers_can_have_names(tmp_path: Path) -> None:
    found = idx.listing(idx_pair(tmp_path, "train", IMAGES, LABELS), "digits", ("zero", "one"))
    assert found.labels[:3] == ["zero", "one", "2"]


@given(st.binary(max_size=40), st.binary(max_size=20))
def test_any_bytes_give_a_listing_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, images: bytes, labels: bytes
) -> None:
    folder = tmp_path_factory.mktemp("idx")
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\3" + images)
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1" + labels)
    with only_data_errors("ubyte"):
        found = idx.listing(folder, "digits")
        assert sum(len(block) for rows in rows_of(found) for block in rows.blocks()) == len(found.labels)
