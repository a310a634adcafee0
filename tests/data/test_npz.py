import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import npz
from smidgen.data.listing import Listing
from smidgen.types import Array
from tests.data.build import labels_of, noise, only_data_errors

X, Y = noise(10, 4, 6), labels_of(10, 3)


def saved(path: Path, **arrays: Array) -> Listing:
    np.savez_compressed(path / "data.npz", allow_pickle=False, **arrays)
    return npz.listing(path / "data.npz", "data")


def contents(found: Listing) -> Array:
    assert isinstance(found.content, list)
    return np.concatenate([block for rows in found.content for block in rows.blocks()])


@pytest.mark.parametrize(("inputs", "targets"), [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")])
def test_one_pair(tmp_path: Path, inputs: str, targets: str) -> None:
    found = saved(tmp_path, **{inputs: X, targets: Y})
    assert (found.parts, found.labels) == ((), [str(label) for label in Y])
    assert (contents(found) == X).all()


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),  # Keras
        ("train_images", "train_labels", "test_images", "test_labels"),  # MedMNIST
    ],
)
def test_given_parts(tmp_path: Path, names: tuple[str, str, str, str]) -> None:
    found = saved(tmp_path, **dict(zip(names, (X, Y, X[:3], Y[:3]), strict=True)))
    assert list(found.parts) == ["train"] * 10 + ["test"] * 3
    assert (contents(found) == np.concatenate([X, X[:3]])).all()


def test_labels_as_medmnist_and_as_text(tmp_path: Path) -> None:
    assert saved(tmp_path, x=X, y=Y[:, None]).labels == [str(label) for label in Y]
    assert saved(tmp_path, x=X, y=np.array(["cat", "dog"] * 5)).labels == ["cat", "dog"] * 5
    assert saved(tmp_path, x=X, y=Y.astype(float)).labels == [str(label) for label in Y]


def test_columns_first(tmp_path: Path) -> None:
    assert (contents(saved(tmp_path, x=np.asfortranarray(X), y=Y)) == X).all()


@given(st.binary(max_size=60), st.integers(0, 200))
def test_damaged_arrays_raise_data_errors(tmp_path_factory: pytest.TempPathFactory, patch: bytes, at: int) -> None:
    path = tmp_path_factory.mktemp("npz") / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in (("x", X), ("y", Y)):
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
            content = bytearray(stream.getvalue())
            content[at : at + len(patch)] = patch
            archive.writestr(f"{name}.npy", bytes(content))
    with only_data_errors("data.npz"):
        found = npz.listing(path, "data")
        assert len(contents(found)) == len(found.labels)
