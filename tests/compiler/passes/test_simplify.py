import numpy as np

from smidgen.compiler.importers.onnx import read
from smidgen.compiler.reference import run
from tests.compiler.importers.graphs import (
    DICE,
    FLOAT,
    UINT8,
    Graph,
    flattened,
    gelu,
    normal,
    ours,
    quantized_convolution,
    theirs,
)


def test_what_is_read_is_as_small_as_can_be() -> None:
    assert [operation.kind for operation in read(quantized_convolution().bytes()).operations] == [
        "conv2d",
        "conv2d",
        "add",
        "max_pool2d",
        "reshape",
        "dense",
        "softmax",
    ]
    graph = Graph((6, 7, 2))
    image = graph.add("Conv", graph.add("Transpose", "x", perm=[0, 3, 1, 2]), normal(3, 2, 3, 3), normal(3))
    norm = graph.add("BatchNormalization", image, normal(3), normal(3), normal(3), normal(3) ** 2)
    graph.add("Transpose", graph.add("Clip", norm, np.float32(0)), perm=[0, 2, 3, 1])
    program, x = read(graph.bytes()), normal(2, 6, 7, 2)
    assert [operation.kind for operation in program.operations] == ["conv2d"]
    np.testing.assert_allclose(ours(program, x), theirs(graph.bytes(), x)[0], rtol=1e-4, atol=1e-4)
    graph = Graph((4, 6, 7))
    gelu(graph, flattened(graph), half_first=True)
    assert [operation.kind for operation in read(graph.bytes()).operations] == [
        "transpose",  # the input is channels first
        "conv2d",
        "reshape",
        "dense",
        "gelu",
    ]


def test_pixels_that_are_cast_to_float_keep_their_scale() -> None:
    graph = Graph((6, 7, 1), UINT8)
    x = graph.add("Cast", graph.add("Transpose", "x", perm=[0, 3, 1, 2]), to=FLOAT)
    graph.add("Conv", graph.add("Mul", graph.add("Sub", x, np.float32(77)), np.float32(0.5)), normal(2, 1, 3, 3))
    program = read(graph.bytes())
    assert [operation.kind for operation in program.operations] == ["dequantize", "conv2d", "transpose"]
    entered = program.values["x"].quantization
    assert entered is not None
    assert (entered.scale, entered.zero_point) == (0.5, 77)


def test_a_bias_in_float_joins_a_layer_in_integers() -> None:
    graph = Graph((5,), UINT8)
    x = graph.add("DequantizeLinear", "x", np.float32(0.1), np.uint8(3))
    codes = DICE.integers(-127, 128, (5, 2)).astype(np.int8)
    y = graph.add(
        "Add", graph.add("MatMul", x, graph.weight(codes, [0.01, 0.02], axis=1)), np.array([[0.5, -0.25]], "f")
    )
    graph.rounded(graph.add("Relu", y), 0.4, 0)
    program = read(graph.bytes())
    assert [operation.kind for operation in program.operations] == ["dense", "dequantize"]
    bias = program.values[program.operations[0].inputs[2]]
    assert bias.data is not None
    assert (bias.dtype, bias.data.tolist()) == ("int32", [500, -125])
    raw = DICE.integers(0, 256, (50, 5), np.uint8)
    np.testing.assert_allclose(ours(program, raw), theirs(graph.bytes(), raw)[0], atol=0.401)


def test_joined_values_of_two_scales_meet_in_one() -> None:
    graph = Graph((4, 3, 3))
    parts = [graph.rounded("x", 0.03, 128), graph.rounded(graph.add("Relu", "x"), 0.02, 0)]
    graph.rounded(graph.add("Concat", *parts, axis=1), 0.025, 100)
    model, x = graph.bytes(), normal(9, 4, 3, 3)
    program = read(model)
    assert sorted(operation.kind for operation in program.operations)[:3] == ["concat", "dequantize", "quantize"]
    assert abs(ours(program, x) - theirs(model, x)[0]).max() < 0.0251


def test_weights_in_codes_of_a_layer_in_float_are_floats() -> None:
    graph = Graph((5,))
    graph.add("Gemm", "x", graph.weight(DICE.integers(-127, 128, (2, 5)).astype(np.int8), [0.01, 0.02]), transB=1)
    program, x = read(graph.bytes()), normal(4, 5)
    assert [value.dtype for value in program.constants()] == ["float32"]
    np.testing.assert_allclose(ours(program, x), theirs(graph.bytes(), x)[0], rtol=1e-5, atol=1e-5)


def test_an_output_that_is_another_output_too_is_given_twice() -> None:
    graph = Graph((5,))
    names = graph.add("Relu", "x"), graph.add("Identity", "v0")
    program, x = read(graph.bytes(*names)), normal(4, 5)
    found = run(program, {"x": x})
    for name, expected in zip(names, theirs(graph.bytes(*names), x), strict=True):
        np.testing.assert_array_equal(found[name], expected)


def test_what_others_read_is_not_fused() -> None:
    graph = Graph((5,), UINT8)
    x = graph.add("DequantizeLinear", "x", np.float32(0.1), np.uint8(3))
    codes = DICE.integers(-127, 128, (2, 5)).astype(np.int8)
    y = graph.add("Gemm", x, graph.weight(codes, [0.01, 0.02]), transB=1)
    rounded = graph.rounded(graph.add("Relu", y), 0.05, 0)
    program, raw = read(graph.bytes(y, rounded)), DICE.integers(0, 256, (30, 5), np.uint8)
    assert [operation.kind for operation in program.operations] == ["dense", "relu", "quantize", "dequantize"]
    first, second = run(program, {"x": raw}).values()
    expected = theirs(graph.bytes(y, rounded), raw)
    np.testing.assert_allclose(first, expected[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(second, expected[1], atol=0.0501)
