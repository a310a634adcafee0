from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smidgen.data.sources import listing
from smidgen.errors import DataError
from tests.data.build import folder, idx_pair, labels_of, noise, zipped

X, Y = noise(4, 4, 4), labels_of(4)


def npz(root: Path) -> Path:
    np.savez(root / "data.npz", allow_pickle=False, x=X, y=Y)
    return root / "data.npz"


def csv(root: Path) -> Path:
    (root / "list.CSV").write_text("path,label\na.png,cat\n", encoding="utf-8")
    return root / "list.CSV"


@pytest.mark.parametrize(
    ("layout", "build"),
    [
        ("folder", lambda root: folder(root, {"cat": 1, "dog": 1})),
        ("zip", lambda root: zipped(folder(root / "photos", {"cat": 1, "dog": 1}), root / "photos.zip")),
        ("idx", lambda root: idx_pair(root, "train", X, Y)),
        ("npz", npz),
        ("csv", csv),
    ],
)
def test_layouts_are_recognised(layout: str, build: Callable[[Path], Path], tmp_path: Path) -> None:
    found = listing(str(build(tmp_path)))
    assert found.layout == layout


@pytest.mark.parametrize("name", ["digits", "Digits"])
def test_samples_by_name(name: str) -> None:
    found = listing(name)
    assert (found.source, found.layout, len(found.names)) == ("digits", "sample", 1797)


def test_a_path_comes_before_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "digits", {"cat": 1, "dog": 1})
    monkeypatch.chdir(tmp_path)
    found = listing("digits")
    assert found.layout == "folder"
    assert "digits is both a path here and a sample; the path was read" in found.warnings


def test_close_names_are_suggested(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"Did you mean .*photos"):
        listing(str(tmp_path / "photo"))
    with pytest.raises(DataError, match="Did you mean fashion-mnist"):
        listing("fashion_mnits")
    with pytest.raises(DataError, match=r"Samples are: .*digits"):
        listing("something else")
