"""Networks without their dead channels give the same codes for every input."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler import reference
from smidgen.compiler.arithmetic import limits
from smidgen.compiler.importers.tflite import read
from smidgen.compiler.ir import Program, Quantization
from smidgen.compiler.passes.constant_channels import find, fold, fold_constant_channels
from smidgen.types import Arrays
from tests.compiler.programs import PLAIN, Made, every_operation, inputs

TINY = Path(__file__).parents[4] / "shared" / "data" / "pretrained" / "mlperf_tiny"
WEIGHTED = ("conv2d", "dense")
SAME = (1, 1, 1, 1)
ROUNDINGS = ("onnx", "litert")
LAYERS: dict[str, dict[str, Any]] = {
    "pointwise": {"activation": "relu"},
    "depthwise": {"kernel": (3, 3), "padding": SAME},
    "conv2d": {"kernel": (3, 3), "padding": (2, 0, 0, 2)},
    "dilated": {"kernel": (2, 2), "dilation": (2, 1), "stride": (1, 2), "padding": SAME},
}


class Saturated(Made):
    """Makes layers of which many channels never leave one end of their range."""

    def layer(self, kind: str, x: str, outputs: int, *, zero_point: int = -20, **attributes: Any) -> str:
        """A layer whose channels have the `fates` -1 and 1: constant at the lower or upper end; else they vary."""
        *sides, depth = self.values[x].shape
        kernel = attributes.pop("kernel", (1, 1)) if kind == "conv2d" else ()
        groups = attributes.get("groups", 1)
        weight, bias = self.weights((outputs, *kernel, depth // groups), codes=True)
        value, fates = self.values[bias], attributes.pop("fates", None)
        if fates is None:
            fates = self.dice.choice([0, 0, 1, -1], outputs) + self.dice.uniform(-0.001, 0.001, outputs)
        self.values[bias] = replace(value, data=np.array([10_000_000 * fate for fate in fates], np.int32))
        attributes = {**(PLAIN if kind == "conv2d" else {"activation": "none"}), **attributes}
        shape = (*_sides(sides, kernel, **attributes), outputs) if kind == "conv2d" else (outputs,)
        scale = attributes.pop("scale", 0.5)
        y = self.add(kind, [x, weight, bias], ("int8", shape), **attributes)
        self.values[y] = replace(self.values[y], quantization=Quantization((scale,), (zero_point,)))
        return y


def _sides(sides: Sequence[int], kernel: Sequence[int], **given: Any) -> list[int]:
    """Height and width of what a convolution gives."""
    ends = given["padding"][:2], given["padding"][2:]
    axes = zip(sides, kernel, given["stride"], given["dilation"], *ends, strict=True)
    return [(size + before + after - (taps - 1) * by - 1) // step + 1 for size, taps, step, by, before, after in axes]


POOL = {"kernel": (3, 3), "stride": (1, 1), "padding": SAME, "activation": "none"}
KINDS = ("pointwise", "depthwise", "conv2d", "dilated", "add", "mul", "concat", "max_pool2d", "average_pool2d", "tanh")


def saturated(seed: int, rounding: str = "onnx") -> Program:
    """Random chains of what ties channels together, with saturated layers between."""
    made = Saturated()
    made.dice = dice = np.random.default_rng(seed)
    seen = [made.layer("conv2d", made.input("int8", (4, 3, 3)), 10, kernel=(3, 3), padding=SAME)]
    for kind in map(str, dice.choice(KINDS, 6)):
        x, shape = seen[-1], made.values[seen[-1]].shape
        twin = str(dice.choice([name for name in seen if made.values[name].shape == shape]))
        zero_point = int(dice.choice([-128, -20, 5, 127]))
        if kind in LAYERS:
            attributes = LAYERS[kind]
            if kind == "depthwise":
                attributes = {**attributes, "groups": shape[2]}
            outputs = shape[2] * int(dice.integers(1, 3)) if kind == "depthwise" else int(dice.integers(1, 13))
            seen.append(made.layer("conv2d", x, outputs, zero_point=zero_point, **attributes))
        elif kind == "concat":
            seen.append(made.add("concat", [x, twin], ("int8", (*shape[:2], 2 * shape[2])), axis=2))
        elif kind in ("add", "mul"):
            seen.append(made.add(kind, [x, twin], ("int8", shape), activation="relu", scale=0.7))
        else:
            seen.append(made.add(kind, [x], ("int8", shape), **(POOL if "pool" in kind else {})))
    return ended(made, seen[-1], rounding)


def ended(made: Saturated, x: str, rounding: str) -> Program:
    """The program that reads an image in two ways."""
    image = made.values[x]
    flat = made.add("reshape", [x], ("int8", (image.count,)))
    mean = made.add("mean", [x], ("int8", image.shape[-1:]), axes=(0, 1), activation="none", scale=0.5)
    outputs = made.layer("dense", flat, 5), made.layer("dense", mean, 6)
    return replace(made.program(), outputs=outputs, rounding=rounding)


def extremes(program: Program, count: int = 18) -> Arrays:
    """Inputs of random codes, and of the least and greatest only; floats are random."""
    mixed = inputs(program, count, seed=1)
    for name, array in mixed.items():
        if array.dtype == np.float32:
            continue
        least, most = limits(program.values[name])
        array[count // 2 :] = np.where(array[count // 2 :] > 0, most, least)
        array[0], array[-1] = least, most
    return mixed


def assert_same(before: Program, after: Program, count: int = 18) -> None:
    x = extremes(before, count)
    expected, found = reference.run(before, x), reference.run(after, x)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4]))
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_what_leaves_changes_no_code(rounding: str, seed: int, multiple: int) -> None:
    program = saturated(seed, rounding)
    assert_same(program, fold_constant_channels(program, multiple))


def test_chains_of_constant_channels_leave_and_counts_stay_even() -> None:
    made = Saturated()
    wide = made.layer("conv2d", made.input("int8", (5, 5, 3)), 32, kernel=(3, 3), zero_point=-128, activation="relu")
    deep = made.layer("conv2d", wide, 32, kernel=(3, 3), groups=32, zero_point=-128, padding=SAME, activation="relu")
    program = ended(made, made.layer("conv2d", deep, 8, zero_point=-128), "onnx")
    found, after = find(program, 4), fold_constant_channels(program, 4)
    constant = int(found.ranges[wide].constant.sum())
    assert constant > 8
    for name in (wide, deep):
        left = after.values[name].shape[-1]
        assert left % 4 == 0
        assert left <= 32 - constant + 3
    assert fold_constant_channels(program, 1).values[deep].shape[-1] <= 32 - constant
    depthwise = after.operations[1]
    assert depthwise.attributes["groups"] == after.values[wide].shape[-1]


def one_channel(bias: int, padding: tuple[int, ...], zero_point: int = -20) -> Program:
    """A channel that is always one end of its range, among others that are not, and a convolution of all."""
    made = Saturated()
    x = made.layer("conv2d", made.input("int8", (4, 4, 2)), 8, zero_point=zero_point, fates=[0, 0, 0, bias, 0, 0, 0, 0])
    y = made.layer("conv2d", x, 4, kernel=(3, 3), padding=padding, fates=[0] * 4)
    return replace(made.program(), outputs=(y,))


@pytest.mark.parametrize(
    ("bias", "padding", "zero_point", "left"),
    [
        (1, (0, 0, 0, 0), -20, 7),
        (1, (0, 1, 0, 0), -20, 8),  # where a window reaches over the edge, 127 adds less; no bias can do that
        (1, (0, 1, 0, 0), 127, 7),  # a real 0, as padding is
        (-1, (1, 1, 1, 1), -128, 7),
        (0, (0, 0, 0, 0), -20, 8),
    ],
)
def test_a_constant_leaves_where_it_is_the_same_everywhere(
    bias: int, padding: tuple[int, ...], zero_point: int, left: int
) -> None:
    program = one_channel(bias, padding, zero_point)
    after = fold_constant_channels(program, 1)
    assert after.values[after.operations[0].outputs[0]].shape[-1] == left
    assert_same(program, after)


def test_what_nobody_reads_leaves_with_what_it_is_made_of() -> None:
    made = Saturated()
    first = made.layer("conv2d", made.input("int8", (3, 3, 2)), 6, fates=[0] * 6, scale=0.01)
    second = made.layer("conv2d", first, 4, fates=[0] * 4, scale=0.01)
    third = made.layer("conv2d", second, 5, fates=[0] * 5, scale=0.01)
    for layer, row, column in ((1, slice(0, 3), 5), (2, slice(None), 3)):
        name = made.operations[layer].inputs[1]
        data = made.values[name].data
        assert data is not None
        data[row, ..., column] = 0
    program = replace(made.program(), outputs=(third,))
    found, after = find(program, 1), fold_constant_channels(program, 1)
    assert [after.values[name].shape[-1] for name in (first, second, third)] == [5, 3, 5]
    assert (found.total, found.constant, found.unused, found.removed) == (15, 0, 2, 2)
    assert_same(program, after)


def test_layers_that_share_weights_keep_their_channels() -> None:
    made = Saturated()
    x = made.layer("conv2d", made.input("int8", (3, 3, 8)), 8, fates=[1] * 8)
    weight, bias = made.operations[0].inputs[1:]
    y = made.add("conv2d", [x, weight, bias], ("int8", (3, 3, 8)), **PLAIN)
    program = replace(made.program(), outputs=(y,))
    assert find(program, 1).removed == 0
    assert_same(program, fold_constant_channels(program, 1))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_layer_of_constants_keeps_two_channels(rounding: str) -> None:
    """A layer cannot be empty; of one channel, LiteRT would round the scale as that of a whole layer."""
    made = Saturated()
    x = made.layer("dense", made.input("int8", (9,)), 6, fates=[1, 1, 0, 1, 1, 1])
    y = made.layer("dense", x, 3, fates=[0] * 3)
    program = replace(made.program(), outputs=(y,), rounding=rounding)
    after = fold_constant_channels(program, 1)
    assert after.values[x].shape == (2,)
    assert_same(program, after)


def test_a_bias_is_made_where_constants_need_one() -> None:
    made = Saturated()
    x = made.layer("dense", made.input("int8", (9,)), 6, fates=[1, 1, 0, 0, 0, -1])
    y = made.layer("dense", x, 3, fates=[0] * 3)
    *others, last = made.operations
    made.operations = [*others, replace(last, inputs=(*last.inputs[:2], ""))]
    program = replace(made.program(), outputs=(y,))
    after = fold_constant_channels(program, 1)
    bias = after.values[after.operations[1].inputs[2]]
    assert (bias.dtype, bias.shape) == ("int32", (3,))
    assert_same(program, after)


@pytest.mark.skipif(not TINY.is_dir(), reason="there is no shared/data beside this checkout")
def test_most_of_visual_wake_words_leaves() -> None:
    program = read((TINY / "visual_wake_words__vww_96_int8.tflite").read_bytes())
    found = find(program)
    after = fold(program, found)
    assert found.total == 2738
    assert found.removed >= 1650
    weights = [after.values[operation.inputs[1]] for operation in after.operations if operation.kind in WEIGHTED]
    assert sum(weight.bytes for weight in weights) <= 32_000
    assert_same(program, after, count=2)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_every_operation_survives(dtype: str) -> None:
    program = every_operation(dtype)
    outputs = [program.operations[index].outputs[0] for index in range(0, len(program.operations), 3)]
    program = replace(program, outputs=tuple(outputs))
    assert_same(program, fold_constant_channels(program, 1))
