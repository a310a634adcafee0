"""The central property: the C computes what the reference executor computes, to the bit where it is integers."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smidgen.compiler import emit, reference
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.compiler.toolchain import STRICT, CRunner, build
from smidgen.errors import Unsupported, UsageError
from smidgen.runner import OnnxRunner
from smidgen.types import Arrays
from tests.compiler.programs import Made, any_program, every_operation, inputs, looked_at, on_digits, transparent
from tests.compiler.sample import FAMILIES

TIE = 1e-4  # of probability between two classes: it may fall either way
NOISY = ("-Wconversion", "-Wshadow", "-Wcast-qual", "-Wstrict-prototypes")

MAIN = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "net.h"

int main(void)
{
    unsigned char *arena = malloc(NET_ARENA_BYTES + 8), *input = calloc(NET_INPUT_BYTES, 1);
    float *output = malloc(NET_OUTPUT_BYTES);
    if (net_run_in(arena + 1, input, output) != -1 || net_run_in(NULL, input, output) != -1) return 2;
    if (net_run(NULL, output) != -1 || net_run(input, NULL) != -1) return 3;
    free(arena);
    while (fread(input, 1, NET_INPUT_BYTES, stdin) == NET_INPUT_BYTES) {
        arena = malloc(NET_ARENA_BYTES);
        if (net_run_in(arena, input, output)) return 4;
        free(arena);
        fwrite(output, 1, NET_OUTPUT_BYTES, stdout);
    }
    free(input);
    free(output);
    return 0;
}
"""


def equal(program: Program, found: Arrays, expected: Arrays) -> None:
    """To the bit where values are codes, nearly where they are floats."""
    for name in program.outputs:
        value = program.values[name]
        if value.quantization is not None:
            np.testing.assert_array_equal(found[name], expected[name], f"{name} of {value.shape}")
        else:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_every_operation_computes_what_the_reference_does(dtype: str) -> None:
    program = every_operation(dtype)
    given = inputs(program, 20)
    equal(program, CRunner(emit.write(program, "net"), program)(given), reference.run(program, given))


@pytest.mark.parametrize("seed", range(12))
def test_values_that_share_memory_do_not_disturb_each_other(seed: int) -> None:
    program = any_program(seed)
    source = emit.write(program, "net")
    given = inputs(program, 5, seed)
    equal(program, CRunner(source, program)(given), reference.run(program, given))
    assert source.plan.arena_bytes < sum(program.values[name].bytes for name in source.plan.offsets)


@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_computes_the_same_codes_and_decides_as_onnxruntime(family: str, bits: int) -> None:
    model, raw = on_digits(family, bits=bits), {"image": looked_at()}
    inside = transparent(model)
    equal(inside, CRunner(emit.write(inside, "net"), inside)(raw), reference.run(inside, raw))
    program = read(model)
    found = CRunner(emit.write(program, "net"), program)(raw)["probabilities"]
    np.testing.assert_allclose(found, reference.run(program, raw)["probabilities"], atol=1e-5)
    theirs = OnnxRunner(model, threads=1)(raw)["probabilities"]
    ranked = np.sort(theirs, axis=1)
    sure = ranked[:, -1] - ranked[:, -2] > TIE
    assert sure.mean() > 0.98
    np.testing.assert_array_equal(found[sure].argmax(1), theirs[sure].argmax(1))


@pytest.mark.parametrize("activation", ["leaky-relu", "gelu"])  # a part of other operations, and a table
def test_other_activations_compute_the_same_codes(activation: str) -> None:
    program, raw = transparent(on_digits("resnet", activation)), {"image": looked_at(30)}
    equal(program, CRunner(emit.write(program, "net"), program)(raw), reference.run(program, raw))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_c_has_no_warnings_even_with_noisier_ones(dtype: str, tmp_path: Path) -> None:
    build(emit.write(every_operation(dtype), "net"), tmp_path, (*STRICT, *NOISY))


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_the_c_is_c_plus_plus_too(dtype: str, tmp_path: Path) -> None:
    flags = ("-x", "c++", "-std=c++11", *STRICT[1:])
    assert build(emit.write(every_operation(dtype), "net"), tmp_path, flags).is_file()


