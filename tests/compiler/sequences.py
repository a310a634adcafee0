"""Programs of the operations on sequences and of broadcasting: every one in its forms, on floats and on codes."""

from dataclasses import replace
from typing import Any

import numpy as np

from smidgen.compiler.ir import Program
from tests.compiler.programs import SHAPE, Made

UNARY = ("abs", "erf", "exp", "floor", "mish", "neg", "softplus")
COMPARED = ("equal", "greater", "greater_equal", "less", "less_equal")
HALF = {"align_corners": False, "half_pixel": True}
CORNERS = {"align_corners": True, "half_pixel": False}
APART = {"align_corners": False, "half_pixel": False}


def on_codes(dtype: str) -> Program:
    """Everything that also runs on codes, for inputs of "uint8", "int8" or "float32"."""
    made = Made()
    x, codes = made.input(dtype), dtype != "float32"
    for other in ((6, 1, 4), (1, 5, 1), (5, 4), (6, 1, 1)):
        for kind in ("add", "sub", "mul"):
            b = made.input(dtype, other, 0.013, 9)
            made.add(kind, [x, b], (dtype, SHAPE), activation="none")
            made.add(kind, [b, x], (dtype, SHAPE), activation="relu", scale=0.03)
    row, column = made.input(dtype, (1, 5, 1)), made.input(dtype, (6, 1, 4))
    made.add("sub", [row, column], (dtype, SHAPE), activation="none")
    _moves(made, x, dtype)
    for kind, axes in (("sum", (1,)), ("sum", (0, 1)), ("max", (2,)), ("min", (0, 1)), ("max", (1,))):
        shape = tuple(size for axis, size in enumerate(SHAPE) if axis not in axes)
        _kept(made, kind, [x], (dtype, shape), axes=axes)
    made.add("softmax", [x], (dtype, SHAPE), scale=1 / 256)
    vectors = [made.constant(made.dice.normal(size=4).astype(np.float32)) for _ in range(2)]
    made.add("layer_norm", [x, *vectors], (dtype, SHAPE), epsilon=1e-5)
    made.add("layer_norm", [x, "", ""], (dtype, SHAPE), epsilon=1e-3)
    a, b = made.input(dtype, (3, 4, 5)), made.input(dtype, (5, 6, 1), 0.013, 9)
    made.add("matmul", [a, b], (dtype, (4, 3, 6)), a_order=(1, 0, 2), b_order=(2, 0, 1))
    for kind in UNARY:
        made.add(kind, [x], (dtype, SHAPE))
    made.add("clip", [x], (dtype, SHAPE), low=-0.3, high=0.7)
    made.add("elu", [x], (dtype, SHAPE), alpha=1.67, gamma=1.05)
    for mode, form in (("nearest", HALF), ("nearest", APART), ("bilinear", HALF), ("bilinear", CORNERS)):
        add = _kept if mode == "nearest" and codes else Made.add
        add(made, "resize", [x], (dtype, (9, 4, 4)), mode=mode, **form)
    return made.program()


def _kept(made: Made, kind: str, inputs: list[str], y: tuple[str, tuple[int, ...]], **attributes: Any) -> str:
    """An operation whose codes have the scale of its input."""
    name = made.add(kind, inputs, y, **attributes)
    if kind != "sum" and y[0] != "float32":
        made.values[name] = replace(made.values[name], quantization=made.values[inputs[0]].quantization)
    return name


def _moves(made: Made, x: str, dtype: str) -> None:
    slices = (((0, 1, 0), (6, 2, 4), (1, 2, 1)), ((5, 0, 3), (3, 5, 2), (-2, 1, -3)), ((2, 4, 1), (1, 1, 1), (1, 1, 1)))
    for begin, size, stride in slices:
        _kept(made, "slice", [x], (dtype, size), begin=begin, size=size, stride=stride)
    _kept(made, "expand", [made.input(dtype, (6, 1, 4))], (dtype, SHAPE))
    _kept(made, "spread", [x], (dtype, (11, 13, 4)), stride=(2, 3))
    _kept(made, "transpose", [made.input(dtype, (2, 3, 1, 2, 3))], (dtype, (3, 2, 2, 1, 3)), order=(4, 0, 3, 2, 1))


