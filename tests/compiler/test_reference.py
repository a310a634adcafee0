import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.compiler.reference import run, trace
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported, UsageError
from smidgen.runner import OnnxRunner
from smidgen.signals.image import ImageSignal
from smidgen.targets.onnx import inside, write
from smidgen.types import Array
from tests.compiler.sample import SIGNAL, classes, digits, network, pixels, taught

DICE = np.random.default_rng(0)


def codes(name: str, shape: Sequence[int], scale: float, zero_point: int, dtype: str = "uint8") -> Value:
    return Value(name, dtype, tuple(shape), Quantization((scale,), (zero_point,)))


def constant(name: str, data: Array, *scales: float) -> Value:
    quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None) if scales else None
    return Value(name, str(data.dtype), data.shape, quantization, data)


def program(kind: str, given: Sequence[Value | None], y: Value, **attributes: Any) -> Program:
    """One operation on its own."""
    names = tuple(value.name if value else "" for value in given)
    values = {value.name: value for value in (*given, y) if value}
    inputs = tuple(value.name for value in given if value and value.data is None)
    return Program(values, [Operation(kind, kind, names, (y.name,), attributes)], inputs, (y.name,), "onnx")


def noise(value: Value, batch: int = 3) -> Array:
    info = np.iinfo(value.dtype)
    return DICE.integers(info.min, info.max + 1, (batch, *value.shape)).astype(value.dtype)


def real(value: Value, array: Array) -> Array:
    """What codes stand for."""
    assert value.quantization is not None
    scales = np.asarray(value.quantization.scales).reshape(-1, *[1] * (array.ndim - 1))
    return np.asarray((array.astype(np.int64) - value.quantization.zero_points[0]) * scales)


def nearest(y: Value, exact: Array) -> Array:
    """The exact value in units of a code, clamped: a right code is at most a half away."""
    assert y.quantization is not None
    info = np.iinfo(y.dtype)
    return np.asarray(np.clip(exact / y.quantization.scale + y.quantization.zero_point, info.min, info.max))


