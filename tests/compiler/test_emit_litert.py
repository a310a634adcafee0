"""The C of .tflite models computes what the reference executor computes, to the bit where it is integers."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from smidgen.compiler import emit, reference
from smidgen.compiler.importers.tflite import read
from smidgen.compiler.ir import Program
from smidgen.compiler.toolchain import STRICT, CRunner, build
from tests.compiler.importers.test_tflite import EXACT
from tests.compiler.importers.tflite_cases import CASES, IMAGE, examples
from tests.compiler.importers.tflite_files import Model
from tests.compiler.test_emit import NOISY, equal

HALVES = tuple(tuple(CASES)[start::2] for start in range(2))


@cache
def gathered(dtype: str, half: int) -> Program:
    """Half of the cases of the importer's tests in one program, each with an output."""
    model, ends = Model(), []
    x = model.input(IMAGE, dtype)
    for case in HALVES[half]:
        CASES[case](model, x, dtype)
        ends.append(model.last)
    return read(model.bytes(*ends))


@pytest.mark.parametrize("half", range(2))
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_every_case_computes_what_the_reference_does(dtype: str, half: int) -> None:
    program = gathered(dtype, half)
    inputs = examples(program, 30)
    equal(program, CRunner(emit.write(program, "net"), program)(inputs), reference.run(program, inputs))


@pytest.mark.skipif(not EXACT, reason="there is no shared/data beside this checkout")
@pytest.mark.parametrize("file", [file for file in EXACT if file.stat().st_size < 350_000], ids=lambda file: file.stem)
def test_real_models_compute_what_the_reference_does(file: Path) -> None:
    program = read(file.read_bytes())
    inputs = examples(program, 4)
    equal(program, CRunner(emit.write(program, "net"), program)(inputs), reference.run(program, inputs))


@pytest.mark.parametrize("half", range(2))
def test_the_c_has_no_warnings_even_with_noisier_ones(half: int, tmp_path: Path) -> None:
    build(emit.write(gathered("int8", half), "net"), tmp_path, (*STRICT, *NOISY))


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("half", range(2))
def test_the_c_is_c_plus_plus_too(half: int, tmp_path: Path) -> None:
    build(emit.write(gathered("int8", half), "net"), tmp_path, ("-x", "c++", "-std=c++11", *STRICT[1:]))


@pytest.mark.parametrize("half", range(2))
def test_nothing_is_undefined(half: int, tmp_path: Path) -> None:
    """Codes of random bytes, under the sanitizers."""
    program = gathered("int8", half)
    ends = [program.values[name].bytes for name in (*program.inputs, *program.outputs)]
    buffers = "".join(f"static unsigned char b{index}[{size}];\n" for index, size in enumerate(ends))
    reading = "".join(
        f" if (fread(b{index}, 1, sizeof b{index}, stdin) != sizeof b{index}) return 0;"
        for index in range(len(program.inputs))
    )
    names = ", ".join(f"b{index}" for index in range(len(ends)))
    main = (
        f'#include <stdio.h>\n#include "net.h"\n{buffers}int main(void) {{ for (;;) {{{reading} net_run({names}); }} }}'
    )
    checks = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *STRICT)
    tool = build(emit.write(program, "net"), tmp_path, checks, main)
    noise = np.random.default_rng(0).integers(0, 256, 20 * sum(ends), np.uint8)
    done = subprocess.run([tool], input=noise.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
