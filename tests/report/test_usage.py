from __future__ import annotations

import json
import shlex
import subprocess
import sys
import wave
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from smidgen.report import usage
from smidgen.types import TensorSpec

from .conftest import evidence, picture
from .kinds import signal

if TYPE_CHECKING:
    from pathlib import Path

    from smidgen.report.facts import Facts


def run(program: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def folder(tmp_path: Path, tiny_model: bytes) -> Path:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(tiny_model)
    onnx.helper.set_model_props(model, {"labels": json.dumps(["bright", "dark"])})
    onnx.save(model, tmp_path / "model.onnx")
    return tmp_path


def test_the_program_on_the_page_runs_and_answers(folder: Path, full: Facts) -> None:
    from PIL import Image

    Image.fromarray(picture(0, 6, 9, 3) // 8).save(folder / "image.png")
    facts = replace(full, evidence=evidence(("bright", "dark")), input=TensorSpec("image", "uint8", (4, 4, 1)))
    label, probability = run(usage.python(facts), folder).split()
    assert label == "dark"
    assert 0.5 < float(probability) <= 1


def test_an_input_that_is_no_image_is_shown_as_zeros(full: Facts, minimal: Facts) -> None:
    program = usage.python(replace(full, input=TensorSpec("sound", "int16", (16_000,))))
    assert "batch = np.zeros((1, 16000), dtype=np.int16)" in program
    assert "PIL" not in program
    compile(program, "program", "exec")
    assert "labels" not in usage.python(replace(minimal, input=TensorSpec("sound", "int16", (16_000,))))
    assert usage.python(minimal) == ""


def test_a_message_and_a_sound_are_read(full: Facts, tmp_path: Path) -> None:
    known = {
        "text": (TensorSpec("text", "uint8", (16,)), np.array([97, 32])),
        "audio": (TensorSpec("sound", "int16", (8,)), np.array([0, 1])),
    }
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.arange(20, dtype="<i2").tobytes())
    for kind, (spec, begins) in known.items():
        program = usage.python(replace(full, signal=signal(kind), input=spec))
        reading = program.partition("InferenceSession")[2].partition("\n")[2].partition("output = ")[0]
        before = program.partition("import onnxruntime")[0]
        out = run(f"{before}\n{reading}\nprint(batch.shape, batch.dtype, batch[0, :2].tolist())", tmp_path)
        assert out.strip() == f"{(1, *spec.shape)} {spec.dtype} {begins.tolist()}"
        assert usage.commands(replace(full, signal=signal(kind)))[0][0].startswith("smidgen predict 'my digits' ")


def test_a_hostile_input_name_stays_a_string(full: Facts) -> None:
    name = 'x"}); print("hacked")  # \\'
    program = usage.python(replace(full, input=TensorSpec(name, "float32", (3,))))
    compile(program, "program", "exec")
    assert json.dumps(name) in program


def test_commands_quote_the_bundle(full: Facts) -> None:
    for bundle in ("my digits", "a; rm -rf b", "plain"):
        lines = [line for line, _ in usage.commands(replace(full, bundle=bundle))]
        assert [shlex.split(line)[:3] for line in lines] == [
            ["smidgen", verb, bundle] for verb in ("predict", "evaluate", "verify", "benchmark")
        ]
