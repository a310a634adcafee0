"""The stream in C answers as the model does on each window of the sound, however the samples come."""

import ctypes
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from smidgen.answers.classes import Classes
from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import build
from smidgen.compiler.passes import lower
from smidgen.compiler.toolchain import STRICT
from smidgen.compiler.toolchain import build as compile_c
from smidgen.compression.quantize import quantize
from smidgen.runner import OnnxRunner
from smidgen.signals.audio import AudioSignal
from smidgen.targets import _stream
from smidgen.targets.onnx import write
from tests.compiler.programs import every_operation
from tests.compiler.sample import taught

WINDOW = 1024
DICE = np.random.default_rng(0)
PARTS = (np.sin(np.arange(2000) / 3), DICE.normal(size=2000) / 3, np.sin(np.arange(2000) * 2.2))
LONG = np.rint(8000 * np.concatenate(PARTS)).astype(np.int16)
Heard = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_float), ctypes.c_void_p)


@cache
def model() -> bytes:
    """A network that tells the three parts of the sound apart, quantised."""
    starts = [start for part in range(3) for start in range(2000 * part, 2000 * part + 2000 - WINDOW, 50)]
    raw = np.stack([LONG[start : start + WINDOW] for start in starts])
    signal = AudioSignal(8000, WINDOW, 128, 64, 16).learn([raw])
    answer = Classes(("a", "b", "c"))
    network = taught(build(signal, answer, "dscnn", 800).eval(), raw, np.array(starts) // 2000)
    return write(quantize(network, torch.from_numpy(raw)), signal, answer, {})


@cache
def library(folder: Path) -> ctypes.CDLL:
    program = read(model())
    source = emit.write(lower(program), "net")
    files = {**source.files, **_stream.files(program, "net")}
    return ctypes.CDLL(str(compile_c(replace(source, files=files), folder, (*STRICT, "-Wconversion"))))


@pytest.mark.parametrize("piece", [1, 7, 256, 1000, 6000])
def test_it_answers_every_window_in_turn(piece: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    net, heard = library(tmp_path_factory.getbasetemp()), []
    room = ctypes.create_string_buffer(2 * WINDOW + 1000)
    listen = Heard(lambda outputs, _: heard.append([outputs[index] for index in range(3)]))
    net.net_stream_start(room)
    count = 0
    for start in range(0, len(LONG), piece):
        part = np.ascontiguousarray(LONG[start : start + piece])
        count += net.net_stream_push(room, part.ctypes.data_as(ctypes.c_void_p), len(part), listen, None)
    windows = [LONG[end - WINDOW : end] for end in range(WINDOW, len(LONG) + 1, WINDOW // 4)]
    alone = OnnxRunner(model(), threads=1)({"sound": np.stack(windows)})["probabilities"]
    means = [alone[max(0, index - 2) : index + 1].mean(axis=0) for index in range(len(alone))]
    assert count == len(heard) == len(windows)
    np.testing.assert_allclose(heard, means, atol=0.02)
    assert np.ptp(alone, axis=0).max() > 0.5  # windows that differ


def test_a_model_of_something_else_has_none() -> None:
    assert _stream.files(every_operation("uint8"), "net") == {}
