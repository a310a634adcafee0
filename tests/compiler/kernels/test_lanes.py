"""Kernels on vectors compute what the reference executor does, to the bit: the same layers on every instruction set."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smidgen.compiler import arithmetic, emit, kernels, litert, reference
from smidgen.compiler.emit import Source
from smidgen.compiler.importers.tflite import read
from smidgen.compiler.ir import Program, Quantization
from smidgen.compiler.kernels._lanes.form import limits, signed
from smidgen.compiler.kernels._lanes.reals import fused
from smidgen.compiler.kernels._lanes.sliding import Sliding
from smidgen.compiler.kernels._lanes.sums import sums
from smidgen.compiler.toolchain import STRICT, ZIG, compiler
from smidgen.types import Arrays
from tests.compiler.kernels.layers import Layers
from tests.compiler.programs import inputs

ROUNDINGS, TYPES = ("onnx", "litert"), ("uint8", "int8")
SETS = ("avx2", "avx512", "neon", "simd128")
EXAMPLES = 6
MODELS = Path(__file__).parents[4] / "shared" / "data" / "pretrained" / "mlperf_tiny"
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WASI = """
const { WASI } = require("node:wasi");
const wasi = new WASI({ version: "preview1" });
const module_ = new WebAssembly.Module(require("node:fs").readFileSync(process.argv[2]));
wasi.start(new WebAssembly.Instance(module_, wasi.getImportObject()));
"""
MAIN = """
#include <stdio.h>
#include <stdlib.h>
{includes}
static unsigned char input[{input_bytes}], output[{output_bytes}];

