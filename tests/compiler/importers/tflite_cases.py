"""Operators of .tflite files, each as a function that adds it to a model: `CASES[name](model, x, dtype)`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from smidgen.compiler.importers.tflite import read
from smidgen.compiler.ir import Program
from smidgen.compiler.reference import run
from smidgen.types import Array
from tests.compiler.importers.tflite_files import Model, codes, theirs

DICE = np.random.default_rng(7)
IMAGE = (1, 6, 7, 4)
WINDOWS = {"StrideH": 2, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 2}
POOL = {"StrideH": 2, "StrideW": 3, "FilterHeight": 3, "FilterWidth": 2}


def weights(model: Model, shape: Sequence[int], axis: int, dtype: str, x: float = 0.05) -> list[int]:
    """Weights with a scale for each channel, and biases; the scales are such that sums fill the output's codes."""
    outputs = shape[axis]
    if dtype == "float32":
        floats = DICE.normal(size=shape).astype(np.float32)
        return [model.constant(floats), model.constant(DICE.normal(size=outputs).astype(np.float32))]
    scales = DICE.uniform(0.001, 0.02, outputs).astype(np.float32)
    biases = DICE.integers(-3000, 3000, outputs).astype(np.int32)
    made = DICE.integers(-127, 128, shape).astype(np.int8)
    return [model.constant(made, scales, axis), model.constant(biases, scales * np.float32(x), 0)]


def conv(model: Model, x: int, dtype: str) -> None:
    y = model.tensor((1, 3, 7, 5), dtype, 0.11)
    inputs = [x, *weights(model, (5, 3, 2, 4), 0, dtype)]
    model.add("CONV_2D", inputs, [y], "Conv2DOptions", Padding=0, FusedActivationFunction=1, **WINDOWS)


def conv_up(model: Model, x: int, dtype: str) -> None:
    """Scales so that the multiplier is more than 1, and valid padding."""
    y = model.tensor((1, 2, 5, 5), dtype, 0.0002)
    inputs = [x, *weights(model, (5, 3, 2, 4), 0, dtype)]
    model.add("CONV_2D", inputs, [y], "Conv2DOptions", Padding=1, FusedActivationFunction=3, **WINDOWS)


def depthwise(model: Model, x: int, dtype: str) -> None:
    y = model.tensor((1, 3, 7, 8), dtype, 0.07, 11)
    inputs = [x, *weights(model, (1, 3, 2, 8), 3, dtype)]
    model.add(
        "DEPTHWISE_CONV_2D", inputs, [y], "DepthwiseConv2DOptions", Padding=0, DepthMultiplier=2,
        FusedActivationFunction=3, **WINDOWS,
    )  # fmt: skip


def dense(model: Model, x: int, dtype: str, per_channel: bool = False) -> None:
    y = model.tensor((1, 9), dtype, 0.21)
    if dtype == "float32" or per_channel:
        inputs = [x, *weights(model, (9, 168), 0, dtype)]
    else:
        biases = model.constant(DICE.integers(-3000, 3000, 9).astype(np.int32), [np.float32(0.007) * np.float32(0.05)])
        inputs = [x, model.constant(codes(9, 168), [0.007]), biases]
    model.add("FULLY_CONNECTED", inputs, [y], "FullyConnectedOptions", FusedActivationFunction=1)


def dense_per_channel(model: Model, x: int, dtype: str) -> None:
    dense(model, x, dtype, per_channel=True)


def binary(
    op: str, options: str, second: tuple[int, ...], *, turned: bool = False, **fields: Any
) -> Callable[..., None]:
    def build(model: Model, x: int, dtype: str) -> None:
        other = model.input(second, dtype, 0.031, -20)
        shape = np.broadcast_shapes(IMAGE, second)
        y = model.tensor(shape, dtype, 0.06)
        model.add(op, [other, x] if turned else [x, other], [y], options, **fields)

    return build


def with_constant(model: Model, x: int, dtype: str) -> None:
    data = codes(4) if dtype == "int8" else DICE.normal(size=4).astype(np.float32)
    other = model.constant(data, [0.04] if dtype == "int8" else [])
    model.add("MUL", [x, other], [model.tensor(IMAGE, dtype, 0.1)], "MulOptions", FusedActivationFunction=1)


