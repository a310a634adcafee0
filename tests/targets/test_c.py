import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from smidgen.bundle import Bundle
from smidgen.compiler import emit, kernels, reference
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Program
from smidgen.compiler.model import load
from smidgen.compiler.toolchain import CRunner, build
from smidgen.errors import BundleError, MissingLibrary, VerificationError
from smidgen.targets import c, library, wasm
from smidgen.targets.c import EXACT, check, examples, export, same, ship
from smidgen.types import Array, Arrays
from tests.compiler.importers.graphs import exported
from tests.compiler.importers.tflite_files import hybrid_file
from tests.compiler.programs import every_operation, on_digits


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """As much of a bundle as a target reads."""
    folder = tmp_path / "my digits"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(on_digits("cnn"))
    return folder


class Form:
    """The reference executor as the form that is to ship."""

    form = "c"

    def __init__(self, program: Program, change: Callable[[Array], Array] = lambda x: x) -> None:
        self.program, self.change = program, change

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        found = reference.run(self.program, inputs)
        return {name: self.change(array) for name, array in found.items()}


def test_a_bundle_becomes_three_files_that_say_how_they_were_checked(bundle: Path, tmp_path: Path) -> None:
    files = export(bundle, tmp_path / "out")
    assert [file.name for file in files] == ["README.md", "my_digits.c", "my_digits.h"]
    assert all(file.parent == tmp_path / "out" for file in files)
    assert "Checked before it was written: on 200 random inputs" in files[0].read_text(encoding="utf-8")


def test_the_files_alone_are_a_program(bundle: Path, tmp_path: Path) -> None:
    """Compiled and called without smidgen, they decide as the model does."""
    files = {file.name: file.read_text(encoding="utf-8") for file in export(bundle, tmp_path / "out")}
    plan = emit.write(read(on_digits("cnn")), "my_digits").plan
    library = ctypes.CDLL(str(build(emit.Source("my_digits", files, 0, plan), tmp_path)))
    program = read(on_digits("cnn"))
    raw = examples(program, 5)
    expected = reference.run(program, raw)["probabilities"]
    for image, wanted in zip(raw["image"], expected, strict=True):
        found = (ctypes.c_float * 10)()
        assert library.my_digits_run(image.tobytes(), found) == 0
        np.testing.assert_allclose(list(found), wanted, atol=1e-5)


def test_a_model_of_floats_ships_too(tiny_bundle: Bundle, tmp_path: Path) -> None:
    assert len(export(tiny_bundle.path, tmp_path / "out")) == 3


def test_another_weight_is_found_and_its_layer_named() -> None:
    model = on_digits("cnn")
    program = read(model)
    layer = program.operations[1]
    weight = program.values[layer.inputs[1]]
    assert weight.data is not None
    changed = program.with_value(replace(weight, data=weight.data[::-1].copy()))
    with pytest.raises(VerificationError, match=r"layer \S+ \(.*\) departs most, by [\d.]+ steps"):
        check(model, changed, Form(changed), examples(changed, 40))


@pytest.mark.parametrize(
    "change", [lambda x: x + 0.001, lambda x: x[:, ::-1], lambda x: np.full_like(x, np.nan), lambda x: x * 0]
)
def test_c_that_does_not_compute_its_program_is_found(change: Callable[[Array], Array]) -> None:
    program = read(on_digits("cnn"))
    with pytest.raises(VerificationError, match="does not compute in probabilities"):
        check(on_digits("cnn"), program, Form(program, change), examples(program, 40))


def test_the_same_answers_pass() -> None:
    program = read(on_digits("cnn"))
    runner = CRunner(emit.write(program, "net"), program)
    assert 0 <= check(on_digits("cnn"), program, runner, examples(program, 40)) < 0.05


def test_a_layer_that_the_file_has_in_codes_is_not_compared() -> None:
    model = on_digits("cnn")
    program = read(model)
    nodes = onnx.load_model_from_string(model).graph.node
    codes = next(node.output[0] for node in nodes if node.op_type == "QuantizeLinear")
    program.operations[0] = replace(program.operations[0], name=codes)
    assert check(model, program, Form(program), examples(program, 5)) < 0.05


@pytest.fixture(scope="module")
def reader() -> bytes:
    """An untrained classifier of six words out of twenty, as torch exports it: its indices have 64 bits."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Embedding(20, 8), nn.Flatten(), nn.Linear(48, 3), nn.Softmax(-1)).eval()
    return exported(network, torch.zeros(1, 6, dtype=torch.int64))


@pytest.mark.parametrize("target", [c, library, wasm])
def test_words_ship_as_indices(target: ModuleType, reader: bytes, tmp_path: Path) -> None:
    (tmp_path / "reader.onnx").write_bytes(reader)
    assert target.ship(compiled(load(tmp_path / "reader.onnx")), tmp_path / "out")


def test_examples_of_indices_are_rows_of_their_table(reader: bytes) -> None:
    words = examples(read(reader), 50)["input"]
    assert words.dtype == np.int32
    assert (words.min(), words.max()) == (0, 19)


def test_what_litert_rounds_and_the_c_does_not_is_compared_less_closely(tmp_path: Path) -> None:
    """Not so what the C and its program say: these are equal."""
    (tmp_path / "net.tflite").write_bytes(hybrid_file([0.02]))
    made = compiled(load(tmp_path / "net.tflite"))
    inputs, runner = examples(made.program, 20), CRunner(made.source, made.program)
    assert EXACT < same(made.model, runner, inputs, made.model.original()) < 1
    with pytest.raises(VerificationError, match="what its program says"):
        same(made.model, Form(made.program, lambda x: x + 0.01), inputs, None)


def test_without_a_compiler_nothing_is_written(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingLibrary, match=r"smidgen\[c\]"):
        export(bundle, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_model_writes_nothing(bundle: Path, tmp_path: Path) -> None:
    (bundle / "model.onnx").write_bytes(on_digits("cnn")[:-100])
    with pytest.raises(BundleError):
        export(bundle, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("runs_here", [True, False])
def test_kernels_that_run_here_are_run(
    bundle: Path, tmp_path: Path, runs_here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another processor are not, and the README says so."""
    device = Device.of("laptop")
    if not kernels.module(device.kernels).suits_host():
        pytest.skip(f"this host does not run {device.kernels}")
    monkeypatch.setattr(kernels.module(device.kernels), "suits_host", lambda: runs_here)
    made = compiled(load(bundle / "model.onnx"), device)
    assert made.here()[0] is (made.source if runs_here else made.portable)
    text = next(path for path in ship(made, tmp_path / "out") if path.name == "README.md").read_text("utf-8")
    assert f"The file is for laptop, with the kernels {device.kernels}" in text
    assert ("kernels that run anywhere" in text) != runs_here


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_examples_cover_what_an_input_can_be(dtype: str) -> None:
    program = every_operation(dtype)
    made = examples(program, 10)
    assert made.keys() == set(program.inputs)
    for name, array in made.items():
        value = program.values[name]
        assert array.dtype == value.dtype
        assert array.shape == (10, *value.shape)
        if dtype != "float32":
            assert (array.min(), array.max()) == (np.iinfo(dtype).min, np.iinfo(dtype).max)
    again = examples(program, 10)
    assert all((made[name] == again[name]).all() for name in made)