int main(void)
{{
    while (fread(input, 1, sizeof input, stdin) == sizeof input) {{
{calls}
        fwrite(output, 1, sizeof output, stdout);
    }}
    return 0;
}}
"""
CALL = """\
        {{
            void *const arena = malloc({NAME}_ARENA_BYTES);
            if ({name}_run_in(arena, {arguments})) return 1;
            free(arena);
        }}"""


def layers(rounding: str, dtype: str) -> Program:
    """Random layers, of shapes that fill vectors and of shapes that do not."""
    made = Layers(rounding, dtype, seed=len(dtype))
    for outputs in (5, 16, 24, 40, 130):
        for channels in (outputs, int(made.dice.integers(1, 20))):
            _convolution(made, channels, outputs)
        made.dense(made.input(int(made.dice.integers(1, 90))), outputs, **_how(made))
    for outputs, channels, stride, ends in (
        (16, 16, 1, (1, 1)),
        (40, 8, 2, (0, 1)),
        (130, 4, 2, (1, 0)),
        (5, 12, 1, (0, 0)),
    ):
        padding = (2, ends[0], 1, ends[1])
        x = made.input(5, int(made.dice.integers(4, 20)), channels)
        made.conv2d(x, outputs, (3, 3), stride=(1, stride), dilation=(2, 1), padding=padding, **_how(made))
    made.add(made.input(5, 30, scale=0.0213837), made.input(5, 30, scale=0.0311903), scale=0.0538811)
    made.conv2d(made.input(4, 4, 8), 19)
    _settle(made)
    for shape in ((3, 5, 7), (4, 8, 16)):
        a, b = made.input(*shape), made.input(*shape, scale=0.031)
        made.add(a, b, **_how(made))
        made.add(b, a, "add" if rounding == "litert" else "sub")
        made.mean(a)
        made.average_pool(b)
    return made.program()


def _how(made: Layers) -> dict[str, Any]:
    return {"activation": str(made.dice.choice(["none", "relu", "relu6"]))}


def _convolution(made: Layers, channels: int, outputs: int) -> None:
    """One of any window; of each channel by itself where there are as many outputs."""
    rows, columns, *others = (int(made.dice.integers(1, most)) for most in (6, 6, 3, 3, 3, 3))
    extent = (rows - 1) * others[2] + 1, (columns - 1) * others[3] + 1
    x = made.input(*(size + int(made.dice.integers(0, 12)) for size in extent), channels)
    padding = tuple(int(size) for size in made.dice.integers(0, 3, 4))
    given = {"stride": tuple(others[:2]), "dilation": tuple(others[2:]), "padding": padding, **_how(made)}
    groups = channels if channels == outputs else 1
    made.conv2d(x, outputs, (rows, columns), groups=groups, bias=bool(made.dice.integers(2)), **given)


def _settle(made: Layers) -> None:
    """Give four channels of the last layer a bias that decides everything."""
    bias = made.values[made.operations[-1].inputs[2]]
    assert bias.data is not None
    giant = bias.data.copy()
    giant[:4] = (2**30, -(2**30), 2**31 - 1, -(2**31))
    made.values[bias.name] = replace(bias, data=giant)


@cache
def programs() -> dict[str, Program]:
    """One of each rounding and type of codes."""
    return {f"{rounding}_{dtype}": layers(rounding, dtype) for rounding, dtype in product(ROUNDINGS, TYPES)}


@cache
def examples() -> tuple[bytes, bytes]:
    """What the programs are given, example by example, and what the reference executor answers."""
    given = {name: inputs(program, EXAMPLES) for name, program in programs().items()}
    wanted = {name: reference.run(program, given[name]) for name, program in programs().items()}
    return _bytes(given, "inputs"), _bytes(wanted, "outputs")


def _bytes(arrays: Mapping[str, Arrays], ends: str) -> bytes:
    return b"".join(
        arrays[name][value][index].tobytes()
        for index in range(EXAMPLES)
        for name, program in programs().items()
        for value in getattr(program, ends)
    )


def main(sources: Sequence[Source]) -> str:
    """A program that answers examples from its standard input."""
    places, calls = {"inputs": 0, "outputs": 0}, []
    for source in sources:
        program, arguments = programs()[source.name], []
        for end, buffer in (("inputs", "input"), ("outputs", "output")):
            for value in getattr(program, end):
                arguments.append(f"{buffer} + {places[end]}")
                places[end] += program.values[value].bytes
        calls.append(CALL.format(NAME=source.name.upper(), name=source.name, arguments=", ".join(arguments)))
    includes = "\n".join(f'#include "{source.name}.h"' for source in sources)
    sizes = {"input_bytes": places["inputs"], "output_bytes": places["outputs"]}
    return MAIN.format(includes=includes, calls="\n".join(calls), **sizes)


def commands(kernel_set: str, folder: Path) -> tuple[list[str], list[str]]:
    """How programs with these kernels are compiled and run here; skips the test where they cannot be."""
    flags = list(kernels.module(kernel_set).flags())
    program = str(folder / "program")
    if kernel_set == "simd128":
        if not (node := shutil.which("node")):
            pytest.skip("node, which runs WebAssembly, is not installed")
        pytest.importorskip("ziglang", reason="ziglang, which compiles WebAssembly, is not installed")
        (folder / "wasi.js").write_text(WASI, encoding="utf-8")
        return [*ZIG, "-target", "wasm32-wasi", *flags], [node, "--no-warnings", str(folder / "wasi.js"), program]
    if kernels.module(kernel_set).suits_host():
        return [*compiler(), *flags, *SANITIZED], [program]
    if kernel_set == "neon":
        if not (emulator := shutil.which("qemu-aarch64")):
            pytest.skip("qemu-aarch64 is not installed")
        pytest.importorskip("ziglang", reason="ziglang, which compiles for AArch64, is not installed")
        target = ("-target", "aarch64-linux-musl", "-mcpu=generic+dotprod")
        return [*ZIG, *target], [emulator, "-cpu", "max", program]
    pytest.skip(f"this host has no {kernel_set}")


@pytest.mark.parametrize("kernel_set", SETS)
def test_layers_compute_what_the_reference_does(kernel_set: str, tmp_path: Path) -> None:
    compile_, run = commands(kernel_set, tmp_path)
    sources = [emit.write(program, name, kernel_set) for name, program in programs().items()]
    for source in sources:
        emit.save(source, tmp_path)
    (tmp_path / "main.c").write_text(main(sources), encoding="utf-8")
    files = [str(tmp_path / f"{name}.c") for name in (*programs(), "main")]
    subprocess.run([*compile_, "-O1", *STRICT, *files, "-o", str(tmp_path / "program"), "-lm"], check=True)
    given, wanted = examples()
    found = subprocess.run(run, input=given, capture_output=True, check=True).stdout
    assert len(found) == len(wanted)
    assert found == wanted


@pytest.mark.parametrize("kernel_set", SETS)
def test_every_layer_has_a_form(kernel_set: str) -> None:
    for program in programs().values():
        for operation in program.operations:
            assert kernels.module(kernel_set).find(operation, *program.of(operation)), operation


def test_what_would_not_be_exact_is_left_to_the_portable_kernels() -> None:
    made = Layers("onnx", "int8")
    x = made.input(5, 5, 8)
    made.conv2d(x, 8, zero=0)
    made.conv2d(x, 8, activation="leaky_relu", slope=0.1)
    made.conv2d(x, 8, groups=2)
    made.conv2d(x, 8, zero=0)
    y = made.operations[-1].outputs[0]
    made.values[y] = replace(made.values[y], quantization=Quantization((1e-6,), (0,)))  # sums are multiplied by 60
    program = made.program()
    found = [kernels.module("avx2").find(operation, *program.of(operation)) for operation in program.operations]
    assert [form is not None for form in found] == [True, False, False, False]


def test_settled_channels_give_their_code_whatever_their_sums() -> None:
    made = Layers("litert", "int8")
    made.conv2d(made.input(5, 5, 8), 8, zero=3)
    _settle(made)
    program = made.program()
    (operation,) = program.operations
    found = sums(operation, *program.of(operation)[:1], program.values[program.outputs[0]])
    assert found is not None
    settled, codes = found.settled
    assert [*settled[:4]] == [True] * 4
    assert [*codes[:4]] == [124, -131, 124, -131]


def test_double_precision_is_taken_only_where_each_step_is_at_its_sum() -> None:
    found = [
        sums(operation, given, wanted[0])
        for program in programs().values()
        for operation in program.operations
        if operation.kind in ("conv2d", "dense")
        for given, wanted in [program.of(operation)]
    ]
    both_signs = [
        layer.doubles for layer in found if layer and layer.twice and layer.operation.attributes["activation"] == "none"
    ]
    assert {layer.doubles for layer in found if layer and not layer.twice} == {True}
    assert False in both_signs


@pytest.mark.parametrize(("rounding", "activation"), [("onnx", "none"), ("litert", "none"), ("litert", "relu")])
def test_single_precision_gives_the_codes_of_all_sums(rounding: str, activation: str) -> None:
    made = Layers(rounding, "int8", seed=5)
    made.conv2d(made.input(3, 3, 8), 6, (2, 2), activation=activation)
    program = made.program()
    (operation,) = program.operations
    layer = sums(operation, program.of(operation)[0], program.values[program.outputs[0]])
    assert layer is not None
    found = layer.singles
    assert found is not None
    (low, high), zero = limits(operation, layer.y), signed(layer.y)[0]
    requantize = litert.requantize if layer.twice else arithmetic.requantize
    for channel, (least, most) in enumerate(zip(*layer.ends, strict=True)):
        each = np.arange(least, most + 1)
        multiplier, shift = (part[channel] for part in layer.multipliers)
        wanted = np.clip(requantize(each, multiplier, shift) + zero, low, high)
        shifted = (each + found.shift[channel]).astype(np.float64)
        real = shifted * found.scale[channel] + np.where(shifted < 0, found.down[channel], found.up[channel])
        np.testing.assert_array_equal(np.clip(np.rint(real.astype(np.float32)), low, high), wanted)


def test_what_single_precision_cannot_hold_is_left_to_double() -> None:
    made = Layers("litert", "int8")
    made.conv2d(made.input(20, 20, 16), 8, (20, 20), activation="relu", zero=made.edge())
    program = made.program()
    (operation,) = program.operations
    layer = sums(operation, program.of(operation)[0], program.values[program.outputs[0]])
    assert layer is not None
    assert layer.singles is None
    assert layer.way(kernels.module("avx512").ISA) == "_double"
    assert layer.way(kernels.module("avx2").ISA) == ""


def test_windows_that_overlap_have_a_form_of_their_own() -> None:
    made = Layers("litert", "int8")
    made.conv2d(made.input(9, 9, 8), 8, (3, 3), padding=(1, 1, 1, 1))
    made.conv2d(made.input(9, 9, 8), 8, (3, 3), stride=(3, 3))
    made.conv2d(made.input(9, 9, 8), 8, (3, 3), padding=(1, 2, 1, 1))
    made.conv2d(made.input(9, 9, 3), 8, (3, 3))
    program = made.program()
    for kernel_set, wanted in (("avx512", [True, False, False, False]), ("avx2", [False] * 4)):
        module = kernels.module(kernel_set)
        found = [module.find(operation, *program.of(operation)) for operation in program.operations]
        assert [isinstance(form, Sliding) for form in found] == wanted


@pytest.mark.parametrize(("kind", "rounding"), [("add", "onnx"), ("sub", "onnx"), ("add", "litert")])
def test_additions_in_single_precision_are_exact_for_all_pairs_of_codes(kind: str, rounding: str) -> None:
    made = Layers(rounding, "int8", seed=3)
    a, b = made.input(256, 256, scale=0.0213837), made.input(256, 256, scale=0.0311903)
    made.add(a, b, kind, scale=0.0538811)
    program = made.program()
    (operation,) = program.operations
    left, right = np.meshgrid(np.arange(-128, 128, dtype=np.int8), np.arange(-128, 128, dtype=np.int8))
    (wanted,) = reference.run(program, dict(zip(program.inputs, (left[None], right[None]), strict=True))).values()
    constants = fused(operation, *(program.values[name] for name in (a, b, *program.outputs)))
    assert constants is not None
    scale_a, scale_b, offset = constants
    first = (right * scale_b + offset).astype(np.float32)
    found = np.rint((left * scale_a + first.astype(np.float64)).astype(np.float32))
    np.testing.assert_array_equal(np.clip(found, -128, 127), wanted[0])


def test_sets_say_how_they_are_compiled_and_where_they_run() -> None:
    for name in SETS:
        module = kernels.module(name)
        assert all(flag.startswith("-m") for flag in module.flags())
        assert module.suits_host() in (True, False)
    assert not kernels.module("simd128").suits_host()


@pytest.mark.skipif(not MODELS.exists(), reason="the data beside the checkout is not there")
@pytest.mark.parametrize("name", ["visual_wake_words__vww_96_int8", "image_classification__pretrainedResnet_quant"])
def test_channels_that_are_settled_do_not_keep_a_layer_from_its_kernel(name: str) -> None:
    program = read((MODELS / f"{name}.tflite").read_bytes())
    for operation in program.operations:
        if operation.kind in ("conv2d", "dense", "add"):
            assert kernels.module("avx512").find(operation, *program.of(operation)), operation.name
