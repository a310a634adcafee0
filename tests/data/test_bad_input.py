"""Bad sources: each ends in one clear error that names what is wrong. `CASES` is for the command line's tests, too."""

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smidgen.data.load import load
from smidgen.errors import CorruptFiles, DataError
from tests.data.build import encoded, folder, idx_bytes, idx_pair, labels_of, noise, zipped


@dataclass(frozen=True)
class Case:
    """`build` makes a source below a folder and gives its name; the error has all of `words`."""

    name: str
    build: Callable[[Path], object]
    words: tuple[str, ...]
    error: type[DataError] = DataError


def _good(root: Path) -> Path:
    return folder(root / "photos", {"cat": 4, "dog": 4})


def _with_file(content: bytes, name: str = "cat/bad.png") -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        path = _good(root) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return root / "photos"

    return build


def _folder(**counts: int) -> Callable[[Path], Path]:
    return lambda root: folder(root / "photos", counts)


def _idx(images: bytes, labels: bytes, packed: bool = False) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        ending = ".gz" if packed else ""
        (root / f"train-images-idx3-ubyte{ending}").write_bytes(images)
        (root / f"train-labels-idx1-ubyte{ending}").write_bytes(labels)
        return root

    return build


def _npz(allow_pickle: bool = False, **arrays: object) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        np.savez(root / "data.npz", allow_pickle=allow_pickle, **arrays)  # type: ignore[arg-type]
        return root / "data.npz"

    return build


def _raw(name: str, content: bytes) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        (root / name).write_bytes(content)
        return root / name

    return build


def _csv(text: str) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        _good(root)
        (root / "photos" / "list.csv").write_text(text, encoding="utf-8")
        return root / "photos" / "list.csv"

    return build


