import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from smidgen import registry
from smidgen.bundle import Bundle
from smidgen.errors import StorageError, Unsupported, UsageError
from smidgen.verbs.export import export


def write(bundle: Path, folder: Path) -> list[Path]:
    """A target that writes two files."""
    (folder / "src").mkdir()
    (folder / "model.h").write_bytes(b"12")
    (folder / "src" / "model.c").write_bytes((bundle / "model.onnx").read_bytes()[:3])
    return [folder / "src" / "model.c", folder / "model.h"]


def refuse(bundle: Path, folder: Path) -> list[Path]:
    (folder / "half.c").write_bytes(b"1")
    raise Unsupported("softmax", "The target c", "Use onnx")


@pytest.fixture(autouse=True)
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"c": write, "none": refuse}
    find = registry.find

    def fake(kind: str, name: str) -> object:
        return SimpleNamespace(export=known[name]) if name in known else find(kind, name)

    monkeypatch.setattr(registry, "find", fake)


def test_exports_go_into_the_bundle_by_default(tiny_bundle: Bundle) -> None:
    found = export(tiny_bundle, target="c")
    assert (tiny_bundle.path / "exports" / "c" / "src" / "model.c").read_bytes() == b"\x08\x09\x3a"
    again = Bundle.load(tiny_bundle.path)
    assert {"exports/c/model.h", "exports/c/src/model.c"} <= again.manifest["files"].keys()
    assert [Path(line.split()[0]).name for line in found.text().splitlines()] == ["model.h", "model.c"]
    assert [file["bytes"] for file in json.loads(json.dumps(found.to_json()))["files"]] == [2, 3]


def test_exports_go_elsewhere_beside_other_files(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "main.c").write_text("mine")
    export(tiny_bundle, target="c", out=tmp_path / "firmware")
    assert (tmp_path / "firmware" / "main.c").read_text() == "mine"
    assert (tmp_path / "firmware" / "model.h").read_bytes() == b"12"
    assert Bundle.load(tiny_bundle.path) == tiny_bundle


def test_a_target_that_refuses_leaves_nothing_behind(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="softmax"):
        export(tiny_bundle, target="none", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert Bundle.load(tiny_bundle.path) == tiny_bundle


def test_an_unknown_target_and_a_file_in_the_way(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no target called 'onxn'"):
        export(tiny_bundle, target="onxn")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="file"):
        export(tiny_bundle, target="c", out=tmp_path / "file")
