"""Quantised graphs of operations on sequences: they run on codes, within a code of onnxruntime."""

from collections.abc import Callable

import numpy as np
import pytest

from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.reference import run
from smidgen.compiler.toolchain import CRunner
from tests.compiler.importers.graphs import UINT8, Graph, normal, theirs


def attention(graph: Graph, x: str) -> str:
    """Softmax of x x^T, times x; the axes move as they do between heads."""
    turned = graph.add("Transpose", x, perm=[0, 2, 1])
    logits = graph.rounded(graph.add("MatMul", x, turned), 0.05, 128)
    weights = graph.rounded(graph.add("Softmax", logits, axis=-1), 1 / 256, 0)
    return graph.rounded(graph.add("MatMul", weights, x), 0.02, 128)


def halves(graph: Graph, x: str) -> str:
    first = graph.add("Slice", x, np.array([0]), np.array([3]), np.array([1]))
    second = graph.add("Slice", x, np.array([5]), np.array([2]), np.array([1]), np.array([-1]))
    return graph.rounded(graph.add("Add", first, second), 0.03, 120)


def enlarged(graph: Graph, x: str) -> str:
    image = graph.add("Unsqueeze", x, np.array([1]))
    given = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return graph.rounded(graph.add("Resize", image, None, np.array([1, 1, 2, 2], np.float32), **given), 0.018, 125)


CASES: dict[str, tuple[Callable[[Graph, str], str], float, set[str]]] = {
    "attention": (attention, 0.02, {"matmul", "softmax"}),
    "norm": (
        lambda g, x: g.rounded(g.add("LayerNormalization", x, normal(8), normal(8)), 0.04, 120),
        0.04,
        {"layer_norm"},
    ),
    "slices": (halves, 0.03, {"slice", "add"}),
    "sum": (lambda g, x: g.rounded(g.add("ReduceSum", x, np.array([2]), keepdims=0), 0.05, 100), 0.05, {"sum"}),
    "max": (lambda g, x: g.rounded(g.add("ReduceMax", x, np.array([1])), 0.02, 128), 0.02, {"max"}),
    "resize": (enlarged, 0.018, {"resize"}),
    "linear": (
        lambda g, x: g.rounded(
            g.add("MatMul", x, g.weight(np.array([[5, -70], [127, 3]] * 4, np.int8), [0.01, 0.02], axis=1)), 0.1, 128
        ),
        0.1,
        {"conv2d"},
    ),
    "elementwise": (lambda g, x: g.rounded(g.add("Softplus", x), 0.02, 0), 0.02, {"softplus"}),
}


@pytest.mark.parametrize("case", CASES)
def test_codes_stay_codes(case: str) -> None:
    make, step, kinds = CASES[case]
    graph = Graph((6, 8), UINT8)
    make(graph, graph.add("DequantizeLinear", "x", np.float32(0.02), np.uint8(128)))
    model, raw = graph.bytes(), np.random.default_rng(0).integers(0, 256, (1, 6, 8), np.uint8)
    program = read(model)
    used = {operation.kind for operation in program.operations if program.values[operation.outputs[0]].quantization}
    assert kinds <= used
    (name,), (expected,) = program.outputs, theirs(model, raw)
    found = run(program, {"x": raw})[name]
    assert np.abs(found - expected).max() < 1.01 * step
    np.testing.assert_array_equal(CRunner(emit.write(program, "net"), program)({"x": raw})[name], found)


def test_a_table_of_codes_is_looked_up_in_codes_and_recurrent_weights_stay_codes() -> None:
    dice = np.random.default_rng(0)
    graph = Graph((5,), UINT8)
    indices = graph.add("Cast", "x", to=6)
    table = graph.weight(dice.integers(-127, 128, (256, 4)).astype(np.int8), 0.01)
    sequence = graph.add("Transpose", graph.add("Gather", table, indices), perm=[1, 0, 2])
    weights = [graph.weight(dice.integers(-127, 128, (1, 9, n)).astype(np.int8), 0.01) for n in (4, 3)]
    states = graph.add("GRU", sequence, *weights, normal(1, 18), hidden_size=3, linear_before_reset=1)
    graph.add("Squeeze", graph.add("Transpose", states, perm=[2, 0, 1, 3]), np.array([2]))
    model, raw = graph.bytes(), dice.integers(0, 256, (1, 5), np.uint8)
    program = read(model)
    assert [operation.kind for operation in program.operations] == ["embedding", "gru"]
    assert {value.dtype for value in program.constants()} == {"int8", "float32"}
    (expected,) = theirs(model, raw)
    for found in (run(program, {"x": raw}), CRunner(emit.write(program, "net"), program)({"x": raw})):
        np.testing.assert_allclose(found[program.outputs[0]], expected, rtol=1e-4, atol=1e-5)


def test_samples_of_a_microphone_keep_their_scale() -> None:
    graph = Graph((16,), 5)  # int16
    x = graph.add("Cast", "x", to=1)
    scaled = graph.add("Mul", graph.add("Sub", x, np.float32(3)), np.float32(2**-15))
    graph.add("Gemm", graph.rounded(scaled, 1 / 100, 128), graph.weight(np.full((2, 16), 3, np.int8), 0.1), transB=1)
    model, raw = graph.bytes(), np.random.default_rng(0).integers(-(2**15), 2**15, (1, 16), np.int16)
    program = read(model)
    assert [operation.kind for operation in program.operations] == ["requantize", "dense"]
    (expected,), found = theirs(model, raw), run(program, {"x": raw})[program.outputs[0]]
    assert np.abs(found - expected).max() < 0.05
    c = CRunner(emit.write(program, "net"), program)({"x": raw})[program.outputs[0]]
    np.testing.assert_allclose(c, found, rtol=1e-5)
