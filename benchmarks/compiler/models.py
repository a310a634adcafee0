"""The four int8 models of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597), and inputs for them: random and real."""

from __future__ import annotations

import sys
import zipfile
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from smidgen.compiler.model import Model, load
from smidgen.targets.c import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smidgen.types import Array

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = {
    "KWS": "keyword_spotting__kws_ref_model.tflite",
    "VWW": "visual_wake_words__vww_96_int8.tflite",
    "IC": "image_classification__pretrainedResnet_quant.tflite",
    "AD": "anomaly_detection__ad01_int8.tflite",
}


def model(name: str, data: Path) -> Model:
    """One of the four."""
    path = data / "pretrained" / "mlperf_tiny" / FILES[name]
    if not path.is_file():
        sys.exit(f"There is no {path.name}; name the folder of the data with --data")
    return load(path, name.lower())


def inputs(name: str, made: Model, data: Path, count: int) -> Array:
    """As many random as real inputs: (2 * count, ...) of int8."""
    (value,) = (made.program.values[key] for key in made.program.inputs)
    random = examples(made.program, count)[value.name]
    assert value.quantization is not None
    real = np.stack([*islice(REAL[name](data, value.shape), count)])
    codes = np.round(real / value.quantization.scale) + value.quantization.zero_point
    return np.concatenate([random, np.clip(codes, -128, 127).astype(np.int8)])


def _pictures(data: Path, shape: tuple[int, ...]) -> Iterator[Array]:
    """Test images of CIFAR-10, 0 to 255."""
    with zipfile.ZipFile(data / "image-classification" / "cifar10" / "test.zip") as files:
        for name in sorted(files.namelist())[::10]:
            with Image.open(BytesIO(files.read(name))) as picture:
                yield np.asarray(picture.convert("RGB").resize((shape[1], shape[0])), np.float32)


def _streets(data: Path, shape: tuple[int, ...]) -> Iterator[Array]:
    """Squares out of pictures of streets with people, 0 to 1."""
    for path in sorted((data / "image-segmentation" / "pennfudan" / "PNGImages").glob("*.png")):
        with Image.open(path) as picture:
            side = min(picture.size)
            for at in np.linspace(0, max(picture.size) - side, 5).astype(int).tolist():
                box = (at, 0, at + side, side) if picture.width > side else (0, at, side, at + side)
                yield np.asarray(picture.convert("RGB").crop(box).resize((shape[1], shape[0])), np.float32) / 255


def _loudness(data: Path) -> Array:
    """The vibration of a bearing as decibels: (windows, 128 frequencies)."""
    with np.load(data / "industry" / "cwru" / "de_12k_load0.npz", allow_pickle=False) as archive:
        signal = np.concatenate([archive[name].ravel() for name in archive.files if archive[name].dtype.kind == "f"])
    windows = np.lib.stride_tricks.sliding_window_view(signal[:300_000], 512)[::240]
    power = np.abs(np.fft.rfft(windows * np.hanning(512)))[:, :256] ** 2
    decibels = 10 * np.log10(power.reshape(len(power), 128, 2).sum(2) + 1e-9)
    return np.asarray(decibels, np.float32)


def _spectra(data: Path, shape: tuple[int, ...]) -> Iterator[Array]:
    """Five windows in a row of a machine, as in the task of this model."""
    loud = _loudness(data) - 30
    yield from (loud[at : at + 5].reshape(shape) for at in range(0, len(loud) - 5, 7))


def _cepstra(data: Path, shape: tuple[int, ...]) -> Iterator[Array]:
    """The cosine transform of a second of it, shaped as the model's words are."""
    loud = _loudness(data)
    basis = np.cos(np.pi / 128 * (np.arange(128)[:, None] + 0.5) * np.arange(shape[1]))
    found = loud @ basis / 8
    yield from (found[at : at + shape[0]].reshape(shape) for at in range(0, len(found) - shape[0], 9))


REAL = {"KWS": _cepstra, "VWW": _streets, "IC": _pictures, "AD": _spectra}