def test_no_byte_out_of_place_and_no_undefined_behaviour(tmp_path: Path) -> None:
    program = read(on_digits("resnet"))
    checks = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *STRICT)
    run = build(emit.write(program, "net"), tmp_path, checks, MAIN)
    raw = looked_at(10)
    done = subprocess.run([run], input=raw.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    found = np.frombuffer(done.stdout, np.float32).reshape(len(raw), -1)
    np.testing.assert_allclose(found, reference.run(program, {"image": raw})["probabilities"], atol=1e-5)


def test_every_operation_stays_inside_its_buffers(tmp_path: Path) -> None:
    """Each output is a block of its own, so that the sanitizer sees the first byte beyond it."""
    program = every_operation("int8")
    sizes = [program.values[name].bytes for name in (*program.inputs, *program.outputs)]
    buffers = ", ".join(f"calloc({size}, 1)" for size in sizes)
    names = ", ".join(f"b[{index}]" for index in range(len(sizes)))
    main = (
        f'#include <stdlib.h>\n#include "net.h"\nint main(void) {{ void *b[] = {{{buffers}}}; int r = net_run({names});'
        f" for (int i = 0; i < {len(sizes)}; i++) free(b[i]); return r; }}"
    )
    checks = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *STRICT)
    done = subprocess.run([build(emit.write(program, "net"), tmp_path, checks, main)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_caller_finds_sizes_scales_and_labels_in_the_header() -> None:
    source = emit.write(read(on_digits("mlp")), "kws")
    header = source.files["kws.h"]
    macros = dict(re.findall(r"#define (\w+) (.+)", header))
    assert macros["KWS_INPUT_BYTES"] == "64"
    assert macros["KWS_OUTPUT_BYTES"] == "40"
    assert macros["KWS_ARENA_BYTES"] == str(source.plan.arena_bytes)
    assert macros["KWS_INPUT_ZERO_POINT"] == "78"
    assert float(macros["KWS_INPUT_SCALE"].rstrip("f")) == pytest.approx(1 / 90)
    assert macros["KWS_LABELS"] == '{"null", "eins", "zwei"}'
    assert "int kws_run(const void *input, void *output);" in header
    assert f"{source.flash_bytes:,}" in source.files["README.md"]


def test_only_what_is_used_is_written() -> None:
    """No table of rows where nothing is done row by row, and nothing on integers where there are none."""
    made = Made()
    made.add(
        "dense",
        [made.input("float32", (37,)), *made.weights((5, 37), codes=False)],
        ("float32", (5,)),
        activation="none",
    )
    files = emit.write(made.program(), "net").files
    assert "enum" not in files["net.c"]
    assert "Integers" not in files["README.md"]


@pytest.mark.parametrize(("rounding", "words"), [("onnx", "rounded once"), ("litert", "LiteRT's reference kernels")])
def test_the_readme_says_how_integers_are_rounded(rounding: str, words: str) -> None:
    made = Made()
    made.add("relu", [made.input("uint8")], ("uint8", (6, 5, 4)))
    assert words in emit.write(replace(made.program(), rounding=rounding), "net").files["README.md"]


def test_flash_counts_weights_biases_multipliers_and_descriptions() -> None:
    made = Made()
    weights = made.weights((5, 37), codes=True)
    made.add("dense", [made.input("uint8", (37,)), *weights], ("uint8", (5,)), activation="none")
    fields = 3 + 2 + 5
    assert emit.write(made.program(), "net").flash_bytes == 5 * 37 + 5 * (4 + 4 + 1) + 4 * fields


def test_equal_constants_and_kernels_are_written_once() -> None:
    made = Made()
    x, weights = made.input("uint8", (37,)), made.weights((5, 37), codes=True)
    for _ in range(2):
        made.add("dense", [x, *weights], ("uint8", (5,)), activation="none")
    text = emit.write(made.program(), "net").files["net.c"]
    assert text.count("static void dense_u8(") == 1
    assert len(re.findall(r"static const int8_t \w+\[", text)) == 1


def test_a_constant_in_another_shape_is_a_constant() -> None:
    made = Made()
    x = made.input("float32", (2, 3))
    row = made.add("reshape", [made.constant(np.arange(6, dtype=np.float32))], ("float32", (2, 3)))
    made.add("add", [x, row], ("float32", (2, 3)), activation="none")
    program = replace(made.program(), outputs=("y1",))
    given = inputs(program, 2)
    equal(program, CRunner(emit.write(program, "net"), program)(given), {"y1": given[x] + np.arange(6).reshape(2, 3)})


def test_outputs_may_show_the_input_a_constant_or_each_other() -> None:
    """Each is copied to its buffer, whoever shares its memory."""
    made = Made()
    x = made.input("float32", (2, 3))
    shown = made.add("reshape", [x], ("float32", (6,)))
    y = made.add("relu", [x], ("float32", (2, 3)))
    again = made.add("reshape", [y], ("float32", (3, 2)))
    constant = made.add("reshape", [made.constant(np.arange(6, dtype=np.float32))], ("float32", (2, 3)))
    program = replace(made.program(), outputs=(shown, y, again, constant))
    given = inputs(program, 3)
    found = CRunner(emit.write(program, "net"), program)(given)
    equal(program, found, reference.run(program, given))
    np.testing.assert_array_equal(found[constant], np.broadcast_to(np.arange(6).reshape(2, 3), (3, 2, 3)))


def test_a_hostile_name_cannot_leave_its_comment_or_string(tmp_path: Path) -> None:
    made = Made()
    made.add("relu", [made.input("uint8")], ("uint8", (6, 5, 4)))
    labels = '["*/ \\" } ??/", "\\u0000\\n", "\\ud800ü%s"]'
    program = made.program({"labels": labels})
    program.operations[0] = replace(program.operations[0], name='*/ #error "x" \n?')
    source = emit.write(program, "net")
    check = '#include "net.h"\nstatic const char *const labels[] = NET_LABELS;\nint main(void) { return !labels[2]; }'
    assert subprocess.run([build(source, tmp_path, STRICT, check)], check=False).returncode == 0
    assert '"*/ \\042 } \\077\\077/"' in source.files["net.h"]


@pytest.mark.parametrize("labels", ["{", "[1, 2]", "3", "[" * 100_000])
def test_labels_that_make_no_sense_are_left_out(labels: str) -> None:
    made = Made()
    made.add("relu", [made.input("uint8")], ("uint8", (6, 5, 4)))
    assert "LABELS" not in emit.write(made.program({"labels": labels}), "net").files["net.h"]


@pytest.mark.parametrize(
    ("text", "expected"), [("kws", "kws"), ("my model-2", "my_model_2"), ("2nd", "model_2nd"), ("\u732b", "model")]
)
def test_any_text_becomes_an_identifier(text: str, expected: str) -> None:
    assert emit.identifier(text) == expected


@pytest.mark.parametrize("name", ["", "2nd", "a b", "a;", "x" * 41, "ü"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        emit.write(every_operation("uint8"), name)


def unsupported(kind: str, y: Value, **attributes: object) -> Program:
    x = Value("x", "float32", (2, 3, 4))
    weights = {"w": Value("w", "float32", (4, 24), data=np.full((4, 24), np.nan, np.float32))}
    given = ("x", "w", "") if kind == "dense" else ("x",)
    operation = Operation(kind, "the_layer", given, ("y",), attributes)
    return Program({"x": x, "y": y, **weights}, [operation], ("x",), ("y",), "onnx")


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (unsupported("fourier", Value("y", "float32", (2,))), "the_layer .fourier"),
        (unsupported("softmax", Value("y", "uint8", (2, 3, 4))), "the_layer, softmax"),
        (unsupported("mean", Value("y", "float32", (3,)), axes=(0, 2)), "the_layer, a mean over axes"),
        (unsupported("sigmoid", Value("y", "uint8", (2, 3, 4), Quantization((1.0,), (0,)))), "sigmoid of float32"),
        (unsupported("dequantize", Value("y", "float32", (2, 3, 4))), "the_layer, codes without a scale"),
        (unsupported("transpose", Value("y", "int4", (2, 3, 4)), order=(0, 1, 2)), "type int4"),
        (unsupported("dense", Value("y", "float32", (4,)), activation="none"), "constant nan"),
    ],
)
def test_what_has_no_c_is_named(program: Program, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        emit.write(program, "net")
