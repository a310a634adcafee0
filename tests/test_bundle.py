import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smidgen import bundle as bundles
from smidgen.bundle import Bundle, check_free, place, save
from smidgen.errors import BundleError, SmidgenError, StorageError, UsageError
from smidgen.evidence import Evidence, exact

Forge = Callable[[Bundle, Mapping[str, Any]], Path]
PICTURES = np.repeat(np.array([10, 250], np.uint8), 16).reshape(2, 4, 4, 1)


def neighbours(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_saved_bundle_is_loaded_and_runs(tiny_bundle: Bundle) -> None:
    loaded = Bundle.load(tiny_bundle.path)
    assert loaded == tiny_bundle
    assert loaded.signal == tiny_bundle.signal
    output = loaded.runner()({"image": PICTURES})
    assert [row["label"] for row in loaded.answer.decode(output["probabilities"])] == ["dark", "bright"]


def test_a_bundle_is_the_path_of_its_folder(tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(tiny_bundle) == tiny_bundle.path
    assert Bundle.load(tiny_bundle) == tiny_bundle
    monkeypatch.chdir(tiny_bundle.path)
    assert Bundle.load(".").path == tiny_bundle.path


def test_the_manifest_is_readable_json(tiny_bundle: Bundle) -> None:
    state = json.loads((tiny_bundle.path / "bundle.json").read_text(encoding="utf-8"))
    assert state["schema"] == bundles.SCHEMA
    assert state["files"]["model.onnx"]["bytes"] == (tiny_bundle.path / "model.onnx").stat().st_size
    assert "onnxruntime" in state["versions"]


def test_file_names_that_are_not_utf8_survive(tmp_path: Path, manifest: dict[str, Any], tiny_model: bytes) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    manifest["data"]["skipped"] = [name]
    saved = save(tmp_path / "odd", manifest, {"model.onnx": tiny_model})
    assert saved.manifest["data"]["skipped"] == [name]


def test_saving_again_replaces_the_old_bundle(tiny_bundle: Bundle, manifest: dict[str, Any], tiny_model: bytes) -> None:
    again = save(tiny_bundle.path, {**manifest, "family": "cnn"}, {"model.onnx": tiny_model})
    assert again.manifest["family"] == "cnn"
    assert neighbours(again.path) == ["tiny"]


def test_add_keeps_files_and_extends_history(tiny_bundle: Bundle) -> None:
    size = exact("file_bytes", 10, "bytes", "model.onnx")
    record = Evidence((size,), "abc", (0,))
    files = {"evidence.json": bundles.dump_json(record.to_json()), "report.html": b"<p>"}
    added = tiny_bundle.add(files, {"step": "measure"})
    assert added.manifest["files"].keys() == {"model.onnx", *files}
    assert [step["step"] for step in added.manifest["history"]] == ["fit", "measure"]
    assert added.evidence == record
    assert "file_bytes" in added._repr_html_()
    assert "file_bytes" in added.text()
    assert added.text().endswith("report.html")
    assert json.dumps(added.to_json())


# Where saving refuses


@pytest.mark.parametrize("missing", ["task", "signal", "seeds"])
def test_an_incomplete_manifest_is_refused(tmp_path: Path, manifest: dict[str, Any], missing: str) -> None:
    del manifest[missing]
    with pytest.raises(BundleError, match=missing):
        save(tmp_path / "b", manifest, {"model.onnx": b"x"})
    assert neighbours(tmp_path / "b") == []


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", ".hidden", "a//b", "", "a\\b", "C:x", "a\0b"])
def test_a_file_cannot_be_put_outside_the_bundle(tmp_path: Path, manifest: dict[str, Any], name: str) -> None:
    with pytest.raises(BundleError, match="cannot be the name"):
        save(tmp_path / "b", manifest, {"model.onnx": b"x", name: b"x"})
    assert neighbours(tmp_path / "b") == []


def test_what_json_cannot_hold_is_refused(tmp_path: Path, manifest: dict[str, Any]) -> None:
    manifest["options"]["rate"] = float("nan")
    with pytest.raises(BundleError, match="kept in a bundle"):
        save(tmp_path / "b", manifest, {"model.onnx": b"x"})


def test_other_folders_and_files_are_not_overwritten(
    tmp_path: Path, tiny_bundle: Bundle, manifest: dict[str, Any], tiny_model: bytes
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    (tiny_bundle.path / "notes.txt").write_text("mine")
    for name in ("file", "photos", "tiny"):
        with pytest.raises(UsageError, match="Choose another folder"):
            save(tmp_path / name, manifest, {"model.onnx": tiny_model})
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "mine"
    assert (tiny_bundle.path / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_free(tmp_path: Path, manifest: dict[str, Any], tiny_model: bytes) -> None:
    (tmp_path / "empty").mkdir()
    check_free(tmp_path / "empty")
    check_free(tmp_path / "new")
    assert save(tmp_path / "empty", manifest, {"model.onnx": tiny_model}).name == "empty"


def test_a_full_disk_leaves_the_old_bundle_and_nothing_else(
    tiny_bundle: Bundle, manifest: dict[str, Any], tiny_model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        save(tiny_bundle.path, {**manifest, "family": "cnn"}, {"model.onnx": tiny_model})
    with pytest.raises(StorageError, match="No space left"):
        place(tiny_bundle.path.parent, {Path("x"): b"x"})
    assert Bundle.load(tiny_bundle.path) == tiny_bundle
    assert neighbours(tiny_bundle.path) == ["tiny"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_takes_no_more_is_one_clear_error(tmp_path: Path, manifest: dict[str, Any]) -> None:
    program = """
import json, resource, signal, sys
from smidgen.bundle import save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
save(sys.argv[1], json.loads(sys.argv[2]), {"model.onnx": bytes(20_000)})
"""
    command = [sys.executable, "-c", program, str(tmp_path / "b"), json.dumps(manifest)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "StorageError" in result.stderr
    assert neighbours(tmp_path / "b") == []


def test_a_failing_swap_brings_the_old_bundle_back(
    tiny_bundle: Bundle, manifest: dict[str, Any], tiny_model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        save(tiny_bundle.path, manifest, {"model.onnx": tiny_model})
    assert Bundle.load(tiny_bundle.path) == tiny_bundle
    assert neighbours(tiny_bundle.path) == ["tiny"]


def test_a_crash_between_the_two_renames_loses_nothing(
    tiny_bundle: Bundle, manifest: dict[str, Any], tiny_model: bytes
) -> None:
    path = tiny_bundle.path
    path.rename(path.with_name(".tiny.old"))
    path.with_name(".tiny.new").mkdir()
    assert Bundle.load(path) == tiny_bundle
    assert save(path, manifest, {"model.onnx": tiny_model}).path == path
    assert neighbours(path) == ["tiny"]


def test_place_writes_beside_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    place(tmp_path, {Path("a/b.c"): b"1", Path("d"): b"2"})
    place(tmp_path, {Path("d"): b"3"})
    assert (tmp_path / "a" / "b.c").read_bytes() == b"1"
    assert (tmp_path / "d").read_bytes() == b"3"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "d", "mine"]


# Loading trusts nothing


def refused(path: Path | str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Bundle.load(path)


def test_missing_bundles(tmp_path: Path) -> None:
    refused(tmp_path / "none", "no bundle at")
    refused(tmp_path, "is not a bundle")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is not a bundle")
    with pytest.raises(UsageError, match="path of a bundle"):
        Bundle.load("a\0b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"NaN", "not valid JSON"),
        (b"[]", "JSON object"),
        (b"{}", "schema"),
        (b" " * (bundles.LARGEST_JSON + 1), "larger than"),
    ],
)
def test_a_damaged_manifest(tiny_bundle: Bundle, content: bytes, message: str) -> None:
    (tiny_bundle.path / "bundle.json").write_bytes(content)
    refused(tiny_bundle.path, message)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema": 2}, "schema 2.*Upgrade"),
        ({"schema": 0}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"parameters": -1}, "parameters"),
        ({"task": None}, "task"),
        ({"history": ["fit"]}, "history"),
        ({"signal": {}}, "kind"),
        ({"signal": {"kind": "smell"}}, "signal.kind.*smell"),
        ({"signal": {"kind": "x" * 1000}}, "signal.kind"),
        ({"signal": {"kind": "image"}}, "signal.height"),
        ({"answer": {"kind": "classes", "names": ["a"]}}, "answer.names"),
        ({"files": {}}, "model.onnx"),
    ],
)
def test_a_manifest_that_makes_no_sense_names_the_field(
    tiny_bundle: Bundle, forge: Forge, fields: dict[str, Any], message: str
) -> None:
    refused(forge(tiny_bundle, fields), message)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "exports/../../secret", "link", "folder/secret"])
def test_files_outside_the_bundle_are_never_read(
    tiny_bundle: Bundle, tmp_path: Path, forge: Forge, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for secret in (tmp_path / "secret", tmp_path / "elsewhere" / "secret"):
        secret.write_bytes(b"x")
    (tiny_bundle.path / "link").symlink_to(tmp_path / "secret")
    (tiny_bundle.path / "folder").symlink_to(tmp_path / "elsewhere")
    files = {**tiny_bundle.manifest["files"], name: {"sha256": "0" * 64, "bytes": 1}}
    read: list[Path] = []
    monkeypatch.setattr(bundles, "_digest", read.append)
    path = forge(tiny_bundle, {"files": {name: files[name], **files}})
    refused(path, "leads out of the bundle")
    assert read == []


@pytest.mark.parametrize("record", [None, {}, {"sha256": "0"}, {"sha256": 0, "bytes": 1}, {"sha256": "0", "bytes": 1}])
def test_a_file_that_is_not_what_the_manifest_says(tiny_bundle: Bundle, forge: Forge, record: object) -> None:
    refused(forge(tiny_bundle, {"files": {"model.onnx": record}}), "model.onnx")


def test_a_changed_model(tiny_bundle: Bundle) -> None:
    model = tiny_bundle.path / "model.onnx"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    refused(tiny_bundle.path, "has changed")
    model.unlink()
    refused(tiny_bundle.path, "lacks the file model.onnx")
    model.mkdir()
    refused(tiny_bundle.path, "not a plain file")


def test_a_model_that_is_not_one(tmp_path: Path, manifest: dict[str, Any]) -> None:
    saved = save(tmp_path / "b", manifest, {"model.onnx": b"not a model"})
    with pytest.raises(BundleError, match=r"model\.onnx"):
        saved.runner()


def test_a_model_that_does_not_suit_its_signal(tmp_path: Path, manifest: dict[str, Any], tiny_model: bytes) -> None:
    manifest["signal"]["height"] = 5
    saved = save(tmp_path / "b", manifest, {"model.onnx": tiny_model})
    with pytest.raises(BundleError, match="says it goes from"):
        saved.runner()


def test_damaged_evidence(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="schema"):
        tiny_bundle.add({"evidence.json": b"{}"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_manifest_is_a_bundle_or_a_clear_error(tiny_bundle: Bundle, data: st.DataObject) -> None:
    """Replace, remove or garble a random part of the manifest."""
    state = json.loads(json.dumps(dict(tiny_bundle.manifest)))
    holder = state
    while True:
        key = data.draw(st.sampled_from(sorted(holder)) | st.text(max_size=5))
        if isinstance(holder.get(key), dict) and holder[key] and data.draw(st.booleans()):
            holder = holder[key]
            continue
        break
    holder[key] = data.draw(JSON)
    text = json.dumps(state)
    cut = data.draw(st.none() | st.integers(0, len(text)))
    path = tiny_bundle.path / "bundle.json"
    before = path.read_bytes()
    try:
        path.write_text(text[:cut], encoding="utf-8")
        Bundle.load(tiny_bundle.path)
    except SmidgenError as error:
        assert isinstance(error, BundleError), error  # noqa: PT017
    finally:
        path.write_bytes(before)
