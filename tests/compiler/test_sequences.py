"""Operations on sequences and with broadcasting: the C, the reference executor and numpy agree."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import emit, ops, reference
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.compiler.ops import _strided
from smidgen.compiler.resizing import positions
from smidgen.compiler.toolchain import STRICT, CRunner, build
from tests.compiler.programs import every_operation, inputs
from tests.compiler.sequences import on_codes, on_floats
from tests.compiler.test_emit import NOISY, equal

MADE: dict[str, Callable[[], Program]] = {
    **{dtype: lambda dtype=dtype: on_codes(dtype) for dtype in ("uint8", "int8", "float32")},  # type: ignore[misc]
    "floats": on_floats,
}


@pytest.mark.parametrize("case", MADE)
def test_the_c_computes_what_the_reference_does(case: str) -> None:
    program = MADE[case]()
    raw = inputs(program, 10)
    equal(program, CRunner(emit.write(program, "net"), program)(raw), reference.run(program, raw))


@pytest.mark.parametrize("case", ["int8", "floats"])
def test_the_c_has_no_warnings_and_stays_inside_its_buffers(case: str, tmp_path: Path) -> None:
    program = MADE[case]()
    sizes = [program.values[name].bytes for name in (*program.inputs, *program.outputs)]
    names = ", ".join(f"b[{index}]" for index in range(len(sizes)))
    main = (
        f'#include <stdlib.h>\n#include "net.h"\nint main(void) {{ void *b[] = {{'
        f"{', '.join(f'calloc({size}, 1)' for size in sizes)}}}; int r = net_run({names});"
        f" for (int i = 0; i < {len(sizes)}; i++) free(b[i]); return r; }}"
    )
    checks = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *STRICT, *NOISY)
    done = subprocess.run([build(emit.write(program, "net"), tmp_path, checks, main)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_operation_is_tried() -> None:
    programs = [every_operation("uint8"), every_operation("float32"), on_codes("uint8"), on_floats()]
    tried = {operation.kind for program in programs for operation in program.operations}
    assert tried | {"stream"} == {*ops.kinds()}


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_merged_axes_reach_the_same_elements(sizes: list[int], repeats: list[list[bool]]) -> None:
    operands = [[1 if cut else size for size, cut in zip(sizes, one, strict=False)] for one in repeats]
    axes = _strided.merged(sizes, *(_strided.repeated(shape, sizes) for shape in operands))
    assert len(axes) <= len(sizes)
    grid = np.indices([size for size, *_ in axes]).reshape(len(axes), -1)
    for position, shape in enumerate(operands, 1):
        found = sum(index * axis[position] for index, axis in zip(grid, axes, strict=True))
        expected = np.broadcast_to(np.arange(np.prod(shape)).reshape(shape), sizes)
        np.testing.assert_array_equal(found, expected.ravel())


def test_further_axes_of_size_one_do_not_count() -> None:
    """A table of one column: a constant (1,) meets a value without axes."""
    assert _strided.repeated((1,), ()) == []
    assert _strided.repeated((1, 3), (3,)) == [1]
    assert _strided.repeated((2, 1), (2, 3)) == [1, 0]


def one(kind: str, x: Value, y: Value, **attributes: object) -> Program:
    return Program({"x": x, "y": y}, [Operation(kind, kind, ("x",), ("y",), attributes)], ("x",), ("y",), "onnx")


def codes(name: str, shape: tuple[int, ...], scale: float, zero_point: int) -> Value:
    return Value(name, "uint8", shape, Quantization((scale,), (zero_point,)))


def test_softmax_and_normalisation_of_codes_are_within_a_code_of_the_exact_ones() -> None:
    x, raw = codes("x", (7, 33), 0.05, 100), np.random.default_rng(0).integers(0, 256, (5, 7, 33), np.uint8)
    real = 0.05 * (raw.astype(np.float64) - 100)
    exponents = np.exp(real - real.max(-1, keepdims=True))
    found = reference.run(one("softmax", x, codes("y", (7, 33), 1 / 256, 0)), {"x": raw})["y"]
    exact = np.minimum(256 * exponents / exponents.sum(-1, keepdims=True), 255)
    assert np.abs(found - exact).max() < 0.51
    program = one("layer_norm", x, codes("y", (7, 33), 0.03, 120), epsilon=1e-5)
    program.operations[0] = replace(program.operations[0], inputs=("x", "", ""))
    found = reference.run(program, {"x": raw})["y"]
    exact = (real - real.mean(-1, keepdims=True)) / np.sqrt(real.var(-1, keepdims=True) + 1e-5) / 0.03 + 120
    assert np.abs(found - np.clip(exact, 0, 255)).max() < 0.51


def test_resized_places_lie_where_they_should() -> None:
    assert positions(2, 4, "nearest", align_corners=False, half_pixel=False).tolist() == [0, 0, 1, 1]
    assert positions(3, 5, "bilinear", align_corners=True, half_pixel=False).tolist() == [0, 0.5, 1, 1.5, 2]
    assert positions(2, 4, "bilinear", align_corners=False, half_pixel=True).tolist() == [0, 0.25, 0.75, 1]
    x = codes("x", (2, 2, 1), 0.05, 100)
    mixed = one(
        "resize", x, replace(x, name="y", shape=(2, 4, 1)), mode="bilinear", align_corners=False, half_pixel=True
    )
    raw = np.array([[0, 40], [100, 200]], np.uint8).reshape(1, 2, 2, 1)
    assert reference.run(mixed, {"x": raw})["y"].ravel().tolist() == [0, 10, 30, 40, 100, 125, 175, 200]
