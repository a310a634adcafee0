"""Programs to compile: every operation by hand, and the families on digits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import torch

from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.compression.quantize import quantize
from smidgen.targets.onnx import write
from smidgen.types import Array
from tests.compiler.sample import SIGNAL, classes, digits, network, pixels, taught

SHAPE = (6, 5, 4)


class Made:
    """Collects operations that each read an input and give an output of the program."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.operations: list[Operation] = []
        self.inputs: list[str] = []
        self.dice = np.random.default_rng(0)

    def input(self, dtype: str, shape: tuple[int, ...] = SHAPE, scale: float = 0.02, zero_point: int = 3) -> str:
        name = f"x{len(self.values)}"
        quantization = None if dtype == "float32" else Quantization((scale,), (zero_point,))
        self.values[name] = Value(name, dtype, shape, quantization)
        self.inputs.append(name)
        return name

    def constant(self, data: Array, scales: tuple[float, ...] = ()) -> str:
        name = f"c{len(self.values)}"
        quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None) if scales else None
        self.values[name] = Value(name, str(data.dtype), data.shape, quantization, data)
        return name

    def weights(self, shape: tuple[int, ...], *, codes: bool, bias: bool = True) -> tuple[str, str]:
        """Weight and bias of a layer: of codes with a scale for each output, or of floats."""
        normal = self.dice.normal(size=shape)
        if not codes:
            biases = self.constant(self.dice.normal(size=shape[0]).astype(np.float32)) if bias else ""
            return self.constant(normal.astype(np.float32)), biases
        scales = tuple(self.dice.uniform(0.001, 0.02, shape[0]).tolist())
        biases = self.constant(self.dice.integers(-9999, 9999, shape[0]).astype(np.int32)) if bias else ""
        return self.constant(np.clip(50 * normal, -127, 127).astype(np.int8), scales), biases

    def add(self, kind: str, inputs: Sequence[str], y: tuple[str, tuple[int, ...]], **attributes: Any) -> str:
        """An operation whose output has this type and shape; codes have a scale of their own, or that of the input."""
        name, (dtype, shape) = f"y{len(self.operations)}", y
        scale = attributes.pop("scale", 0.05)
        quantization = None if dtype == "float32" else Quantization((scale,), (-7 if dtype == "int8" else 20,))
        if kind in ("max_pool2d", "reshape", "transpose", "concat", "pad"):
            quantization = self.values[inputs[0]].quantization
        self.values[name] = Value(name, dtype, shape, quantization)
        self.operations.append(Operation(kind, f"{kind} {name}", tuple(inputs), (name,), attributes))
        return name

    def program(self, metadata: Mapping[str, str] | None = None) -> Program:
        outputs = tuple(operation.outputs[0] for operation in self.operations)
        return Program(self.values, self.operations, tuple(self.inputs), outputs, "onnx", metadata or {})


PLAIN = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "groups": 1, "activation": "none"}


def every_operation(dtype: str) -> Program:
    """Each operation in each of its forms, for inputs of "uint8", "int8" or "float32"."""
    made = Made()
    x, codes = made.input(dtype), dtype != "float32"
    _layers(made, x, dtype, codes=codes)
    _pools(made, x, dtype)
    _elementwise(made, x, dtype, codes=codes)
    _moves(made, x, dtype)
    if codes:
        made.add("dequantize", [x], ("float32", SHAPE))
        made.add("requantize", [x], (dtype, SHAPE), scale=0.013)
        made.add("requantize", [x], ("int8" if dtype == "uint8" else "uint8", SHAPE))
    else:
        made.add("quantize", [x], ("int8", SHAPE))
        made.add("quantize", [x], ("uint8", SHAPE))
        made.add("softmax", [made.input(dtype, (7,))], (dtype, (7,)))
    return made.program()


