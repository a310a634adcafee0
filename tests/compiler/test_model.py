import sys
from pathlib import Path

import numpy as np
import pytest

from smidgen.bundle import Bundle
from smidgen.compiler import model as module
from smidgen.compiler import reference
from smidgen.compiler.model import load
from smidgen.errors import BundleError, UsageError
from smidgen.runner import LiteRtRunner
from tests.compiler.importers.tflite_files import Model
from tests.compiler.programs import on_digits

INPUTS = np.arange(-6, 6, dtype=np.int8).reshape(2, 6)


@pytest.fixture
def small() -> bytes:
    """int8 (6,) -> int8 (6,), a ReLU."""
    made = Model()
    y = made.tensor((1, 6))
    made.add("RELU", [made.input((1, 6))], [y])
    return made.bytes(y)


def test_a_tflite_file_is_known_by_its_name_or_its_content(small: bytes, tmp_path: Path) -> None:
    for name in ("net.tflite", "my net.bin"):
        (tmp_path / name).write_bytes(small)
        found = load(tmp_path / name)
        assert (found.name, found.file) == (name.split(".")[0].replace(" ", "_"), name)
        assert found.program.rounding == "litert"


def test_its_original_is_litert(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(small)
    found = load(tmp_path / "net.tflite", "other")
    original = found.original()
    assert original is not None
    inputs = {found.program.inputs[0]: INPUTS}
    wanted, computed = original(inputs), reference.run(found.program, inputs)
    assert found.name == "other"
    assert wanted.keys() == computed.keys()
    assert all((wanted[name] == computed[name]).all() for name in wanted)
    with pytest.raises(UsageError, match="takes the inputs"):
        original({"else": INPUTS})


def test_without_litert_there_is_no_original(small: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.tflite").write_bytes(small)
    found = load(tmp_path / "net.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert found.original() is None


def test_what_litert_cannot_read_is_one_error() -> None:
    with pytest.raises(BundleError, match="not a model that LiteRT can run"):
        LiteRtRunner(b"TFL3" * 20, ["x"], ["y"])


def test_an_onnx_file_and_a_bundle(tmp_path: Path, tiny_bundle: Bundle) -> None:
    (tmp_path / "digits.onnx").write_bytes(on_digits("cnn"))
    found, packed = load(tmp_path / "digits.onnx"), load(tiny_bundle.path)
    assert (found.program.rounding, packed.program.rounding) == ("onnx", "onnx")
    assert (packed.name, packed.file) == ("tiny", "model.onnx")
    original = packed.original()
    assert original is not None
    assert original.form == "model.onnx"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_FILE", 4)
    (tmp_path / "net.onnx").write_bytes(b"12345")
    with pytest.raises(BundleError, match="has 5 bytes; the compiler reads at most 4"):
        load(tmp_path / "net.onnx")