def on_floats() -> Program:
    """What runs on floats only."""
    made = Made()
    x = made.input("float32")
    positive = made.add("exp", [x], ("float32", SHAPE))
    for kind in ("log", "sqrt", "reciprocal"):
        made.add(kind, [positive], ("float32", SHAPE))
    column = made.constant(np.array([[0.5], [2], [1], [3], [-1]], np.float32))
    for kind in ("div", "pow", "maximum", "minimum", *COMPARED):
        for other in (x, made.input("float32", (6, 1, 4)), column):
            made.add(kind, [positive, other], ("float32", SHAPE))
    small = made.add("abs", [made.input("float32", (4,))], ("float32", (4,)))
    for kind in ("div", "pow", "less"):
        made.add(kind, [small, positive], ("float32", SHAPE))
    parts = [made.constant(made.dice.normal(size=shape).astype(np.float32)) for shape in ((5, 1), (1,))]
    made.add("where", [made.constant(np.array([0, 1, 0, 1], np.float32)), x, parts[0]], ("float32", SHAPE))
    made.add("where", [x, *parts], ("float32", SHAPE))
    table = made.dice.integers(-127, 128, (9, 3)).astype(np.int8)
    for dtype in ("int32", "int8"):  # most of them are beyond the table
        indices = made.input(dtype, (3, 2))
        made.add("embedding", [indices, made.constant(table.astype(np.float32))], ("float32", (3, 2, 3)))
        made.add("embedding", [indices, made.constant(table, tuple(range(1, 10)))], ("float32", (3, 2, 3)))
    weights = made.constant(np.arange(1, 7, dtype=np.float32))
    for dtype in ("int32", "int8"):  # some are beyond the row, or meet
        made.add("scatter", [made.input(dtype, (6,)), weights], ("float32", (40,)))
    numbers = made.input("int32", (7,))
    made.add("whole", [numbers, made.input("int32", (7,))], ("int32", (7,)), function="add")
    for function in ("mul", "mod"):
        made.add("whole", [numbers, made.constant(np.array([1013], np.int32))], ("int32", (7,)), function=function)
    _recurrent(made)
    _spectra(made)
    return made.program()


def _spectra(made: Made) -> None:
    """Of integers and floats, with windows of cosines and others, filters that overlap and one that lets nothing in."""
    wave = np.cos(2 * np.pi * np.arange(16) / 16)
    weights = np.zeros((4, 9), np.float32)
    weights[0, :3], weights[1, 2:], weights[2, 8] = (0.5, 1, 0.5), np.linspace(0.1, 1, 7), 2
    windows = (0.5 - 0.5 * wave, 0.54 - 0.46 * wave, made.dice.uniform(0, 1, 16))
    for window, dtype, step in zip(windows, ("int16", "float32", "int16"), (8, 3, 16), strict=True):
        x = made.input(dtype, (50,), 1.0, 0)
        constants = [made.constant(data.astype(np.float32)) for data in (window, weights)]
        made.add("band_powers", [x, *constants], ("float32", (1, (50 - 16) // step + 1, 4)), step=step)


def _recurrent(made: Made) -> None:
    """Sequences and weights of floats and of codes, with and without a state to begin with; all states or the last."""
    x, state = made.input("float32", (4, 3)), made.input("float32", (5,))
    forms: list[tuple[str, int, list[str], dict[str, Any]]] = [
        ("gru", 3, [""], {"linear_before_reset": True, "reverse": False}),
        ("gru", 3, [state], {"linear_before_reset": False, "reverse": True}),
        ("lstm", 4, ["", state], {"reverse": True}),
        ("rnn", 1, [state], {"reverse": False, "activation": "tanh"}),
        ("rnn", 1, [""], {"reverse": False, "activation": "relu"}),
    ]
    sequences = [(x, False), (x, True), *((made.input(dtype, (4, 3), 0.013, 9), True) for dtype in ("uint8", "int8"))]
    for sequence, codes in sequences:
        for kind, gates, states, attributes in forms:
            weights = [made.weights((5 * gates, size), codes=codes, bias=False)[0] for size in (3, 5)]
            biases = [made.constant(made.dice.normal(size=5 * gates).astype(np.float32)) for _ in range(2)]
            for shape in ((4, 5), (5,)):
                made.add(kind, [sequence, *weights, *biases, *states], ("float32", shape), **attributes)
