"""Parts, gaps and comparisons of rows in a sketch: `_Notes` of `compiler.sketch` calls these in place of torch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from smidgen.compiler import _sketch_recurrent
from smidgen.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smidgen.compiler.sketch import _Notes


def _named(notes: _Notes, one: Tensor, rank: int) -> str:
    """The name of a value, or of the constant that a tensor is beside values of `rank` axes."""
    return notes.names.get(id(one)) or notes.constant(one, rank)


def _item(notes: _Notes, x: Tensor, index: Any) -> Tensor:
    """Some of the places along the axes behind the batch; an axis of one place, by its number, goes."""
    if id(x) not in notes.names:  # of a constant
        return x[index]
    if not isinstance(index, tuple):
        part: Tensor = _sketch_recurrent.FUNCTIONS["__getitem__"](notes, x, index)
        return part
    if index[:1] != (slice(None),) or x.ndim > 3 or not all(isinstance(one, int | slice) for one in index):
        raise Unsupported("a part of a tensor", "The price before training", "It knows slices of rows and sequences")
    wanted = [*index[1:], *[slice(None)] * (x.ndim - len(index))]
    places = [
        range(size)[one] if isinstance(one, slice) else range(size)[one : one + 1 or None]
        for one, size in zip(wanted, x.shape[1:], strict=True)
    ]
    form = {"begin": tuple(each.start for each in places), "size": tuple(map(len, places))}
    stride = tuple(each.step for each in places)
    made = notes.add("slice", [notes.names[id(x)]], (1, *form["size"]), **form, stride=stride)
    kept = [len(each) for each, one in zip(places, wanted, strict=True) if isinstance(one, slice)]
    return made if len(kept) == len(places) else notes.add("reshape", [notes.names[id(made)]], (1, *kept))


def _unsqueeze(notes: _Notes, x: Tensor, dim: int) -> Tensor:
    axis = dim % (x.ndim + 1)
    return notes.add("reshape", [notes.names[id(x)]], (*x.shape[:axis], 1, *x.shape[axis:]))


def _is_nan(notes: _Notes, x: Tensor) -> Tensor:
    """What is no number does not equal itself."""
    same = notes.add("equal", [notes.names[id(x)]] * 2, tuple(x.shape))
    one = _named(notes, torch.ones(1), x.ndim)
    return notes.add("sub", [one, notes.names[id(same)]], tuple(x.shape), activation="none")


def _where(notes: _Notes, condition: Tensor, one: Tensor, other: Tensor) -> Tensor:
    shape = np.broadcast_shapes(tuple(condition.shape), tuple(one.shape), tuple(other.shape))
    return notes.add("where", [_named(notes, each, len(shape)) for each in (condition, one, other)], shape)


def _equal(notes: _Notes, one: Tensor, other: Tensor) -> Tensor:
    shape = np.broadcast_shapes(tuple(one.shape), tuple(other.shape))
    return notes.add("equal", [_named(notes, each, len(shape)) for each in (one, other)], shape)


def _clamp(notes: _Notes, x: Tensor, low: float, high: float) -> Tensor:
    """Of floats; the range of codes is part of their scale."""
    if notes.bits < 32:
        return notes.alias(x)
    return notes.add("clip", [notes.names[id(x)]], tuple(x.shape), low=float(low), high=float(high))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "__getitem__": _item,
    "unsqueeze": _unsqueeze,
    "isnan": _is_nan,
    "where": _where,
    "eq": _equal,
    "clamp": _clamp,
}