def _layers(made: Made, x: str, dtype: str, *, codes: bool) -> None:
    odd = {"stride": (2, 1), "dilation": (1, 2), "padding": (2, 1, 1, 3)}
    forms: list[tuple[tuple[int, ...], tuple[int, int], dict[str, Any]]] = [
        ((3, 3, 2, 4), (4, 4), {}),
        ((6, 3, 2, 2), (4, 7), {**odd, "groups": 2, "activation": "relu"}),
        ((8, 3, 2, 1), (4, 7), {**odd, "groups": 4, "activation": "relu6"}),
        ((4, 2, 3, 1), (5, 3), {"groups": 4}),
        ((3, 1, 1, 4), (6, 5), {"activation": "leaky_relu", "slope": 0.1}),
        ((2, 9, 9, 4), (2, 1), {"padding": (2, 2, 2, 2)}),  # larger than the input
    ]
    for shape, size, attributes in forms:
        weights = made.weights(shape, codes=codes, bias="slope" not in attributes)
        made.add("conv2d", [x, *weights], (dtype, (*size, shape[0])), **{**PLAIN, **attributes}, scale=0.2)
    flat = made.input(dtype, (37,))
    for activation in ("none", "relu6", "leaky_relu"):
        attributes = {"activation": activation, "slope": 0.2}
        made.add("dense", [flat, *made.weights((5, 37), codes=codes)], (dtype, (5,)), **attributes, scale=0.2)
        if codes:
            made.add("dense", [flat, *made.weights((5, 37), codes=codes)], ("float32", (5,)), **attributes)


def _pools(made: Made, x: str, dtype: str) -> None:
    padded = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1, 1, 1), "activation": "none"}
    for kind in ("max_pool2d", "average_pool2d"):
        made.add(kind, [x], (dtype, (3, 6, 4)), **padded)
        made.add(kind, [x], (dtype, (3, 2, 4)), **{**padded, "kernel": (2, 2), "stride": (2, 2), "padding": (0,) * 4})
    made.add("mean", [x], (dtype, (4,)), axes=(0, 1), activation="none")
    made.add("mean", [x], (dtype, (6, 5)), axes=(2,), activation="none")


def _elementwise(made: Made, x: str, dtype: str, *, codes: bool) -> None:
    others = [made.input(dtype, shape, 0.013, 9) for shape in (SHAPE, (4,), (6, 5, 1), (1, 1, 1), (1, 5, 1), (6, 1, 1))]
    for kind in ("add", "sub", "mul"):
        for other in others:
            made.add(kind, [x, other], (dtype, SHAPE), activation="none")
            made.add(kind, [other, x], (dtype, SHAPE), activation="relu", scale=0.03)
    made.add("add", [x, others[0]], (dtype, SHAPE), activation="leaky_relu", slope=0.1)
    made.add("mul", [x, others[0]], (dtype, SHAPE), activation="relu6")
    data = made.dice.integers(0, 99, SHAPE).astype(dtype)
    made.add("add", [x, made.constant(data, (0.03,) if codes else ())], (dtype, SHAPE), activation="none")
    for kind in ("relu", "relu6", "sigmoid", "tanh", "hard_swish", "gelu"):
        made.add(kind, [x], (dtype, SHAPE), scale=0.011)
    made.add("leaky_relu", [x], (dtype, SHAPE), slope=0.3)
    made.add("hard_sigmoid", [x], (dtype, SHAPE), alpha=0.2, beta=0.5)


def _moves(made: Made, x: str, dtype: str) -> None:
    made.add("reshape", [x], (dtype, (30, 4)))
    for order in ((2, 0, 1), (1, 0, 2)):
        made.add("transpose", [x], (dtype, tuple(SHAPE[axis] for axis in order)), order=order)
    made.add("pad", [x], (dtype, (9, 6, 6)), before=(1, 0, 2), after=(2, 1, 0))
    made.add("concat", [x, made.input(dtype, (6, 2, 4)), x], (dtype, (6, 12, 4)), axis=1)
    made.add("concat", [x, x], (dtype, (12, 5, 4)), axis=0)


