"""Removes channels that carry nothing: those that are the same for every input, and those that nobody reads.

`ranges.py` proves which channels are constant. What a constant channel adds to the next layer moves into that layer's
bias, exactly; the channel then leaves the layer that makes it, everything it passes on the way and the layer that
reads it. Padding is a real 0, so where windows reach over the edge only channels that are a real 0 can leave.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from smidgen.compiler.arithmetic import UNARY, accumulator_scales
from smidgen.compiler.ir import LAYERS, Operation, Program, Quantization, Value
from smidgen.compiler.passes.ranges import SUMS, Range, ranges, windows
from smidgen.types import Array

BY_CHANNEL = (
    *UNARY,
    *("add", "sub", "mul", "max_pool2d", "average_pool2d", "resize", "relu", "relu6"),
    *("requantize", "quantize", "dequantize"),
)
LEAST = 2  # of several channels: LiteRT rounds the scale of a dense layer in another way where it is the only one
Link = tuple[str, Array, str, Array]  # channels of one value that stay or go with channels of another, pair by pair


@dataclass(frozen=True, eq=False)
class Channels:
    """What becomes of a program's channels.

    Attributes:
        kept: which stay, for each value but the weights and biases of layers: (channels,) bool.
        ranges: what the codes of each channel lie within.
        total: channels that layers make.
        constant: of these, those that are the same for every input.
        unused: of these, those that do vary but that nothing reads.
        removed: of these, those that leave; the rest of the constant ones stays for edges and even counts.
    """

    kept: Mapping[str, Array]
    ranges: Mapping[str, Range]
    total: int
    constant: int
    unused: int
    removed: int


def fold_constant_channels(program: Program, keep_multiple: int = 4) -> Program:
    """The same function of every input, to the bit, without the channels that carry nothing.

    Args:
        program: of either rounding.
        keep_multiple: as many channels stay as to make the counts multiples of this, where there were so many.
    """
    return fold(program, find(program, keep_multiple))


def find(program: Program, keep_multiple: int = 4) -> Channels:
    """Which channels can leave, and why."""
    known = ranges(program)
    needs = _Needs(program, known)
    needs.settle()
    while sum(needs.complete(name, keep_multiple) for name in needs.kept):
        pass  # until all are complete: a channel that stays to complete one count can spoil another
    made = [operation.outputs[0] for operation in program.operations if operation.kind in LAYERS]
    kept = np.concatenate([np.ones(0, bool), *(needs.kept[name] for name in made)])
    constant = np.concatenate([np.zeros(0, bool), *(_constant(known, name, needs.kept[name]) for name in made)])
    unused = int((~kept & ~constant).sum())
    return Channels(needs.kept, known, len(kept), int(constant.sum()), unused, int((~kept).sum()))


def fold(program: Program, channels: Channels) -> Program:
    """The program without the channels that leave."""
    values = {name: _cut(value, channels.kept.get(name)) for name, value in program.values.items()}
    operations = []
    for operation in program.operations:
        if operation.kind in LAYERS and program.values[operation.inputs[1]].data is not None:
            operation, changed = _cut_layer(program, operation, channels)  # noqa: PLW2901
            values |= {value.name: value for value in changed}
        operations.append(operation)
    return replace(program, values=values, operations=operations)


def _constant(known: Mapping[str, Range], name: str, like: Array) -> Array:
    return known[name].constant if name in known else np.zeros_like(like)


class _Needs:
    """Which channels are needed: those of inputs and outputs, and what these are made of. The least such set."""

    def __init__(self, program: Program, known: Mapping[str, Range]) -> None:
        uses = Counter(name for operation in program.operations for name in operation.inputs)
        layers = [operation for operation in program.operations if operation.kind in LAYERS]
        inside = {name for layer in layers for name in layer.inputs[1:] if uses[name] == 1}
        self.kept = {name: np.zeros(v.shape[-1:], bool) for name, v in program.values.items() if name not in inside}
        self.links: list[Link] = []
        self.reads: list[tuple[str, str, Array]] = []  # y, x and which channels of x each channel of y needs: (y, x)
        whole = [*program.inputs, *program.outputs]
        for operation in program.operations:
            links = _links(program, operation)
            alone = operation.kind not in LAYERS or all(uses[name] == 1 for name in operation.inputs[1:] if name)
            if links is None or not alone:
                whole += [name for name in (*operation.inputs, *operation.outputs) if name in self.kept]
            else:
                self.links += links
                if operation.kind in LAYERS and not links:
                    self.reads.append((operation.outputs[0], operation.inputs[0], _read(program, operation, known)))
        for name in whole:
            self.kept[name][...] = True

    def settle(self) -> None:
        """Keep what is needed by what is kept, until that is all."""
        before = -1
        while (now := sum(int(mask.sum()) for mask in self.kept.values())) > before:
            before = now
            for y, x, read in reversed(self.reads):
                self.kept[x] |= read[self.kept[y]].any(0)
            for one, at, other, there in (*self.links, *reversed(self.links)):
                np.logical_or.at(self.kept[one], at, self.kept[other][there])
                np.logical_or.at(self.kept[other], there, self.kept[one][at])

    def complete(self, name: str, multiple: int) -> bool:
        """Keep as many more channels of a value as make a multiple; whether any were missing."""
        mask = self.kept[name]
        count = int(mask.sum())
        missing = min(mask.size, -(-max(count, LEAST) // multiple) * multiple) - count
        if missing:
            mask[np.flatnonzero(~mask)[:missing]] = True
            self.settle()
        return missing > 0


def _read(program: Program, operation: Operation, known: Mapping[str, Range]) -> Array:
    """Which channels of its input each channel of a layer needs: (out, in). Others add nothing, or a constant."""
    (x, weight, bias), _ = program.of(operation)
    if x is None or weight is None or weight.data is None:
        raise ValueError(f"{operation.name} has no weights")
    if x.quantization is None or x.name not in known:
        return np.ones((weight.shape[0], weight.shape[-1]), bool)
    size = np.abs(weight.data.astype(np.int64)).reshape(len(weight.data), -1, weight.shape[-1]).sum(1)
    constant, offset = known[x.name].constant, known[x.name].low - x.quantization.zero_point
    start = 0 if bias is None or bias.data is None else np.abs(bias.data.astype(np.int64))
    fits = (size @ np.abs(offset * constant) + start).max() <= SUMS.max
    anywhere = fits and windows(operation, x, weight).all()
    return np.asarray((size > 0) & ~(constant & (anywhere | (offset == 0))))


def _links(program: Program, operation: Operation) -> list[Link] | None:
    """Which channels an operation ties to each other; None where all of them must stay."""
    given, (y, *more) = program.of(operation)
    inputs = [value for value in given if value is not None]
    if more or not y.shape or not all(value.shape for value in inputs):
        return None
    if operation.kind in LAYERS:
        return _links_of_layer(operation, inputs, y)
    if _by_channel(operation, len(inputs[0].shape)):
        return [_all_of(x, y) for x in inputs if x.shape[-1] == y.shape[-1]]
    if operation.kind == "concat":
        ends = np.cumsum([x.shape[-1] for x in inputs])
        return [_all_of(x, y, int(end) - x.shape[-1]) for x, end in zip(inputs, ends, strict=True)]
    if operation.kind == "reshape":
        return _links_of_reshape(inputs[0], y)
    return None


def _by_channel(operation: Operation, rank: int) -> bool:
    """Whether each channel of the output is made of the same channel of the inputs only."""
    given, kind = operation.attributes, operation.kind
    if kind in ("mean", "sum"):
        return rank - 1 not in given["axes"]
    if kind == "pad":
        return bool(given["before"][-1] == given["after"][-1] == 0)
    if kind == "transpose":
        return bool(given["order"][-1] == rank - 1)
    return kind in BY_CHANNEL or (kind == "concat" and given["axis"] < rank - 1)


def _all_of(x: Value, y: Value, first: int = 0) -> Link:
    channels = np.arange(x.shape[-1])
    return x.name, channels, y.name, channels + first


def _links_of_layer(operation: Operation, inputs: list[Value], y: Value) -> list[Link] | None:
    """A depthwise convolution ties; other layers do not, but where they have groups, all channels stay."""
    x, weight, *_ = inputs
    groups = operation.attributes.get("groups", 1)
    if weight.data is None or (groups == 1 and weight.shape[-1] != x.shape[-1]):
        return None
    if groups == 1:
        return []
    made = np.arange(y.shape[-1])
    return [(x.name, made // (len(made) // groups), y.name, made)] if groups == x.shape[-1] else None


def _links_of_reshape(x: Value, y: Value) -> list[Link] | None:
    """An image and its flat form: the channels repeat for every pixel."""
    count = max(x.shape[-1], y.shape[-1])
    if count % x.shape[-1] or count % y.shape[-1]:
        return None
    places = np.arange(count)
    return [(x.name, places % x.shape[-1], y.name, places % y.shape[-1])]


def _cut(value: Value, kept: Array | None) -> Value:
    """A value with only some of its channels."""
    if kept is None or kept.all():
        return value
    data = None if value.data is None else np.ascontiguousarray(value.data[..., kept])
    return replace(value, shape=(*value.shape[:-1], int(kept.sum())), data=data)


def _cut_layer(program: Program, operation: Operation, channels: Channels) -> tuple[Operation, list[Value]]:
    """A layer with only some channels of its input and output; and its weight and bias."""
    (x, weight, bias), (y,) = program.of(operation)
    if x is None or weight is None or weight.data is None:
        raise ValueError(f"{operation.name} has no weights")
    rows, columns = channels.kept[y.name], channels.kept[x.name]
    data, attributes, added = weight.data[rows], dict(operation.attributes), None
    if attributes.get("groups", 1) == len(columns) > 1:
        attributes["groups"] = int(columns.sum())
    elif not columns.all():
        added = _added(x, data, columns, channels.ranges[x.name])
        data = data[..., columns]
    weight = _with_rows(weight, np.ascontiguousarray(data), rows)
    if bias is None and added is not None and added.any():
        scales = tuple(map(float, accumulator_scales(x, weight)))
        quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
        bias = Value(f"{y.name}_constant", "int32", added.shape, quantization, added.astype(np.int32))
    elif bias is not None and bias.data is not None:
        total = bias.data[rows] if added is None else bias.data[rows] + added
        bias = _with_rows(bias, total.astype(bias.data.dtype), rows)
    inputs = (*operation.inputs[:2], "" if bias is None else bias.name)
    return replace(operation, inputs=inputs, attributes=attributes), [weight, *([bias] if bias else [])]


def _added(x: Value, data: Array, columns: Array, known: Range) -> Array:
    """What the channels of x that leave add to each sum; those that are not constant meet weights of zero: (out,)."""
    if x.quantization is None:
        raise ValueError(f"{x.name} has no codes")
    weights = data[..., ~columns].astype(np.int64)
    weights = weights.reshape(len(data), -1, weights.shape[-1]).sum(1)
    return np.asarray(weights @ (known.low - x.quantization.zero_point)[~columns])


def _with_rows(value: Value, data: Array, rows: Array) -> Value:
    """A weight or bias with new data of only some outputs."""
    quantization = value.quantization
    if quantization is not None and len(quantization.scales) == len(rows) > 1:
        scales = tuple(scale for scale, stays in zip(quantization.scales, rows, strict=True) if stays)
        quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
    return replace(value, shape=data.shape, data=data, quantization=quantization)
