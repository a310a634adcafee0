import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from smidgen.compiler import emulator, reference
from smidgen.compiler.compilation import Compilation, compiled
from smidgen.compiler.device import Device
from smidgen.compiler.model import load
from smidgen.errors import BudgetError, UsageError, VerificationError
from smidgen.targets.c import examples
from smidgen.targets.firmware import EXAMPLES, export, ship
from tests.compiler.boards import needs_boards, needs_compiler
from tests.compiler.programs import on_digits

FILES = ["Makefile", "README.md", "board.c", "board.h", "digits.c", "digits.h", "input.bin", "link.ld", "main.c"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "digits.onnx").write_bytes(on_digits("cnn"))
    return tmp_path / "digits.onnx"


@pytest.fixture
def made(model: Path) -> Compilation:
    return compiled(load(model), Device.of("cortex-m4"))


@needs_boards
def test_a_folder_that_builds_and_runs_without_smidgen(made: Compilation, tmp_path: Path) -> None:
    """`make run` there makes the same program, and leaves the answers of the model."""
    files = ship(made, tmp_path / "out")
    assert sorted(file.name for file in files) == sorted([*FILES, "startup.c", "digits.elf"])
    elf = tmp_path / "out" / "digits.elf"
    checked = elf.read_bytes()
    elf.unlink()
    done = subprocess.run(["make", "run"], cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    assert elf.read_bytes() == checked
    assert (done.stdout + done.stderr).count("instructions ") == EXAMPLES
    wanted = reference.run(made.model.program, examples(made.program, EXAMPLES))["probabilities"]
    assert (tmp_path / "out" / "output.bin").stat().st_size == wanted.nbytes


@needs_boards
def test_the_readme_says_what_it_takes(made: Compilation, tmp_path: Path) -> None:
    ship(made, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in ("# digits on cortex-m4", "262,144 bytes of flash", "constants of the model", "arena, with input"):
        assert part in text
    assert "instructions, exactly counted" in text
    assert "Not measured" not in text


@needs_compiler
def test_without_the_emulator_the_readme_says_what_was_not_measured(
    made: Compilation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "available", lambda: False)
    files = ship(made, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Not measured: Emulating cortex-m4 needs qemu-system-arm" in text
    assert "constants of the model" in text
    assert tmp_path / "digits.elf" in files


def test_without_a_compiler_there_are_the_sources(
    made: Compilation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    files = ship(made, tmp_path)
    assert sorted(file.name for file in files) == sorted([*FILES, "startup.c"])
    assert "Not measured: Building for cortex-m4 needs arm-none-eabi-gcc" in (tmp_path / "README.md").read_text("utf-8")


@needs_boards
def test_other_answers_write_nothing(made: Compilation, tmp_path: Path) -> None:
    program = made.model.program
    weight = program.values[program.operations[1].inputs[1]]
    assert weight.data is not None
    other = program.with_value(replace(weight, data=weight.data[::-1].copy()))
    with pytest.raises(VerificationError, match="computes another probabilities"):
        ship(replace(made, model=replace(made.model, program=other)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_compiler
def test_what_does_not_fit_writes_nothing(model: Path, tmp_path: Path) -> None:
    small = replace(Device.of("cortex-m4"), flash_bytes=2000)
    with pytest.raises(BudgetError, match="bytes of flash more than the device has"):
        ship(compiled(load(model), small), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_it_is_for_one_device(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Name it with --device"):
        ship(compiled(load(model)), tmp_path)
    with pytest.raises(UsageError, match="'main' is that of another file"):
        ship(compiled(load(model, "main"), Device.of("cortex-m4")), tmp_path)
    with pytest.raises(UsageError, match="no firmware for laptop"):
        ship(compiled(load(model), Device.of("laptop")), tmp_path)


@needs_boards
def test_a_bundle_is_for_a_cortex_m4(tmp_path: Path) -> None:
    bundle = tmp_path / "my digits"
    bundle.mkdir()
    (bundle / "model.onnx").write_bytes(on_digits("cnn"))
    files = export(bundle, tmp_path / "out")
    assert tmp_path / "out" / "my_digits.elf" in files
    assert "# my_digits on cortex-m4" in (tmp_path / "out" / "README.md").read_text("utf-8")