WINDOWS = ((2, 2, 0, 0), (2, 2, 1, 1), (3, 1, 1, 1), (3, 1, 0, 2), (4, 1, 0, 3))  # kernel, stride, padding


def any_program(seed: int, steps: int = 14) -> Program:
    """Random operations on codes, each of any value before it; the outputs are the values that nothing reads."""
    made = Made()
    made.dice = dice = np.random.default_rng(seed)
    images = [made.input("uint8", (9, 8, 3)), made.input("uint8", (9, 8, 3))]
    for _ in range(steps):
        x = images[-1] if dice.random() < 0.5 else str(dice.choice(images))
        forms = _forms(made.values[x].shape)
        kind, shape, attributes = forms[dice.integers(len(forms))]
        given = [x]
        if kind == "conv2d":
            given += made.weights((4, 3, 3, made.values[x].shape[2]), codes=True)
        elif kind in ("add", "mul", "concat"):
            given.append(str(dice.choice([one for one in images if made.values[one].shape == made.values[x].shape])))
        images.append(made.add(kind, given, ("uint8", shape), **attributes, scale=0.3 if kind == "conv2d" else 0.02))
    read = {name for operation in made.operations for name in operation.inputs}
    return replace(made.program(), outputs=tuple(name for name in images[2:] if name not in read))


def _forms(shape: tuple[int, ...]) -> list[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """What can be done with an image: kind, shape of the output and attributes."""
    height, width, depth = shape
    forms: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
        ("relu", shape, {}),
        ("tanh", shape, {}),
        ("add", shape, {"activation": "none"}),
        ("mul", shape, {"activation": "relu"}),
        ("conv2d", (height, width, 4), {**PLAIN, "padding": (1, 1, 1, 1)}),
        ("transpose", (width, height, depth), {"order": (1, 0, 2)}),
        ("reshape", (width, height, depth), {}),
    ]
    if depth < 9:
        forms.append(("concat", (height, width, 2 * depth), {"axis": 2}))
    for kind, (kernel, stride, before, after) in product(("max_pool2d", "average_pool2d"), WINDOWS):
        sizes = [(size + before + after - kernel) // stride + 1 for size in (height, width)]
        if min(height, width) >= kernel:
            padding = (before, before, after, after)
            window = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "padding": padding, "activation": "none"}
            forms.append((kind, (*sizes, depth), window))
    return forms


def inputs(program: Program, count: int, seed: int = 0) -> dict[str, Array]:
    """Random inputs over what their types hold; floats are normal."""
    dice = np.random.default_rng(seed)
    made = {}
    for value in (program.values[name] for name in program.inputs):
        shape = (count, *value.shape)
        if value.dtype == "float32":
            made[value.name] = dice.normal(size=shape).astype(np.float32)
        else:
            info = np.iinfo(value.dtype)
            made[value.name] = dice.integers(info.min, info.max, shape, value.dtype, endpoint=True)
    return made


@cache
def on_digits(family: str, activation: str = "relu", bits: int = 8) -> bytes:
    """The ONNX file of a family whose last layer is fitted to digits; of floats if `bits` is 32."""
    answer, train = classes(10), digits().train
    real = train.inputs[np.arange(200)]
    trained = taught(network(family, answer=answer, activation=activation), real, train.targets[:200])
    graph = trained if bits == 32 else quantize(trained, torch.from_numpy(real), bits)
    return write(graph, SIGNAL, answer, {"labels": '["null", "eins", "zwei"]'})


def looked_at(count: int = 100) -> Array:
    """Digits that no weight was fitted to, and noise."""
    return np.concatenate([digits().validation.inputs[np.arange(count)], pixels(count, seed=1)])


def transparent(model: bytes) -> Program:
    """The program of a file, with every value that it computes as an output."""
    program = read(model)
    return replace(program, outputs=tuple(operation.outputs[0] for operation in program.operations))
