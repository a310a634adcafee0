"""Arrays whose elements lie at regular distances: what transposing, slicing, repeating and broadcasting share."""

from collections.abc import Sequence
from math import prod

import numpy as np

from smidgen.compiler.ir import Value
from smidgen.compiler.ops._writer import Writer, c_type, short

Axes = list[tuple[int, ...]]  # of each axis: its size, and the step of each operand along it


def steps(shape: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis of an array lie that has no gaps."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def repeated(value: Sequence[int], whole: Sequence[int]) -> list[int]:
    """The same along the axes of a larger shape, to which it is broadcast; further axes of size 1 do not count."""
    own = ((1,) * len(whole) + tuple(value))[len(value) :] if whole else ()
    return [step if size > 1 else 0 for step, size in zip(steps(own), own, strict=True)]


def merged(sizes: Sequence[int], *operands: Sequence[int]) -> Axes:
    """As few axes as do: neighbours become one where all operands go through both in one stride."""
    axes: Axes = []
    for size, *own in zip(sizes, *operands, strict=True):
        if size == 1:
            continue
        if axes and list(axes[-1][1:]) == [step * size for step in own]:
            axes[-1] = (axes[-1][0] * size, *own)
        else:
            axes.append((size, *own))
    return axes or [(1, *(0 for _ in operands))]


def tables(writer: Writer, axes: Axes) -> tuple[int, int, list[str]]:
    """Rows and rank of arrays, and the tables of sizes and of the steps of each operand."""
    rows = prod(size for size, *_ in axes[:-1])
    labels = ["size", *(f"step_{index}" for index in range(len(axes[0]) - 1))]
    columns = zip(*axes, strict=True)
    made = [writer.table(label, np.array(column), "int32") for label, column in zip(labels, columns, strict=True)]
    return rows, len(axes), made


def copy(writer: Writer, x: Value, y: Value, start: int, own: Sequence[int]) -> str:
    """The statement that copies the elements of x from `start` on, so far apart along the axes of y."""
    name = short(x.dtype)
    rows, rank, (size, step) = tables(writer, merged(y.shape, own))
    writer.kernel("_strided.c", "row_start")
    writer.kernel("_strided.c", "copy", name=name, X=c_type(x.dtype))
    source = f"{writer.read(x)} + {start}" if start else writer.read(x)
    return f"move_{name}({source}, {writer.at(y)}, {rows}, {rank}, {size}, {step});"
