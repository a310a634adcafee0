import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smidgen.data import archive, listing
from smidgen.data.load import load
from smidgen.errors import DataError
from tests.data.build import encoded, folder, noise, only_data_errors, zipped


def test_same_as_the_folder(tmp_path: Path) -> None:
    folder(tmp_path / "photos", {"cat": 5, "dog": 5})
    packed, plain = load(zipped(tmp_path / "photos", tmp_path / "photos.zip")), load(tmp_path / "photos")
    assert packed.report.layout == "zip"
    assert packed.fingerprint == plain.fingerprint
    assert packed.train.names == plain.train.names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "photos.zip"]


def test_litter_of_archivers_is_no_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as made:
        made.mkdir("empty")
        for name in ("cat/1.png", "dog/1.png", "__MACOSX/cat/._1.png", "dog/.DS_Store"):
            made.writestr(name, encoded(noise(1, 4, 4)[0]))
    assert archive.listing(tmp_path / "photos.zip", "photos").names == ["cat/1.png", "dog/1.png"]


def test_a_bomb_of_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BOMB_BYTES", 10**6)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for index in range(10):
            made.writestr(f"cat/{index}.bmp", b"\0" * 200_000)
    with pytest.raises(DataError, match="as a bomb does"):
        archive.open_zip(tmp_path / "bomb.zip")


def test_a_member_that_is_longer_than_it_says_is_cut_there(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("cat/1.bin", b"0" * 10_000)
        made.writestr("dog/1.bin", b"0")
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\1\2")
    content[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    found = archive.listing(path, "photos")
    assert not isinstance(found.content, list | tuple)
    with pytest.raises(zipfile.BadZipFile), found.content.open(0) as stream:  # type: ignore[union-attr]
        stream.read()


@given(st.binary(max_size=200), st.integers(0, 400))
def test_damaged_archives_raise_data_errors(tmp_path_factory: pytest.TempPathFactory, patch: bytes, at: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in ("cat/1.png", "dog/1.png"):
            made.writestr(name, b"content")
    content = bytearray(stream.getvalue())
    content[at : at + len(patch)] = patch
    path = tmp_path_factory.mktemp("zip") / "photos.zip"
    path.write_bytes(content)
    with only_data_errors("photos"):
        found = archive.listing(path, "photos")
        assert all(not name.startswith("/") and ".." not in name.split("/") for name in found.names)
