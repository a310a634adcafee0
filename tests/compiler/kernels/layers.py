"""Chains of layers on codes, for tests of sets of kernels: their sums use the range of their outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from smidgen.compiler import emit, emulator, firmware
from smidgen.compiler.arithmetic import limits
from smidgen.compiler.device import Device
from smidgen.compiler.ir import Operation, Program, Quantization, Value
from smidgen.types import Array
from tests.compiler.programs import inputs

WEIGHT_SCALES = 0.002, 0.006
SAME: dict[str, Any] = {"padding": (1, 1, 1, 1)}


class Layers:
    """Collects layers of random weights. Where a zero point is not given, it is any code."""

    def __init__(self, rounding: str, dtype: str, seed: int = 0) -> None:
        self.values: dict[str, Value] = {}
        self.operations: list[Operation] = []
        self.inputs: list[str] = []
        self.rounding, self.dtype = rounding, dtype
        self.dice = np.random.default_rng(seed)

    def _value(self, shape: Sequence[int], scale: float, zero: int | None = None) -> str:
        name, (least, most) = f"v{len(self.values)}", limits(Value("", self.dtype, ()))
        zero = int(self.dice.integers(least, most, endpoint=True)) if zero is None else zero
        self.values[name] = Value(name, self.dtype, tuple(shape), Quantization((scale,), (zero,)))
        return name

    def _constant(self, data: Array, scales: Sequence[float] = ()) -> str:
        name = f"c{len(self.values)}"
        many = 0 if len(scales) > 1 else None
        known = Quantization(tuple(scales), (0,) * len(scales), many) if scales else None
        self.values[name] = Value(name, str(data.dtype), data.shape, known, data)
        return name

    def _add(self, kind: str, inputs: Sequence[str], y: str, **attributes: Any) -> str:
        self.operations.append(Operation(kind, f"{kind} {y}", tuple(inputs), (y,), attributes))
        return y

    def input(self, *shape: int, scale: float = 0.02) -> str:
        """An input of the program, of any zero point."""
        self.inputs.append(self._value(shape, scale))
        return self.inputs[-1]

    def edge(self) -> int:
        """The zero point of values that are never negative."""
        return limits(Value("", self.dtype, ()))[0]

    def _layer(self, kind: str, x: str, y: Sequence[int], shape: Sequence[int], **given: Any) -> str:
        """A layer with weights of a shape (out, ...)."""
        count, places, many = shape[0], int(np.prod(shape[1:])), given.pop("scales", shape[0])
        weights = np.clip(self.dice.normal(size=shape) * 40, -127, 127).astype(np.int8)
        weight = self._constant(weights, self.dice.uniform(*WEIGHT_SCALES, many).tolist())
        bias = (
            self._constant(self.dice.integers(-5000, 5000, count).astype(np.int32)) if given.pop("bias", True) else ""
        )
        known = self.values[x].quantization
        assert known is not None
        scale = known.scale * sum(WEIGHT_SCALES) / 2 * np.sqrt(places) * 55
        return self._add(kind, (x, weight, bias), self._value(y, float(scale), given.pop("zero", None)), **given)

    def conv2d(self, x: str, out: int, kernel: tuple[int, int] = (1, 1), **given: Any) -> str:
        """A convolution."""
        plain: dict[str, Any] = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "groups": 1}
        all_of = {**plain, "activation": "none", **given}
        depth = self.values[x].shape[2] // all_of["groups"]
        return self._layer("conv2d", x, (*self._reach(x, kernel, all_of), out), (out, *kernel, depth), **all_of)

    def depthwise(self, x: str, kernel: tuple[int, int] = (3, 3), **given: Any) -> str:
        """A convolution of each channel by itself."""
        channels = self.values[x].shape[2]
        return self.conv2d(x, channels, kernel, groups=channels, **given)

    def dense(self, x: str, out: int, **given: Any) -> str:
        """A fully connected layer."""
        return self._layer("dense", x, (out,), (out, self.values[x].count), **{"activation": "none"} | given)

    def add(self, a: str, b: str, kind: str = "add", **given: Any) -> str:
        """A sum or difference."""
        zero, scale = given.pop("zero", None), given.pop("scale", 0.05)
        attributes = {"activation": "none"} | given
        return self._add(kind, (a, b), self._value(self.values[a].shape, scale, zero), **attributes)

    def mean(self, x: str) -> str:
        """One mean for each channel."""
        return self._add("mean", (x,), self._value(self.values[x].shape[2:], 0.01), axes=(0, 1), activation="none")

    def average_pool(self, x: str) -> str:
        """The same as a pool, of one row and one column, in the scale of its input."""
        given = self.values[x]
        assert given.quantization is not None
        y = self._value((1, 1, given.shape[2]), given.quantization.scale, given.quantization.zero_point)
        window = {"kernel": given.shape[:2], "stride": (1, 1), "padding": (0, 0, 0, 0)}
        return self._add("average_pool2d", (x,), y, **window, activation="none")

    def max_pool(self, x: str, kernel: tuple[int, int], **given: Any) -> str:
        """The greatest of each window, in the scale of its input."""
        value, plain = self.values[x], {"stride": kernel, "padding": (0, 0, 0, 0), "activation": "none"}
        assert value.quantization is not None
        attributes: dict[str, Any] = {"kernel": kernel, **plain, **given}
        shape = (*self._reach(x, kernel, attributes), value.shape[2])
        y = self._value(shape, value.quantization.scale, value.quantization.zero_point)
        return self._add("max_pool2d", (x,), y, **attributes)

    def _reach(self, x: str, kernel: tuple[int, int], attributes: Mapping[str, Any]) -> tuple[int, int]:
        """Rows and columns of windows."""
        sizes, padding = self.values[x].shape, attributes["padding"]
        dilation, stride = attributes.get("dilation", (1, 1)), attributes["stride"]
        rows, columns = (
            (sizes[axis] + padding[axis] + padding[axis + 2] - (kernel[axis] - 1) * dilation[axis] - 1) // stride[axis]
            for axis in (0, 1)
        )
        return rows + 1, columns + 1

    def program(self) -> Program:
        """The program of all; its outputs are what nothing reads."""
        read = {name for operation in self.operations for name in operation.inputs}
        outputs = [name for operation in self.operations for name in operation.outputs if name not in read]
        return Program(self.values, self.operations, tuple(self.inputs), tuple(outputs), self.rounding)


def convolutions(made: Layers) -> None:
    """Windows that gather words, bytes and both, with padding, strides and holes; odd channels; blocks of 3, 2, 1."""
    edge = made.edge()
    made.conv2d(made.conv2d(made.input(5, 7, 8), 7, zero=edge), 4, (2, 2), bias=False)
    made.conv2d(made.input(6, 5, 3), 5, (3, 3), **SAME, activation="relu")
    made.conv2d(made.input(9, 8, 4), 6, (3, 3), stride=(2, 2), padding=(0, 0, 1, 1), zero=edge)
    made.conv2d(made.input(12, 6, 1), 4, (5, 4), stride=(2, 2), padding=(2, 1, 2, 1), activation="relu6")
    made.conv2d(made.input(5, 9, 3), 2, (2, 5), padding=(1, 3, 2, 4), dilation=(2, 2))
    made.conv2d(made.input(4, 4, 5), 3, padding=(1, 0, 0, 1), scales=1)
    made.conv2d(made.input(2, 1, 4), 3, (3, 3), **SAME)


def depthwise(made: Layers) -> None:
    """High, wide, of both strides and of either padding, and followed by what reads it in place."""
    edge = made.edge()
    made.mean(made.conv2d(made.depthwise(made.input(7, 5, 8), **SAME, zero=edge), 8))
    made.depthwise(made.input(4, 7, 3), **SAME, activation="relu")
    made.depthwise(made.input(9, 6, 2), stride=(2, 2), padding=(0, 0, 1, 1))
    made.depthwise(made.input(5, 9, 4), stride=(2, 2), **SAME, bias=False)
    made.depthwise(made.input(8, 3, 4), stride=(3, 1))
    made.depthwise(made.input(5, 6, 3), (2, 4), dilation=(1, 2), padding=(1, 2, 0, 1))


def others(made: Layers) -> None:
    """Inputs and outputs of whole words and not; sums of scales that are equal, near and far; many pixels."""
    edge = made.edge()
    made.dense(made.dense(made.input(67), 10, zero=edge), 8, scales=1)
    made.dense(made.input(20), 3, activation="relu6")
    made.add(made.input(3, 5, 4), made.input(3, 5, 4), zero=edge)
    made.add(made.input(4, 7), made.input(4, 7, scale=0.07), scale=0.1)
    made.add(made.input(9, scale=0.06), made.input(9), "sub", activation="relu", scale=0.1)
    made.average_pool(made.input(20, 30, 4))
    made.max_pool(made.input(6, 4, 7), (2, 2))
    made.max_pool(made.input(5, 6, 4), (3, 3), stride=(2, 1), **SAME, activation="relu")


def network(made: Layers) -> None:
    """One that streams: each of the kernels by rows."""
    x = made.conv2d(made.input(40, 24, 3), 8, (3, 3), **SAME, zero=made.edge())
    x = made.add(x, made.conv2d(made.depthwise(x, **SAME, zero=made.edge()), 8))
    made.conv2d(made.depthwise(made.max_pool(x, (2, 2)), stride=(2, 2), padding=(0, 0, 1, 1)), 16)


FORMS = {"convolutions": convolutions, "depthwise": depthwise, "others": others}


def everything(rounding: str, dtype: str) -> Program:
    """All forms but the network."""
    made = Layers(rounding, dtype)
    for form in FORMS.values():
        form(made)
    return made.program()


PALETTES = {1: (-1, 0), 2: (-7, 0, 7), 4: tuple(range(-8, 8)), 8: (-5, 0, 1)}
"""Few values for weights, by the bits that kernels unpack; these of 8 bits only the portable ones do."""


def coarse(program: Program, bits: int) -> Program:
    """The program with weights of few values."""
    dice = np.random.default_rng(bits)
    for operation in program.operations:
        if operation.kind in ("conv2d", "dense"):
            weight = program.values[operation.inputs[1]]
            data = dice.choice(np.array(PALETTES[bits], np.int8), weight.shape)
            program = program.with_value(replace(weight, data=data))
    return program


def runs(program: Program, kernel_set: str, name: str, *flags: str, reference: Program | None = None) -> None:
    """Build a program for a device with a set of kernels; compare what it answers there with the reference."""
    device = Device.of(name)
    device = replace(device, flags=(*device.flags, *flags))
    files = firmware.sources(emit.write(program, "net", kernel_set), program, device, limited=False)
    given = inputs(program, 3)
    found = emulator.run(firmware.build(files, device), device, program, given)
    emulator.check(found, reference or program, given)
