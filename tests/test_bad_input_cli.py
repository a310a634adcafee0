"""Bad input through the command line: one clear line on stderr, the right exit code, and nothing written."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smidgen import cli
from smidgen.bundle import Bundle
from tests.conftest import write_image
from tests.data.build import folder
from tests.data.test_bad_input import CASES as SOURCES
from tests.data.test_bad_input import Case

Tree = dict[str, bytes]
Capture = pytest.CaptureFixture[str]


def tree(root: Path) -> Tree:
    """Every file and folder below, with its content."""
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


def refused(tokens: list[str], code: int, words: tuple[str, ...], capsys: Capture) -> None:
    """The command ends with that code and one line that has all the words."""
    found = cli.main([*tokens, "--quiet"])
    out, err = capsys.readouterr()
    assert (found, out) == (code, ""), err
    assert err.startswith("smidgen: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word in err


@pytest.mark.parametrize("case", SOURCES, ids=lambda case: case.name)
def test_bad_sources(case: Case, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    source = str(case.build(tmp_path / "in"))
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    refused(["fit", source, "--out", str(tmp_path / "out")], 3, (), capsys)
    assert tree(tmp_path) == before


OPTIONS: list[tuple[str, list[str], int, tuple[str, ...]]] = [
    ("unknown device", ["--device", "cortex-m5"], 2, ("cortex-m5", "cortex-m4")),
    ("flash that is no size", ["--flash", "plenty"], 2, ("--flash 'plenty'", "64KB")),
    ("flash of nothing", ["--flash", "0KB"], 2, ("--flash", "room for nothing")),
    ("negative RAM", ["--ram=-5"], 2, ("--ram '-5'",)),
    ("an unknown unit", ["--ram", "5 parsecs"], 2, ("--ram",)),
    ("ten bytes of flash", ["--flash", "10", "--family", "mlp"], 4, ("limit of 10",)),
    ("ten bytes of RAM", ["--ram", "10", "--family", "mlp"], 4, ("bytes of RAM", "limit of 10")),
    ("three parameters", ["--params", "3", "--family", "mlp"], 4, ("parameters", "limit of 3")),
    ("a floor in percent", ["--floor", "accuracy=95"], 2, ("--floor", "accuracy=0.95")),
    ("a floor without a value", ["--floor", "accuracy"], 2, ("--floor 'accuracy'",)),
    ("unknown family", ["--family", "cnm"], 2, ("'cnm'", "cnn")),
    ("unknown optimizer", ["--optimizer", "adamx"], 2, ("'adamx'", "adamw")),
    ("unknown schedule", ["--schedule", "steps"], 2, ("'steps'", "cosine")),
    ("unknown loss", ["--loss", "hinge"], 2, ("'hinge'", "mse")),
    ("unknown activation", ["--activation", "swish"], 2, ("'swish'", "relu")),
    ("unknown task", ["--task", "mind-reading"], 2, ("'mind-reading'",)),
    ("no epochs", ["--epochs", "0"], 2, ("--epochs",)),
    ("epochs in words", ["--epochs", "many"], 2, ("many",)),
    ("a negative rate", ["--learning-rate=-1"], 2, ("--learning-rate",)),
    ("a rate that is not a number", ["--learning-rate", "nan"], 2, ("--learning-rate",)),
    ("momentum of one", ["--momentum", "1"], 2, ("--momentum",)),
    ("an empty batch", ["--batch-size", "0"], 2, ("--batch-size",)),
    ("negative patience", ["--patience=-1"], 2, ("--patience",)),
    ("a size in words", ["--size", "huge"], 2, ("--size",)),
    ("no resolution", ["--resolution", "1"], 2, ("resolution",)),
    ("no memory", ["--memory", "none"], 2, ("--memory",)),
    ("a misspelt option", ["--devise", "cortex-m4"], 2, ("--device",)),
    ("nothing to resume", ["--resume", "--family", "mlp"], 5, ("no interrupted run",)),
    ("a config that is not there", ["--config", "none.toml"], 2, ("none.toml",)),
]


@pytest.mark.parametrize(("tokens", "code", "words"), [case[1:] for case in OPTIONS], ids=[case[0] for case in OPTIONS])
def test_bad_options(
    tokens: list[str],
    code: int,
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    refused(["fit", str(source), "--out", "out", *tokens], code, words, capsys)
    assert tree(tmp_path) == before


def _manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(bundle: Path) -> None:
        state = json.loads((bundle / "bundle.json").read_bytes())
        change(state)
        (bundle / "bundle.json").write_text(json.dumps(state))

    return damage


def _escape(bundle: Path) -> None:
    (bundle.parent / "secret").write_bytes(b"secret")
    _manifest(lambda state: state["files"].update({"../secret": {"sha256": "0" * 64, "bytes": 6}}))(bundle)


@dataclass(frozen=True)
class Damage:
    """A way to spoil a bundle, and what the error must say."""

    name: str
    spoil: Callable[[Path], object]
    words: tuple[str, ...]


BUNDLES = [
    Damage("corrupted model", lambda b: (b / "model.onnx").write_bytes(b"junk"), ("model.onnx", "changed")),
    Damage(
        "truncated model",
        lambda b: (b / "model.onnx").write_bytes((b / "model.onnx").read_bytes()[:-9]),
        ("model.onnx",),
    ),
    Damage("corrupted weights", lambda b: (b / "weights.safetensors").write_bytes(b"x" * 5), ("weights.safetensors",)),
    Damage("missing model", lambda b: (b / "model.onnx").unlink(), ("lacks the file model.onnx",)),
    Damage("no manifest", lambda b: (b / "bundle.json").unlink(), ("has no bundle.json",)),
    Damage("manifest of junk", lambda b: (b / "bundle.json").write_bytes(b"\xff{"), ("bundle.json", "JSON")),
    Damage("manifest that is a list", lambda b: (b / "bundle.json").write_bytes(b"[]"), ("bundle.json", "object")),
    Damage("manifest nested too deep", lambda b: (b / "bundle.json").write_bytes(b"[" * 10**5), ("bundle.json",)),
    Damage("path escape", _escape, ("leads out of the bundle",)),
    Damage(
        "absolute path", _manifest(lambda s: s["files"].update({"/etc/passwd": {"sha256": "", "bytes": 1}})), ("out",)
    ),
    Damage("newer schema", _manifest(lambda s: s.update(schema=99)), ("schema 99", "pip install -U")),
    Damage("a field is missing", _manifest(lambda s: s.pop("task")), ("task", "missing")),
    Damage("an unknown signal", _manifest(lambda s: s["signal"].update(kind="smell")), ("'smell'",)),
    Damage("a signal of no size", _manifest(lambda s: s["signal"].update(height=0)), ("signal.height",)),
    Damage("one class", _manifest(lambda s: s["answer"].update(names=["a"])), ("answer.names",)),
]


@pytest.mark.parametrize("verb", ["predict", "evaluate", "verify", "benchmark", "export"])
@pytest.mark.parametrize("damage", BUNDLES, ids=lambda damage: damage.name)
def test_bad_bundles(damage: Damage, verb: str, tiny_bundle: Bundle, tmp_path: Path, capsys: Capture) -> None:
    tiny_bundle.add({"weights.safetensors": b"weights"})
    damage.spoil(tiny_bundle.path)
    picture = write_image(tmp_path / "night.png", 3)
    before = tree(tmp_path)
    more = [str(picture)] if verb == "predict" else []
    refused([verb, str(tiny_bundle.path), *more], 5, damage.words, capsys)
    assert tree(tmp_path) == before


def _file(root: Path) -> Path:
    (root / "out").write_bytes(b"mine")
    return root / "out"


def _others(root: Path) -> Path:
    (root / "out").mkdir()
    (root / "out" / "thesis.txt").write_bytes(b"mine")
    return root / "out"


PLACES: list[tuple[str, Callable[[Path], Path], int, tuple[str, ...]]] = [
    ("a file", _file, 2, ("is a file", "--out")),
    ("a folder with other things", _others, 2, ("thesis.txt", "--out")),
    ("below a file", lambda root: _file(root) / "model", 8, ("out",)),
]


@pytest.mark.parametrize(("place", "code", "words"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_bad_places(
    place: Callable[[Path], Path], code: int, words: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    out = place(tmp_path)
    before = tree(tmp_path)
    refused(["fit", "digits", "--out", str(out)], code, words, capsys)
    assert tree(tmp_path) == before


STORAGE = [("disk full", 28, "No space left on device"), ("read-only folder", 30, "Read-only file system")]


@pytest.mark.parametrize(("number", "why"), [case[1:] for case in STORAGE], ids=[case[0] for case in STORAGE])
def test_a_disk_that_refuses_the_run(
    number: int, why: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is trained: the journal cannot be started."""
    make = Path.mkdir

    def refuse(path: Path, *arguments: Any, **named: Any) -> None:
        if path.name == ".out.partial":
            raise OSError(number, why)
        make(path, *arguments, **named)

    monkeypatch.setattr(Path, "mkdir", refuse)
    refused(["fit", "digits", "--out", str(tmp_path / "out"), "--family", "mlp", "--size", "500"], 8, (why,), capsys)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(("number", "why"), [case[1:] for case in STORAGE], ids=[case[0] for case in STORAGE])
def test_a_disk_that_refuses_an_export(
    number: int, why: str, tiny_bundle: Bundle, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, why)

    before = tree(tmp_path)
    monkeypatch.setattr("smidgen.bundle._fill", refuse)
    refused(["export", str(tiny_bundle.path)], 8, (why,), capsys)
    assert tree(tmp_path) == before


def test_a_disk_that_fills_up_while_saving(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was trained is kept in the journal, so that --resume can go on; no half bundle is left."""
    fill = 0

    def refuse(*_: Any) -> None:
        nonlocal fill
        fill += 1
        if fill == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("smidgen.bundle._fill", refuse)
    given = ["fit", "digits", "--out", str(tmp_path / "out"), "--family", "mlp", "--size", "500", "--epochs", "1"]
    refused([*given, "--no-augment", "--no-distill", "--no-quantize"], 8, ("No space left",), capsys)
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial"]


def test_there_are_enough_cases() -> None:
    assert len(SOURCES) + len(OPTIONS) + len(BUNDLES) + len(PLACES) + len(STORAGE) >= 40
    for names in ([c.name for c in SOURCES], [c[0] for c in OPTIONS], [c.name for c in BUNDLES]):
        assert len(names) == len(set(names))
