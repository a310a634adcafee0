from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import folder as folders
from smidgen.errors import DataError
from tests.data.build import folder


def arranged(*paths: str) -> folders.Arranged:
    return folders.by_class(sorted(map(PurePosixPath, paths)), "photos")


def test_each_sub_folder_is_a_class(tmp_path: Path) -> None:
    found = folders.listing(folder(tmp_path, {"dog": 1, "cat": 2}), "photos")
    assert (found.layout, found.parts, found.warnings) == ("folder", (), [])
    assert found.names == ["cat/0.png", "cat/1.png", "dog/0.png"]
    assert found.labels == ["cat", "cat", "dog"]


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Valid"])
def test_part_folders_are_a_given_split(validation: str) -> None:
    found = arranged("train/cat/1.png", f"{validation}/dog/1.png", "test/cat/1.png")
    by_name = dict(zip(map(str, found.paths), zip(found.parts, found.labels, strict=True), strict=True))
    assert by_name["train/cat/1.png"] == ("train", "cat")
    assert by_name[f"{validation}/dog/1.png"] == ("validation", "dog")
    assert by_name["test/cat/1.png"] == ("test", "cat")


def test_one_part_alone_is_no_split() -> None:
    found = arranged("train/cat/1.png", "train/dog/1.png")
    assert (list(found.parts), found.labels) == ([], ["cat", "dog"])


def test_vehicles_may_be_called_train() -> None:
    assert arranged("train/1.png", "bus/1.png").labels == ["bus", "train"]
    assert arranged("train/1.png", "test/1.png").labels == ["test", "train"]


def test_a_folder_around_everything_does_not_count() -> None:
    assert arranged("photos/cat/1.png", "photos/dog/1.png", "photos/README.md").labels == ["cat", "dog"]


def test_deeper_folders_belong_to_their_class() -> None:
    assert arranged("cat/siamese/1.png", "dog/1.png").labels == ["cat", "dog"]


def test_files_outside_of_classes_are_left_out_aloud() -> None:
    found = arranged("README.md", "cat/1.png", "dog/1.png")
    assert (found.labels, found.warnings) == (
        ["cat", "dog"],
        ["Files outside of class folders were left out: README.md"],
    )


def test_litter_is_no_data(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 1, "dog": 1, ".git": 1, "__MACOSX": 1})
    for name in (".DS_Store", "Thumbs.db"):
        (tmp_path / "cat" / name).write_bytes(b"litter")
    assert folders.listing(tmp_path, "photos").names == ["cat/0.png", "dog/0.png"]


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    folder(tmp_path / "a", {"dog": 1})
    folder(tmp_path / "b", {"cat": 1})
    (tmp_path / "b" / "dog").symlink_to(tmp_path / "a" / "dog")
    assert folders.listing(tmp_path / "b", "photos").names == ["cat/0.png", "dog/0.png"]


def test_files_too_large_for_one_example_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LARGEST_FILE", 10)
    (tmp_path / "large").write_bytes(b"0" * 11)
    with pytest.raises(DataError, match="at most"):
        folders.open_file(tmp_path / "large")


NAMES = st.text("abct", min_size=1, max_size=2) | st.sampled_from(["train", "test", "val"])


@given(st.sets(st.lists(NAMES, min_size=1, max_size=4).map(lambda steps: PurePosixPath(*steps)), max_size=8))
def test_every_file_is_listed_or_mentioned(paths: set[PurePosixPath]) -> None:
    try:
        found = folders.by_class(sorted(paths), "photos")
    except DataError:
        assert all(len(path.parts) < 2 for path in paths) or not paths
        return
    assert len(found.paths) == len(found.labels)
    assert len(found.parts) in (0, len(found.paths))
    assert all(label in path.parts[:-1] for path, label in zip(found.paths, found.labels, strict=True))
    assert set(found.paths) <= paths
    assert bool(found.warnings) == (len(found.paths) < len(paths))