def pool(op: str, padding: int, shape: tuple[int, ...], activation: int) -> Callable[..., None]:
    def build(model: Model, x: int, dtype: str) -> None:
        y = model.tensor(shape, dtype, 0.05, 3)
        model.add(op, [x], [y], "Pool2DOptions", Padding=padding, FusedActivationFunction=activation, **POOL)

    return build


def unary(op: str, scale: float, zero: int, options: str = "", **fields: Any) -> Callable[..., None]:
    def build(model: Model, x: int, dtype: str) -> None:
        model.add(op, [x], [model.tensor(IMAGE, dtype, scale, zero)], options, **fields)

    return build


def mean(
    axes: Sequence[int], shape: tuple[int, ...], keep: bool, scale: float = 0.05, zero: int = 3
) -> Callable[..., None]:
    def build(model: Model, x: int, dtype: str) -> None:
        y = model.tensor(shape, dtype, scale, zero)
        inputs = [x, model.constant(np.array(axes, np.int32))]
        model.add("MEAN", inputs, [y], "ReducerOptions", KeepDims=keep)

    return build


def softmax(model: Model, x: int, dtype: str) -> None:
    """Of rows of 4, after a change of scale that makes some of its exponents large."""
    y = model.tensor(IMAGE, dtype, 1 / 256, -128)
    model.add("SOFTMAX", [x], [y], "SoftmaxOptions", Beta=1.0)


def moves(model: Model, x: int, dtype: str) -> None:
    """Views, transposes, borders and joints."""
    turned = model.tensor((1, 7, 6, 4), dtype, 0.05, 3)
    model.add("TRANSPOSE", [x, model.constant(np.array([0, 2, 1, 3], np.int32))], [turned])
    padded = model.tensor((1, 9, 6, 5), dtype, 0.05, 3)
    edges = np.array([[0, 0], [1, 1], [0, 0], [0, 1]], np.int32)
    model.add("PAD", [turned, model.constant(edges)], [padded])
    joined = model.tensor((1, 9, 6, 10), dtype, 0.05, 3)
    model.add("CONCATENATION", [padded, padded], [joined], "ConcatenationOptions", Axis=-1)
    flat = model.tensor((1, 540), dtype, 0.05, 3)
    model.add("RESHAPE", [joined, model.constant(np.array([1, 540], np.int32))], [flat])


def codes_of_floats(model: Model, x: int, dtype: str) -> None:
    """A change of type and back."""
    if dtype == "float32":
        inner = model.tensor(IMAGE, "int8", 0.013, -7)
        model.add("QUANTIZE", [x], [inner])
        model.add("DEQUANTIZE", [inner], [model.tensor(IMAGE, "float32")])
    else:
        inner = model.tensor(IMAGE, "int8", 0.013, -7)
        model.add("QUANTIZE", [x], [inner])
        unsigned = model.tensor(IMAGE, "uint8", 0.013, 121)
        model.add("QUANTIZE", [inner], [unsigned])
        model.add("DEQUANTIZE", [unsigned], [model.tensor(IMAGE, "float32")])


def parts(model: Model, x: int, dtype: str) -> None:
    pieces = [model.tensor((1, 6, 7, 2), dtype, 0.05, 3) for _ in range(2)]
    model.add("SPLIT", [model.constant(np.array(3, np.int32)), x], pieces, "SplitOptions", NumSplits=2)
    uneven = [model.tensor((1, size, 7, 2), dtype, 0.05, 3) for size in (1, 5)]
    sizes, axis = (model.constant(np.array(data, np.int32)) for data in ([1, -1], 1))
    model.add("SPLIT_V", [pieces[1], sizes, axis], uneven, "SplitVOptions", NumSplits=2)
    rest = model.tensor((1, 3, 7, 2), dtype, 0.05, 3)
    places = [model.constant(np.array(data, np.int32)) for data in ([0, 2, 0, 0], [1, -1, 7, 2])]
    model.add("SLICE", [uneven[1], *places], [rest])
    picked = model.tensor((1, 3, 2), dtype, 0.05, 3)
    ends = [model.constant(np.array(data, np.int32)) for data in ([0, 1, -1, 0], [1, 9, 9, 2], [1, 1, 1, 1])]
    masks = {"BeginMask": 0b11, "EndMask": 0b10, "ShrinkAxisMask": 0b100}
    model.add("STRIDED_SLICE", [rest, *ends], [picked], "StridedSliceOptions", **masks)