def _zip_of(members: dict[str, bytes]) -> Callable[[Path], Path]:
    def build(root: Path) -> Path:
        with zipfile.ZipFile(root / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return root / "photos.zip"

    return build


def _patched_zip(at: int, patch: bytes) -> Callable[[Path], Path]:
    """A zip of the good folder with some bytes of each entry in its directory replaced."""

    def build(root: Path) -> Path:
        path = zipped(_good(root), root / "photos.zip")
        content = bytearray(path.read_bytes())
        entry = content.find(b"PK\1\2")
        while entry >= 0:
            content[entry + at : entry + at + len(patch)] = patch
            entry = content.find(b"PK\1\2", entry + 1)
        path.write_bytes(content)
        return path

    return build


def _huge_png() -> bytes:
    """A PNG whose header says 20,000 x 20,000 pixels."""
    content = bytearray(encoded(noise(1, 8, 8)[0]))
    content[16:24] = (20_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


def _folder_for_a_file(root: Path) -> Path:
    _good(root)
    (root / "photos" / "list.csv").write_text(
        "path,label\n" + "".join(f"cat/{i}.png,cat\ndog/{i}.png,dog\n" for i in range(4)) + "cat,cat\n"
    )
    return root / "photos" / "list.csv"


def _loop(root: Path) -> Path:
    _good(root)
    (root / "photos" / "cat" / "again").symlink_to(root / "photos")
    return root / "photos"


def _made(build: Callable[[Path], object]) -> Callable[[Path], Path]:
    def run(root: Path) -> Path:
        build(root)
        return root

    return run


PNG = encoded(noise(1, 8, 8)[0])
JPEG = encoded(noise(1, 64, 64, 3)[0], "JPEG")
IMAGES = idx_bytes(noise(12, 8, 8))
LABELS = idx_bytes(labels_of(12))
BOMB = b"\0\0\x08\3" + b"\0\1\0\0" + b"\0\0\1\0" * 2  # 65,536 images of 256 x 256 pixels are 4 GiB
X, Y = noise(12, 8, 8), labels_of(12)


def _junk(root: Path) -> None:
    for name in ("cat", "dog"):
        (root / name).mkdir()
        for index in range(3):
            (root / name / f"{index}.png").write_bytes(b"junk")


def _cut_npz(root: Path) -> Path:
    with zipfile.ZipFile(root / "data.npz", "w") as archive:
        for name, array, length in (("x", X, -3), ("y", Y, None)):
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", stream.getvalue()[:length])
    return root / "data.npz"


def _without_labels(root: Path) -> Path:
    idx_pair(root, "train", X, Y)
    (root / "train-labels-idx1-ubyte").unlink()
    return root


CASES = [
    Case("missing folder", lambda root: root / "nowhere", ("nowhere", "no file, folder or sample")),
    Case("misspelt sample", lambda _: "mnist-5", ("mnist-5k", "Did you mean")),
    Case("empty name", lambda _: "", ("source is empty",)),
    Case("home of nobody", lambda _: "~no-such-user/photos", ("no-such-user",)),
    Case("name of great length", lambda _: "a" * 5000, ("aaa", "name too long")),
    Case("NUL in the name", lambda _: "a\0b", ("no file, folder or sample", "a\\x00b")),
    Case("empty folder", lambda root: root, ("holds no folders with files",)),
    Case("folder of empty folders", _made(lambda root: (root / "cat").mkdir()), ("holds no folders with files",)),
    Case("no class folders", _made(lambda root: (root / "a.png").write_bytes(PNG)), ("no folders with files",)),
    Case("unknown kind of file", _raw("photos.rar", b"Rar!"), ("photos.rar", "no known layout")),
    Case("one class", _folder(cat=5), ("only one class", "'cat'")),
    Case("one image a class", _folder(cat=1, dog=1), ("too few examples", "cat (1)", "dog (1)")),
    Case("two images of a class", _folder(cat=9, dog=2), ("too few examples", "dog (2)")),
    Case("one class too few", _folder(cat=9, dog=9, cow=1), ("too few examples of cow (1)",)),
    Case("classes that differ by case", _folder(Cat=4, cat=4), ("'Cat'", "'cat'", "look the same")),
    Case("class name with a line break", lambda root: folder(root, {"c\nat": 4, "dog": 4}), ("c\\nat", "printable")),
    Case("link to the parent", _loop, ("folders deep", "link")),
    Case("zero-byte image", _with_file(b""), ("cat/bad.png", "is empty"), CorruptFiles),
    Case("truncated PNG", _with_file(encoded(noise(1, 64, 64)[0])[:-900]), ("cat/bad.png", "damaged"), CorruptFiles),
    Case("truncated JPEG", _with_file(JPEG[: len(JPEG) // 2], "cat/bad.jpg"), ("bad.jpg", "damaged"), CorruptFiles),
    Case("text called .jpg", _with_file(b"hello there", "dog/note.jpg"), ("note.jpg", "is not a"), CorruptFiles),
    Case("header only", _with_file(JPEG[:20], "cat/bad.jpg"), ("cat/bad.jpg",), CorruptFiles),
    Case("20,000 x 20,000 pixels", _with_file(_huge_png()), ("cat/bad.png", "pixels", "million"), CorruptFiles),
    Case("all files bad", _made(_junk), ("None of the 6 files",)),
    Case(
        "given parts without train",
        lambda root: folder(root, {f"{p}/{c}": 4 for p in ("val", "test") for c in "ab"}),
        ("no train part",),
    ),
    Case(
        "class missing in train",
        lambda root: folder(root, {"train/a": 4, "train/b": 4, "test/a": 4, "test/c": 4}),
        ("no training examples of c",),
    ),
    Case("idx of the wrong magic", _idx(b"\0\0\x0d" + IMAGES[3:], LABELS), ("train-images", "not an idx file")),
    Case("idx truncated", _idx(IMAGES[:-5], LABELS), ("train-images", "cut off")),
    Case("idx header truncated", _idx(IMAGES[:7], LABELS), ("train-images", "cut off")),
    Case("idx too long", _idx(IMAGES + b"more", LABELS), ("train-images", "longer")),
    Case("idx of different counts", _idx(IMAGES, idx_bytes(labels_of(11))), ("12 images", "11 labels")),
    Case("idx with a huge header", _idx(IMAGES[:4] + b"\xff" * 12, LABELS), ("train-images", "4294967295")),
    Case(
        "idx of huge images", _idx(IMAGES[:8] + b"\0\1\0\0" * 2 + IMAGES[16:], LABELS), ("train-images", "65536x65536")
    ),
    Case(
        "idx.gz bomb", _idx(gzip.compress(BOMB), gzip.compress(LABELS), packed=True), ("train-images", "as a bomb does")
    ),
    Case("idx without labels", _without_labels, ("train-images", "labels")),
    Case("idx labels as images", _idx(LABELS, LABELS), ("train-images", "stack of images")),
    Case(
        "idx.gz that is not gzip", _idx(IMAGES, LABELS, packed=True), ("train-images-idx3-ubyte.gz", "cannot be read")
    ),
    Case("idx.gz cut off", _idx(gzip.compress(IMAGES)[:-20], gzip.compress(LABELS), packed=True), ("train-images",)),
    Case("npz that is not a zip", _raw("data.npz", b"hello"), ("data.npz", "not a zip file")),
    Case("npz with unknown names", _npz(a=X, b=Y), ("data.npz", "found: a, b")),
    Case("npz with pickled objects", _npz(True, x=X, y=np.array([{}] * 12)), ("data.npz", "pickle")),
    Case("npz of different lengths", _npz(x=X, y=Y[:-1]), ("12 examples", "11 labels")),
    Case("npz with NaN", _npz(x=np.where(X[0, 0, 0] == X, np.nan, X / 255), y=Y), ("data.npz", "NaN")),
    Case("npz with values below 0", _npz(x=X / 128.0 - 1, y=Y), ("data.npz", "from -1 to")),
    Case("npz with 16-bit values", _npz(x=X.astype(np.uint16) * 257, y=Y), ("data.npz", "to 65535")),
    Case("npz with text for pixels", _npz(x=np.full((12, 2, 2), "a"), y=Y), ("data.npz", "suits no task")),
    Case("npz of flat examples", _npz(x=X.reshape(12, 64), y=Y), ("data.npz",)),
    Case("npz with many labels each", _npz(x=X, y=np.eye(12)), ("data.npz", "12x12")),
    Case("npz with half labels", _npz(x=X, y=Y + 0.5), ("data.npz", "not whole")),
    Case("npz with parts of two sizes", _npz(x_train=X, y_train=Y, x_test=X[:, :4], y_test=Y), ("4x8 and 8x8",)),
    Case("npz array cut off", _cut_npz, ("x in", "not as long")),
    Case("npz with a single number", _npz(x=np.float64(3), y=Y), ("data.npz", "shape ()", "no set of examples")),
    Case("npz with no rows", _npz(x=X[:0], y=Y[:0]), ("data.npz", "0x8x8")),
    Case("csv without a label column", _csv("path,kind\ncat/0.png,cat\n"), ("list.csv", "'label'")),
    Case("csv without anything", _csv(""), ("list.csv", "is empty")),
    Case("csv with a header only", _csv("path,label\n"), ("list.csv", "names no files")),
    Case("csv path that escapes", _csv("path,label\n../../secret.png,cat\n"), ("line 2", "secret.png", "leads out")),
    Case("csv absolute path", _csv("path,label\n/etc/passwd,cat\n"), ("line 2", "/etc/passwd", "leads out")),
    Case("csv with an empty label", _csv("path,label\ncat/0.png,\n"), ("line 2", "label is empty")),
    Case("csv with an unknown part", _csv("path,label,part\ncat/0.png,cat,later\n"), ("line 2", "'later'")),
    Case(
        "csv naming a file twice", _csv("path,label\ncat/0.png,cat\ncat/0.png,dog\n"), ("cat/0.png", "more than once")
    ),
    Case(
        "csv with a missing file",
        _csv("path,label\n" + "".join(f"cat/{i}.png,cat\ndog/{i}.png,dog\n" for i in range(5))),
        ("cat/4.png", "No such file"),
        CorruptFiles,
    ),
    Case("csv naming a folder", _folder_for_a_file, ("cat", "is not a file"), CorruptFiles),
    Case("csv that is not UTF-8", _raw("list.csv", b"path,label\n\xff\xfe,cat\n"), ("list.csv", "utf-8")),
    Case("zip that is none", _raw("photos.zip", b"hello"), ("photos.zip", "not a zip file")),
    Case("zip with ../ names", _zip_of({"cat/../../evil.png": PNG, "dog/1.png": PNG}), ("evil.png", "leads out")),
    Case("zip with absolute names", _zip_of({"/cat/evil.png": PNG, "dog/1.png": PNG}), ("evil.png", "leads out")),
    Case("zip of nothing", _zip_of({}), ("photos.zip", "holds no folders")),
    Case("zip with one class", _zip_of({f"cat/{i}.png": PNG for i in range(5)}), ("photos.zip", "only one class")),
    Case("zip bomb", _patched_zip(24, (0xF0000000).to_bytes(4, "little")), ("photos.zip", "as a bomb does")),
    Case("zip with a huge member", _patched_zip(24, (2**27 + 2**28).to_bytes(4, "little")), ("photos.zip",)),
    Case("zip with a drive letter", _zip_of({"c:/cat/evil.png": PNG, "dog/1.png": PNG}), ("evil.png", "leads out")),
    Case("zip with backslashes", _zip_of({"cat\\evil.png": PNG, "dog/1.png": PNG}), ("evil.png", "leads out")),
    Case("zip encrypted", _patched_zip(8, b"\1\0"), ("photos.zip", "encrypted")),
    Case("zip with a wrong checksum", _patched_zip(16, b"\0\0\0\0"), ("cat/0.png",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_clear_error(case: Case, tmp_path: Path) -> None:
    source = case.build(tmp_path)
    with pytest.raises(case.error) as caught:
        load(str(source))
    message = str(caught.value)
    assert "\n" not in message
    for word in case.words:
        assert word in message


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    _good(tmp_path)
    (tmp_path / "photos/cat/0.png").chmod(0)
    with pytest.raises(CorruptFiles, match=r"cat/0\.png \(Permission denied"):
        load(tmp_path / "photos")


def test_a_file_that_may_not_be_read_as_any_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _good(tmp_path)
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> object:
        if path.name == "0.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CorruptFiles) as caught:
        load(tmp_path / "photos")
    assert [name for name, _ in caught.value.files] == ["cat/0.png", "dog/0.png"]
    assert "Permission denied" in str(caught.value)


def test_bad_files_are_all_listed_and_can_be_left_out(tmp_path: Path) -> None:
    _good(tmp_path)
    for name, content in (("cat/empty.png", b""), ("dog/half.jpg", JPEG[: len(JPEG) // 2])):
        (tmp_path / "photos" / name).write_bytes(content)
    with pytest.raises(CorruptFiles) as caught:
        load(tmp_path / "photos")
    assert [name for name, _ in caught.value.files] == ["cat/empty.png", "dog/half.jpg"]
    report = load(tmp_path / "photos", skip_bad=True).report
    assert [name for name, _ in report.skipped] == ["cat/empty.png", "dog/half.jpg"]
    assert sum(sum(counts.values()) for counts in report.counts.values()) == 8


def test_leaving_files_out_must_leave_enough(tmp_path: Path) -> None:
    folder(tmp_path, {"cat": 4, "dog": 3})
    (tmp_path / "dog" / "0.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"too few examples of dog \(2\)"):
        load(tmp_path, skip_bad=True)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(_good(tmp_path) / "cat" / "pipe.png")
    with pytest.raises(CorruptFiles, match="is not a file"):
        load(tmp_path / "photos")


def test_nothing_of_an_array_file_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    stream = io.BytesIO()
    np.save(stream, np.array([Trap()] * 3, object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
        archive.writestr("y.npy", stream.getvalue())
    with pytest.raises(DataError, match="pickle"):
        load(tmp_path / "data.npz")
    assert not (tmp_path / "sprung").exists()
