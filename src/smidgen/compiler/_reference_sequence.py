"""What the operations on sequences compute, in numpy: a part of `compiler.reference`.

Slices and sums, products of matrices, softmax over rows, normalisation, look-up and resizing.
Arrays have the batch first, constants have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.compiler import normalising, resizing
from smidgen.compiler.arithmetic import limits, requantize

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.compiler._reference_step import Step
    from smidgen.types import Array

BINARY: dict[str, Callable[..., Any]] = {
    "div": np.divide,
    "equal": np.equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "pow": np.power,
}


def _operands(step: Step, arrays: tuple[Array, ...]) -> list[Array]:
    """Operands that broadcast: the batch stands in front of as many axes as the output has."""
    rank = len(step.y.shape)
    shaped = []
    for position, array in enumerate(arrays):
        value = step.value(position)
        batch = () if value.data is not None else (len(array),)
        shaped.append(array.reshape((*batch, *[1] * (rank - len(value.shape)), *value.shape)))
    return shaped


def _binary(step: Step, *arrays: Array) -> Array:
    """Of floats; a comparison gives 0 or 1."""
    with np.errstate(all="ignore"):
        return np.asarray(BINARY[step.kind](*_operands(step, arrays)), np.float32)


def _where(step: Step, *arrays: Array) -> Array:
    condition, a, b = _operands(step, arrays)
    return np.where(condition != 0, a, b)


def _slice(step: Step, x: Array) -> Array:
    begin, size, stride = (step.attributes[name] for name in ("begin", "size", "stride"))
    for axis, (first, count, by) in enumerate(zip(begin, size, stride, strict=True), 1):
        x = x.take(first + by * np.arange(count), axis)
    return x


def _spread(step: Step, x: Array) -> Array:
    zero = 0 if step.value(0).quantization is None else step.scaling(0).zero_point
    down, across = step.attributes["stride"]
    y = np.full((len(x), *step.y.shape), zero, x.dtype)
    y[:, ::down, ::across] = x
    return y


def _sum(step: Step, x: Array) -> Array:
    sums = step.shifted(0, x).sum(axis=_axes(step))
    return step.rounding.mean(step, sums, 1) if step.integer else np.asarray(sums)


def _axes(step: Step) -> tuple[int, ...]:
    return tuple(axis + 1 for axis in step.attributes["axes"])


def _matmul(step: Step, *arrays: Array) -> Array:
    ordered = []
    for position, name in enumerate(("a_order", "b_order")):
        batched = arrays[position] if step.value(position).data is None else arrays[position][np.newaxis]
        order = (0, *(axis + 1 for axis in step.attributes[name]))
        ordered.append(step.shifted(position, batched).transpose(order))
    sums = np.matmul(*ordered)
    return step.rounding.mul(step, sums, np.ones((), np.int64)) if step.integer else np.asarray(sums)


def _layer_norm(step: Step, x: Array, weight: Array | None, bias: Array | None) -> Array:
    count = x.shape[-1]
    if not step.integer:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt(variance + np.float32(step.attributes["epsilon"]))
        scaled = normal if weight is None else normal * weight
        return np.asarray(scaled if bias is None else scaled + bias)
    codes = x.astype(np.int64)
    differences = count * codes - codes.sum(axis=-1, keepdims=True)
    squares = (differences * differences).sum(axis=-1, keepdims=True).astype(np.float32)
    added = np.float32(normalising.spread(step.scaling(0), count, step.attributes["epsilon"]))
    inverse = np.float32(1) / np.sqrt(squares / np.float32(count) + added)
    gain, offset = normalising.gains(step.target, count, weight, bias)
    rounded = np.floor(differences.astype(np.float32) * inverse * gain + offset + np.float32(0.5))
    return np.asarray(np.clip(np.nan_to_num(rounded).astype(np.float64), *limits(step.y)))


def _embedding(step: Step, indices: Array, table: Array) -> Array:
    """An index beyond the table takes its nearest row, as the C does."""
    rows = np.clip(indices, 0, len(table) - 1)
    scaling = step.value(1).quantization
    if step.integer or scaling is None:
        return np.asarray(table[rows])
    scales = np.broadcast_to(np.asarray(scaling.scales, np.float32), (len(table),))
    return np.asarray(table[rows].astype(np.float32) * scales[rows][..., np.newaxis])


def _scatter(step: Step, places: Array, constants: Array) -> Array:
    """The last of several at one place; those beyond the row are left out, as the C does."""
    size = step.y.count
    y = np.zeros((len(places), size + 1), np.float32)
    flat = places.reshape(len(places), -1).astype(np.int64)
    inside = np.where((flat >= 0) & (flat < size), flat, size)
    for column, constant in enumerate(constants):
        y[np.arange(len(y)), inside[:, column]] = constant
    return y[:, :size].reshape(len(y), *step.y.shape)


def _resize(step: Step, x: Array) -> Array:
    form = {name: step.attributes[name] for name in ("mode", "align_corners", "half_pixel")}
    sizes = zip(x.shape[1:3], step.y.shape[:2], strict=True)
    places = [resizing.positions(before, after, **form) for before, after in sizes]
    if form["mode"] == "nearest":
        return x.take(places[0].astype(int), 1).take(places[1].astype(int), 2)
    mixed = step.shifted(0, x)
    for axis, along in enumerate(places, 1):
        low, high, weights = resizing.neighbours(along, x.shape[axis])
        above = resizing.fixed(weights).astype(np.int64) if step.integer else weights
        below = (2**resizing.WEIGHT_BITS if step.integer else np.float32(1)) - above
        shape = (-1, 1, 1) if axis == 1 else (-1, 1)
        mixed = mixed.take(low, axis) * below.reshape(shape) + mixed.take(high, axis) * above.reshape(shape)
    if not step.integer:
        return np.asarray(mixed)
    rounded = requantize(mixed, *resizing.multiplier(step.scaling(0), step.target))
    return step.clamped(rounded, limits(step.y))


def _band_powers(step: Step, x: Array, window: Array, weight: Array) -> Array:
    """Weighted sums of the powers of windowed Fourier transforms, (batch, frames, bands)."""
    size, frames = window.size, step.y.count // len(weight)
    samples = np.asarray(x, np.float32).reshape(len(x), -1)
    starts = step.attributes["step"] * np.arange(frames)
    spectrum = np.fft.rfft(samples[:, starts[:, None] + np.arange(size)] * window.ravel())
    powers = spectrum.real**2 + spectrum.imag**2
    return np.asarray(powers @ weight.T, np.float32).reshape(len(x), *step.y.shape)


WHOLE: dict[str, Callable[..., Any]] = {"add": np.add, "mul": np.multiply, "mod": np.mod}


def _whole(step: Step, a: Array, b: Array) -> Array:
    """Of int32, which wrap around."""
    return np.asarray(WHOLE[step.attributes["function"]](a, b), np.int32)


KINDS: dict[str, Callable[..., Array]] = {
    **dict.fromkeys(BINARY, _binary),
    "band_powers": _band_powers,
    "embedding": _embedding,
    "scatter": _scatter,
    "expand": lambda step, x: np.broadcast_to(x, (len(x), *step.y.shape)),
    "layer_norm": _layer_norm,
    "matmul": _matmul,
    "max": lambda step, x: x.max(axis=_axes(step)),
    "min": lambda step, x: x.min(axis=_axes(step)),
    "resize": _resize,
    "slice": _slice,
    "spread": _spread,
    "sum": _sum,
    "where": _where,
    "whole": _whole,
}