def brute_force(x: Array, weight: Array, attributes: dict[str, Any]) -> Array:
    """A convolution by its definition, in real numbers: one example (h, w, c)."""
    (down, across), (dy, dx), (top, left, bottom, right) = (attributes[k] for k in ("stride", "dilation", "padding"))
    outputs, kh, kw, depth = weight.shape
    height = (x.shape[0] + top + bottom - (kh - 1) * dy - 1) // down + 1
    width = (x.shape[1] + left + right - (kw - 1) * dx - 1) // across + 1
    result = np.zeros((height, width, outputs))
    for i, j, o, a, b, c in itertools.product(*map(range, (height, width, outputs, kh, kw, depth))):
        row, column = i * down + a * dy - top, j * across + b * dx - left
        if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
            result[i, j, o] += x[row, column, o * attributes["groups"] // outputs * depth + c] * weight[o, a, b, c]
    return result


PAIR = st.tuples(st.integers(1, 2), st.integers(1, 2))


@given(
    PAIR, PAIR, PAIR, st.tuples(*[st.integers(0, 2)] * 4), st.sampled_from([1, 2]), st.sampled_from(["none", "relu"])
)
@settings(max_examples=25, deadline=None)
def test_convolutions(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    groups: int,
    activation: str,
) -> None:
    attributes = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    x = codes("x", (4, 5, 4), 0.02, 120)
    weight = constant("w", DICE.integers(-127, 128, (2, *kernel, 4 // groups)).astype(np.int8), 0.01, 0.02)
    bias = constant("b", DICE.integers(-2000, 2000, 2).astype(np.int32), 0.0002, 0.0004)
    assert weight.data is not None
    assert bias.data is not None
    raw = noise(x, 1)
    exact = brute_force(real(x, raw)[0], real(weight, weight.data), attributes) + real(bias, bias.data)
    y = codes("y", exact.shape, 0.03, 100)
    found = run(program("conv2d", (x, weight, bias), y, **attributes, activation=activation), {"x": raw})["y"][0]
    expected = nearest(y, np.maximum(exact, 0) if activation == "relu" else exact)
    assert np.abs(found - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("activation", ["none", "relu", "relu6", "leaky_relu"])
def test_dense_layers(activation: str) -> None:
    x, y = codes("x", (30,), 0.02, 120), codes("y", (4,), 0.05, 77)
    weight = constant("w", DICE.integers(-127, 128, (4, 30)).astype(np.int8), 0.01, 0.02, 0.03, 0.001)
    assert weight.data is not None
    raw = noise(x, 50)
    exact = real(x, raw) @ real(weight, weight.data).T
    expected = {
        "none": exact,
        "relu": np.maximum(exact, 0),
        "relu6": np.clip(exact, 0, 6),
        "leaky_relu": np.where(exact < 0, 0.1 * exact, exact),
    }[activation]
    given = program("dense", (x, weight, None), y, activation=activation, slope=0.1)
    found = run(given, {"x": raw})["y"]
    assert np.abs(found - nearest(y, expected)).max() <= 0.5 + 1e-6
    in_float = given.with_value(Value("y", "float32", (4,)))
    np.testing.assert_allclose(run(in_float, {"x": raw})["y"], expected, rtol=1e-6, atol=1e-6)


ADDITIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}


@pytest.mark.parametrize("kind", ADDITIONS)
@pytest.mark.parametrize("shape", [(3, 4, 5), (5,), (1, 4, 1)])
def test_two_operands_of_any_scales(kind: str, shape: tuple[int, ...]) -> None:
    a, b, y = codes("a", (3, 4, 5), 0.02, 120), codes("b", shape, 0.0031, 3, "int8"), codes("y", (3, 4, 5), 0.017, 99)
    raw = {"a": noise(a), "b": noise(b)}
    aligned = real(b, raw["b"]).reshape(3, *[1] * (3 - len(shape)), *shape)
    exact = ADDITIONS[kind](real(a, raw["a"]), aligned)
    found = run(program(kind, (a, b), y, activation="none"), raw)["y"]
    assert np.abs(found - nearest(y, exact)).max() <= 0.5 + 1e-3
    relu = run(program(kind, (a, b), y, activation="relu"), raw)["y"]
    np.testing.assert_array_equal(relu, np.maximum(found, 99))


def test_sums_through_a_leaky_activation() -> None:
    a, b, y = codes("a", (9, 9), 0.02, 120), codes("b", (9, 9), 0.03, 130), codes("y", (9, 9), 0.011, 60)
    raw = {"a": noise(a), "b": noise(b)}
    exact = real(a, raw["a"]) + real(b, raw["b"])
    found = run(program("add", (a, b), y, activation="leaky_relu", slope=0.1), raw)["y"]
    assert np.abs(found - nearest(y, np.where(exact < 0, 0.1 * exact, exact))).max() <= 0.5 + 1e-3


def test_averages_leave_padding_out() -> None:
    x, y = codes("x", (4, 5, 2), 0.02, 120), codes("y", (3, 3, 2), 0.015, 110)
    attributes = {"kernel": (2, 3), "stride": (2, 2), "padding": (1, 1, 1, 1)}
    raw = noise(x)
    padded = np.pad(real(x, raw), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    exact = np.empty((3, 3, 3, 2))
    for i, j in itertools.product(range(3), range(3)):
        exact[:, i, j] = np.nanmean(padded[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 3], axis=(1, 2))
    found = run(program("average_pool2d", (x,), y, **attributes, activation="none"), {"x": raw})["y"]
    assert np.abs(found - nearest(y, exact)).max() <= 0.5 + 1e-6
    whole = codes("y", (2,), 0.015, 110)
    mean = run(program("mean", (x,), whole, axes=(0, 1)), {"x": raw})["y"]
    assert np.abs(mean - nearest(whole, real(x, raw).mean(axis=(1, 2)))).max() <= 0.5 + 1e-6


def test_maxima_leave_padding_out() -> None:
    x = codes("x", (2, 2, 1), 0.02, 120)
    attributes = {"kernel": (2, 2), "stride": (1, 1), "padding": (1, 1, 0, 0)}
    raw = np.array([[3, 1], [2, 9]], np.uint8).reshape(1, 2, 2, 1)
    given = program("max_pool2d", (x,), replace(x, name="y"), **attributes, activation="none")
    assert run(given, {"x": raw})["y"].ravel().tolist() == [3, 3, 3, 9]


GIVEN = {"slope": 0.1, "alpha": 0.2, "beta": 0.5}


@pytest.mark.parametrize(
    "kind", ["relu", "relu6", "requantize", "sigmoid", "tanh", "hard_swish", "hard_sigmoid", "gelu", "leaky_relu"]
)
def test_one_operand(kind: str) -> None:
    x, y = codes("x", (256,), 0.07, 120), codes("y", (256,), 0.03, 40)
    raw = np.arange(256, dtype=np.uint8)[None]
    exact = real(x, raw)
    expected = {
        "relu": np.maximum(exact, 0),
        "relu6": np.clip(exact, 0, 6),
        "requantize": exact,
        "sigmoid": 1 / (1 + np.exp(-exact)),
        "tanh": np.tanh(exact),
        "hard_swish": exact * np.clip(exact + 3, 0, 6) / 6,
        "hard_sigmoid": np.clip(0.2 * exact + 0.5, 0, 1),
        "gelu": exact * np.vectorize(lambda v: 0.5 * (1 + math.erf(v / 2**0.5)))(exact),
        "leaky_relu": np.where(exact < 0, 0.1 * exact, exact),
    }[kind]
    found = run(program(kind, (x,), y, **GIVEN), {"x": raw})["y"]
    assert np.abs(found - nearest(y, expected)).max() <= 0.5 + 1e-6
    if kind != "requantize":
        floats = program(kind, (Value("x", "float32", (256,)),), Value("y", "float32", (256,)), **GIVEN)
        result = run(floats, {"x": exact.astype(np.float32)})["y"]
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_codes_that_only_move() -> None:
    x = codes("x", (2, 3, 2), 0.02, 120)
    raw = noise(x, 2)
    turned = run(program("transpose", (x,), codes("y", (2, 2, 3), 0.02, 120), order=(2, 0, 1)), {"x": raw})["y"]
    np.testing.assert_array_equal(turned, raw.transpose(0, 3, 1, 2))
    flat = run(program("reshape", (x,), codes("y", (12,), 0.02, 120)), {"x": raw})["y"]
    np.testing.assert_array_equal(flat, raw.reshape(2, 12))
    edge = {"before": (1, 0, 0), "after": (0, 2, 0)}
    padded = run(program("pad", (x,), codes("y", (3, 5, 2), 0.02, 120), **edge), {"x": raw})["y"]
    np.testing.assert_array_equal(padded[:, 1:, :3], raw)
    assert np.unique(np.concatenate([padded[:, 0].ravel(), padded[:, :, 3:].ravel()])).tolist() == [120]
    twice = run(program("concat", (x, x), codes("y", (2, 6, 2), 0.02, 120), axis=1), {"x": raw})["y"]
    np.testing.assert_array_equal(twice, np.concatenate([raw, raw], 2))


def test_into_codes_and_out_of_them() -> None:
    x, y = Value("x", "float32", (6,)), codes("y", (6,), 0.5, 10)
    raw = np.array([[-9.0, -0.25, 0.2, 0.25, 1.0, 1e30]], np.float32)
    assert run(program("quantize", (x,), y), {"x": raw})["y"].tolist() == [[0, 10, 10, 11, 12, 255]]
    back = program("dequantize", (replace(y, name="x"),), replace(x, name="y"))
    assert run(back, {"x": np.array([[0, 10, 10, 11, 12, 255]], np.uint8)})["y"][0, -1] == 122.5


def test_inputs_that_do_not_suit() -> None:
    x = codes("x", (6,), 0.5, 10)
    good = program("relu", (x,), replace(x, name="y"))
    for inputs in ({}, {"x": np.zeros((1, 5), np.uint8)}, {"x": np.zeros((1, 6), np.int8)}):
        with pytest.raises(UsageError):
            run(good, inputs)
    with pytest.raises(Unsupported, match="nearest"):
        run(replace(good, rounding="nearest"), {"x": noise(x)})
    with pytest.raises(Unsupported, match="cosine"):
        run(program("cosine", (x,), replace(x, name="y")), {"x": noise(x)})


EVERY = (("cnn", "relu"), ("dscnn", "relu6"), ("resnet", "leaky-relu"), ("mlp", "sigmoid"), ("resnet", "gelu"))
MORE = (("dscnn", "tanh"), ("cnn", "hard-swish"))


@pytest.mark.parametrize(("family", "activation"), EVERY + MORE)
def test_networks_decide_as_in_onnxruntime(family: str, activation: str) -> None:
    """Trained to tell digits; the last rounding before the answer is compared in codes."""
    data = digits()
    signal, answer = data.signal, data.answer
    assert isinstance(signal, ImageSignal)
    raw = data.train.inputs[np.arange(300)]
    trained = taught(network(family, signal, classes(10), 2500, activation), raw, data.train.targets[:300])
    model = write(quantize(trained, torch.from_numpy(raw[:100])), signal, answer, {})
    given = read(model)
    assert given.outputs == ("probabilities",)
    unseen = data.test.inputs[np.arange(min(100, len(data.test)))]
    expected = OnnxRunner(model, threads=1)({"image": unseen})["probabilities"]
    found = trace(given, {"image": unseen})
    np.testing.assert_array_equal(found["probabilities"].argmax(1), expected.argmax(1))
    made = [given.values[operation.outputs[0]] for operation in given.operations]
    last = [value for value in made if value.quantization is not None][-1]
    theirs = inside(model, unseen)[-1].reshape(len(unseen), -1)
    ours = real(last, found[last.name]).reshape(len(unseen), -1)
    assert last.quantization is not None
    assert np.abs(ours - theirs).max() <= 1.01 * last.quantization.scale


def test_a_float_network_computes_what_it_did() -> None:
    model = write(network("cnn", activation="gelu"), SIGNAL, classes(), {"labels": "[]"})
    given, raw = read(model), pixels(20)
    assert given.metadata == {"labels": "[]"}
    expected = OnnxRunner(model, threads=1)({"image": raw})["probabilities"]
    np.testing.assert_allclose(run(given, {"image": raw})["probabilities"], expected, atol=1e-6)