def greatest(model: Model, x: int, dtype: str) -> None:
    least = model.tensor((1, 6, 4), dtype, 0.05, 3)
    model.add("REDUCE_MIN", [x, model.constant(np.array([2], np.int32))], [least], "ReducerOptions")
    most = model.tensor((1, 1, 4), dtype, 0.05, 3)
    model.add("REDUCE_MAX", [least, model.constant(np.array([1], np.int32))], [most], "ReducerOptions", KeepDims=True)


CASES: dict[str, Callable[[Model, int, str], None]] = {
    "conv": conv,
    "conv, multiplier above 1": conv_up,
    "depthwise": depthwise,
    "dense": dense,
    "dense, scales per channel": dense_per_channel,
    "add": binary("ADD", "AddOptions", IMAGE),
    "add, broadcast": binary("ADD", "AddOptions", (1, 1, 1, 4), turned=True, FusedActivationFunction=1),
    "sub": binary("SUB", "SubOptions", IMAGE, FusedActivationFunction=3),
    "sub, broadcast": binary("SUB", "SubOptions", (1, 6, 7, 1), turned=True),
    "mul": binary("MUL", "MulOptions", IMAGE),
    "mul, broadcast": binary("MUL", "MulOptions", (1, 1, 1, 4), FusedActivationFunction=3),
    "mul, constant": with_constant,
    "max pool": pool("MAX_POOL_2D", 0, (1, 3, 3, 4), 0),
    "average pool": pool("AVERAGE_POOL_2D", 0, (1, 3, 3, 4), 0),
    "average pool, valid": pool("AVERAGE_POOL_2D", 1, (1, 2, 2, 4), 1),
    "max pool, valid": pool("MAX_POOL_2D", 1, (1, 2, 2, 4), 3),
    "relu": unary("RELU", 0.03, -100),
    "relu6": unary("RELU6", 0.03, -100),
    "logistic": unary("LOGISTIC", 1 / 256, -128),
    "tanh": unary("TANH", 1 / 128, 0),
    "leaky relu": unary("LEAKY_RELU", 0.03, -9, "LeakyReluOptions", Alpha=0.1),
    "hard swish": unary("HARD_SWISH", 0.02, -100),
    "gelu": unary("GELU", 0.02, -100, "GeluOptions", Approximate=False),
    "mean": mean([1, 2], (1, 4), keep=False),
    "mean, other scale": mean([1, 2], (1, 1, 1, 4), keep=True, scale=0.011, zero=-9),
    "mean, channels": mean([-1], (1, 6, 7), keep=False, scale=0.03),
    "softmax": softmax,
    "moves": moves,
    "parts": parts,
    "greatest": greatest,
    "codes of floats": codes_of_floats,
}


def examples(program: Program, count: int) -> dict[str, Array]:
    """Random inputs, the extremes among them."""
    dice, made = np.random.default_rng(1), {}
    for value in (program.values[name] for name in program.inputs):
        shape = (count, *value.shape)
        if value.dtype == "float32":
            made[value.name] = (3 * dice.normal(size=shape)).astype(np.float32)
        else:
            made[value.name] = dice.integers(-128, 128, shape).astype(np.int8)
            made[value.name][0], made[value.name][1] = -128, 127
    return made


def compared(model: bytes, count: int = 30) -> tuple[Array, Array]:
    """Our output and theirs."""
    program = read(model)
    inputs = examples(program, count)
    (found,) = run(program, inputs).values()
    (expected,) = theirs(model, *inputs.values())
    return found, expected.reshape(found.shape)
