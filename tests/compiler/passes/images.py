"""Programs on images that work row by row, drawn at random."""

import numpy as np
from hypothesis import strategies as st

from smidgen.compiler.ir import Operation, Program, Quantization, Value


class Images:
    """Puts operations together, each of whose outputs is the input of the next unless another is named."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        scale = Quantization((0.05,), (3,))
        self.values = {"x": Value("x", "int8", (height, width, channels), scale)}
        self.operations: list[Operation] = []
        self.last = "x"
        self.dice = np.random.default_rng(height * 100 + width * 10 + channels)

    def program(self) -> Program:
        return Program(self.values, self.operations, ("x",), (self.last,), "onnx")

    def add(self, kind: str, inputs: tuple[str, ...], shape: tuple[int, ...], **attributes: object) -> str:
        self.last = f"v{len(self.operations)}"
        self.values[self.last] = Value(self.last, "int8", shape, Quantization((0.07,), (-5,)))
        operation = Operation(kind, self.last, inputs, (self.last,), {"activation": "none"} | attributes)
        self.operations.append(operation)
        return self.last

    def conv(
        self, out: int, kernel: int = 3, stride: int = 1, dilation: int = 1, *, groups: int = 1, x: str = ""
    ) -> str:
        """Padded at both ends so that each place that the stride does not skip has a window around it."""
        x = x or self.last
        height, width, channels = self.values[x].shape
        name = f"w{len(self.values)}"
        data = self.dice.integers(-127, 128, (out, kernel, kernel, channels // groups)).astype(np.int8)
        scales = Quantization(tuple(self.dice.uniform(0.002, 0.01, out)), (0,) * out, 0)
        self.values[name] = Value(name, "int8", data.shape, scales, data)
        pad = dilation * (kernel - 1) // 2
        shape = (-(-height // stride), -(-width // stride), out)
        more = {"stride": (stride, stride), "dilation": (dilation, dilation), "padding": (pad,) * 4, "groups": groups}
        return self.add("conv2d", (x, name, ""), shape, **more)

    def depthwise(self, stride: int = 1) -> str:
        channels = self.values[self.last].shape[2]
        return self.conv(channels, 3, stride, groups=channels)

    def pool(self, kernel: int, stride: int) -> str:
        """Of windows inside the image."""
        height, width, channels = self.values[self.last].shape
        shape = ((height - kernel) // stride + 1, (width - kernel) // stride + 1, channels)
        windows = {"kernel": (kernel, kernel), "stride": (stride, stride), "padding": (0, 0, 0, 0)}
        return self.add("max_pool2d", (self.last,), shape, **windows)

    def residual(self, out: int, stride: int = 1, early: bool = False) -> str:
        """Two convolutions beside one of 1x1, or beside nothing where the shape stays."""
        x = self.last
        same = stride == 1 and self.values[x].shape[2] == out
        short = self.conv(out, 1, stride, x=x) if early and not same else x
        self.conv(out, 3, stride, x=x)
        main = self.conv(out)
        short = short if same or early else self.conv(out, 1, stride, x=x)
        return self.add("add", (main, short), self.values[main].shape)

    def mean(self) -> str:
        return self.add("mean", (self.last,), self.values[self.last].shape[2:], axes=(0, 1))


@st.composite
def images(draw: st.DrawFn) -> Program:
    """Up to six layers or blocks, perhaps with a mean after them."""
    made = Images(draw(st.integers(1, 14)), draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    for _ in range(draw(st.integers(1, 6))):
        kind, out, stride = (
            draw(st.sampled_from(["conv", "conv", "residual", "pool", "relu"])),
            draw(st.integers(1, 3)),
            draw(st.integers(1, 3)),
        )
        height, width, _ = made.values[made.last].shape
        if kind == "conv":
            made.conv(out, draw(st.sampled_from([1, 3, 5])), stride, draw(st.integers(1, 2)))
        elif kind == "residual":
            made.residual(out, stride, draw(st.booleans()))
        elif kind == "pool" and min(height, width) >= 2:
            made.pool(2, stride)
        else:
            made.add("relu", (made.last,), made.values[made.last].shape)
    if draw(st.booleans()):
        made.mean()
    return made.program()
