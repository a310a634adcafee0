import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smidgen.bundle import Bundle
from smidgen.compiler import kernels, reference
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.kernels import _host
from smidgen.compiler.toolchain import library
from smidgen.errors import VerificationError
from smidgen.targets import library as target
from smidgen.types import Array, Runner

APART = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from tiny import INPUTS, LABELS, OUTPUTS, Model
images = np.stack([np.full((4, 4, 1), level, np.uint8) for level in (10, 240)])
print([LABELS[best] for best in Model()({"image": images})["probabilities"].argmax(1)])
print(INPUTS, OUTPUTS, {"smidgen", "onnxruntime", "torch"} & sys.modules.keys())
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture
def model(tiny_bundle: Bundle, exported: Path) -> Runner:
    """The model of `tiny_bundle`, from its library."""
    if not list(exported.iterdir()):
        target.export(tiny_bundle.path, exported)
    return target.load(exported / "tiny.py")


def grey(*levels: int) -> Array:
    return np.stack([np.full((4, 4, 1), level, np.uint8) for level in levels])


def test_a_bundle_becomes_a_library_a_header_and_a_module(tiny_bundle: Bundle, tmp_path: Path) -> None:
    files = target.export(tiny_bundle.path, tmp_path / "out")
    assert [file.name for file in files] == [library("tiny"), "tiny.h", "tiny.py"]
    assert all(file.parent == tmp_path / "out" for file in files)


def test_it_computes_what_the_program_says(model: Runner, tiny_model: bytes) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    expected = reference.run(read(tiny_model), {"image": images})["probabilities"]
    np.testing.assert_allclose(model({"image": images})["probabilities"], expected, atol=1e-6)
    every_second = model({"image": images[::2]})["probabilities"]
    np.testing.assert_allclose(every_second, expected[::2], atol=1e-6)
    assert model({"image": images[:0]})["probabilities"].shape == (0, 2)


def test_it_needs_numpy_and_nothing_else(model: Runner, exported: Path) -> None:
    done = subprocess.run([sys.executable, "-c", APART, str(exported)], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "['dark', 'bright']"
    assert second == "{'image': ('uint8', (4, 4, 1))} {'probabilities': ('float32', (2,))} set()"


def test_threads_do_not_meet(model: Runner) -> None:
    batches = [grey(*([level] * 300)) for level in (20, 90, 160, 230)]
    alone = [model({"image": batch})["probabilities"] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda batch: model({"image": batch})["probabilities"], batches))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    "inputs",
    [{}, {"x": grey(1)}, {"image": grey(1).astype(np.int8)}, {"image": grey(1)[0]}, {"image": grey(1)[:, :3]}],
)
def test_inputs_that_do_not_suit_are_refused(model: Runner, inputs: dict[str, Array]) -> None:
    with pytest.raises(ValueError, match="image"):
        model(inputs)


@pytest.mark.parametrize("kernel_set", ["portable", *_host.WIDEST_FIRST])
def test_it_has_the_kernels_of_this_host(
    kernel_set: str, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel_set != "portable" and not kernels.module(kernel_set).suits_host():
        pytest.skip(f"this host has no {kernel_set}")
    monkeypatch.setattr(_host, "best", lambda: kernel_set)
    _, header, script = target.export(tiny_bundle.path, tmp_path / "out")
    wanted = repr(list(_host.needed(kernel_set)))
    assert f"\nNEEDED = {wanted} " in script.read_text(encoding="utf-8")
    assert "tiny_run" in header.read_text(encoding="utf-8")


@pytest.mark.skipif(not _host.features(), reason="this system does not say what its processor can do")
def test_a_processor_that_lacks_something_is_told_so(tiny_bundle: Bundle, tmp_path: Path) -> None:
    _, _, script = target.export(tiny_bundle.path, tmp_path / "out")
    text = re.sub(r"NEEDED = .*", "NEEDED = ['time_travel']", script.read_text(encoding="utf-8"))
    script.write_text(text, encoding="utf-8")
    with pytest.raises(OSError, match="is for processors with time_travel, which this one lacks"):
        target.load(script)


def test_a_library_that_answers_otherwise_is_not_written(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = target.MODULE.template.replace(
        "dict(zip(OUTPUTS, wanted))", "{n: 1 - w for n, w in zip(OUTPUTS, wanted)}"
    )
    monkeypatch.setattr(target, "MODULE", type(target.MODULE)(swapped))
    with pytest.raises(VerificationError, match="library does not compute"):
        target.export(tiny_bundle.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
