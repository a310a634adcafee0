import json
from pathlib import Path
from typing import Any

import pytest

from smidgen import cli, registry
from smidgen.bundle import Bundle
from smidgen.compiler import emulator, footprint
from smidgen.errors import BundleError, MissingLibrary, SmidgenError, UsageError
from smidgen.verbs.compile import ALL, compile_model
from tests.compiler.boards import needs_boards, needs_compiler
from tests.compiler.programs import on_digits


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "my digits.onnx").write_bytes(on_digits("cnn"))
    return tmp_path / "my digits.onnx"


@needs_boards
def test_what_a_model_takes_of_a_device(model: Path, tmp_path: Path) -> None:
    found = compile_model(model, device="cortex-m4")
    (fit,) = found.fits
    needed = fit.footprint
    assert (fit.device, fit.flash_bytes, fit.ram_bytes, fit.short) == ("cortex-m4", 262_144, 65_536, "")
    assert needed.measured
    assert needed.flash_bytes == needed.code_bytes + needed.constant_bytes + needed.rest_bytes
    assert needed.ram_bytes == needed.arena_bytes + needed.variable_bytes + needed.stack_bytes
    assert 1000 < needed.constant_bytes < 4000
    assert needed.milliseconds == pytest.approx(needed.instructions / 84_000)
    assert list(tmp_path.iterdir()) == [model]  # nothing is written without --out
    assert found.exit_code == 0


@needs_boards
def test_the_text_has_costs_their_basis_and_every_layer(model: Path) -> None:
    text = compile_model(model, device="cortex-m4").text()
    assert "my digits.onnx: uint8 8x8x1 -> float32 10; 7 operations" in text
    assert "of 262,144 bytes" in text
    assert "Stack, instructions: measured, one by one, in qemu-system-arm mps2-an386" in text
    assert "It fits." in text
    assert sum(line.split()[1:2] == ["conv2d"] for line in text.splitlines()) == 3


def test_layers_add_up(model: Path) -> None:
    found = compile_model(model)
    assert sum(layer.macs for layer in found.layers) == found.fits[0].footprint.macs
    convolution = next(layer for layer in found.layers if layer.kind == "conv2d")
    height, width, channels = convolution.shape
    assert convolution.macs == height * width * channels * 9
    assert max(layer.live_bytes for layer in found.layers) <= found.fits[0].footprint.arena_bytes


def test_json_is_plain(model: Path) -> None:
    state = json.loads(json.dumps(compile_model(model).to_json()))
    assert state["fits"][0]["footprint"]["flash_bytes"] > 1000
    assert state["layers"][0]["kind"] == "conv2d"
    assert (state["folder"], state["files"]) == (None, [])


def test_what_is_written_is_c_and_the_memory_map(model: Path, tmp_path: Path) -> None:
    found = compile_model(model, name="net", out=tmp_path / "out")
    assert found.files == ("README.md", "net.c", "net.h", "memory.svg")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*found.files}
    assert "int net_run(const void *input, void *output)" in (tmp_path / "out" / "net.h").read_text("utf-8")
    assert (tmp_path / "out" / "memory.svg").read_text("utf-8").startswith("<svg")
    assert str(tmp_path / "out" / "net.c") in found.text()


def test_files_are_called_after_the_model(model: Path, tmp_path: Path) -> None:
    assert "my_digits.c" in compile_model(model, out=tmp_path / "out").files


@needs_boards
def test_c_for_a_device_says_how_to_build_it(model: Path, tmp_path: Path) -> None:
    compile_model(model, device="cortex-m4", out=tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "Checked before it was written" in text
    assert "for cortex-m4, with the kernels" in text
    assert "-mcpu=cortex-m4" in text


@needs_boards
def test_a_firmware(model: Path, tmp_path: Path) -> None:
    found = compile_model(model, target="firmware", device="cortex-m3", out=tmp_path / "out")
    assert {"my_digits.elf", "Makefile", "link.ld", "memory.svg"} <= {*found.files}


@pytest.mark.parametrize("device", [None, "cortex-m4"])
def test_less_ram_than_it_takes_is_too_little(device: str | None, model: Path) -> None:
    found = compile_model(model, device=device, ram=100)
    assert found.exit_code == 4
    assert found.fits[0].ram_bytes == 100
    assert found.fits[0].short == f"{found.fits[0].footprint.ram_bytes - 100:,} bytes of RAM"
    assert "It does not fit" in found.text()


@pytest.mark.parametrize(("target", "file"), [("library", "my_digits.py"), ("wasm", "index.html")])
def test_every_other_target_takes_a_file_too(target: str, file: str, model: Path, tmp_path: Path) -> None:
    if target == "wasm":
        pytest.importorskip("ziglang")
    device = {"library": "laptop", "wasm": "browser"}[target]
    assert file in compile_model(model, target=target, device=device, out=tmp_path / "out").files


@needs_compiler
def test_all_devices_are_compared(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "available", lambda: False)
    found = compile_model(model, device=ALL)
    assert [fit.device for fit in found.fits] == list(registry.names("devices"))
    lines = found.text().splitlines()[3:]
    assert len(lines) == len(found.fits)
    assert all(line.endswith("estimated") for line in lines)
    assert found.exit_code == 0


def test_what_is_short_is_said_and_ends_as_a_broken_budget(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "BESIDE", 5000)
    monkeypatch.setattr("smidgen.compiler.firmware.available", lambda: False)
    found = compile_model(model, device="cortex-m0")
    assert found.exit_code == 4
    short = found.fits[0].footprint.ram_bytes - 4096
    assert f"It does not fit: {short:,} bytes of RAM short." in found.text()
    assert "Not measured: Building for cortex-m0 needs arm-none-eabi-gcc" in found.text()


def test_a_bundle_is_a_model_too(tiny_bundle: Bundle) -> None:
    found = compile_model(tiny_bundle)
    assert found.model == "model.onnx"
    assert found.layers[-1].kind == "softmax"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"device": "cortex-m44"}, "no device called 'cortex-m44'"),
        ({"target": "cc"}, "no target called 'cc'"),
        ({"target": "onnx"}, "takes bundles only"),
        ({"name": "9"}, "cannot be the name of a C function"),
        ({"device": "all", "out": Path("out")}, "--out takes the files for one device"),
        ({"target": "firmware", "out": Path("out")}, "Name it with --device"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], what: str, model: Path) -> None:
    with pytest.raises(UsageError, match=what):
        compile_model(model, **options)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("name", "content", "kind", "what"),
    [
        ("none.tflite", None, UsageError, "cannot be read: No such file"),
        ("text.txt", b"hello", UsageError, "neither a .tflite nor an .onnx file"),
        ("broken.onnx", b"hello", BundleError, "onnx"),
        ("broken.tflite", b"hello", BundleError, "tflite"),
        ("empty.tflite", b"", BundleError, "tflite"),
    ],
)
def test_a_file_that_is_no_model_is_one_error(
    name: str, content: bytes | None, kind: type[SmidgenError], what: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=what):
        compile_model(tmp_path / name)


def test_a_folder_that_is_no_bundle_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, but not a bundle"):
        compile_model(tmp_path)


def test_nothing_is_written_where_nothing_can_be_checked(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingLibrary, match=r"smidgen\[c\]"):
        compile_model(model, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compile", str(model), "--name", "net", "--out", str(tmp_path / "out"), "--json", "--quiet"]
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["README.md", "net.c", "net.h", "memory.svg"]
    assert cli.main(["compile", str(tmp_path / "none.onnx")]) == 2
    assert "none.onnx cannot be read" in capsys.readouterr().err
