"""Look-up and hashing in a sketch: `_Notes` of `compiler.sketch` calls these functions in place of those of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from smidgen.compiler.ir import Operation, Quantization, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smidgen.compiler.sketch import _Notes

SCALE = 2.0**-4  # of a table: any will do


def _operation(
    notes: _Notes, kind: str, inputs: Sequence[str], shape: tuple[int, ...], dtype: str, **attributes: Any
) -> Tensor:
    """One more operation; `shape` has the batch."""
    name = f"{kind}_{len(notes.operations)}"
    tensor = torch.zeros(1).expand(*shape)
    codes = Quantization((SCALE,), (128,)) if dtype == "uint8" else None
    notes.record(tensor, Value(name, dtype, shape[1:], codes))
    notes.operations.append(Operation(kind, name, tuple(inputs), (name,), attributes))
    return tensor


def _constant(notes: _Notes, shape: tuple[int, ...], dtype: str) -> str:
    """An array of made up integers, each as likely as any other."""
    name, count = f"constant_{len(notes.values)}", int(np.prod(shape))
    data = np.resize(np.arange(1, 256), count).astype(dtype).reshape(shape)
    notes.values[name] = Value(name, dtype, shape, None, data)
    return name


def _real(notes: _Notes) -> str:
    """The type of what is not whole: codes, where the network has codes."""
    return "float32" if notes.bits == 32 else "uint8"


def _embedding(notes: _Notes, indices: Tensor, weight: Tensor, *_: Any, **__: Any) -> Tensor:
    """Rows of a table: of integers as they are, of floats as codes where the network has codes."""
    whole = not weight.is_floating_point()
    dtype = "int32" if whole else _real(notes)
    table = _constant(notes, tuple(weight.shape), dtype)
    shape = (*indices.shape, weight.shape[1])
    return _operation(notes, "embedding", [notes.names[id(indices)], table], shape, dtype)


def _places(notes: _Notes, raw: Tensor, codes: Tensor, orders: Sequence[int], rows: int) -> Tensor:  # noqa: ARG001
    """`families._ngrams.places`: a look-up, and for each order a slice, a product, another slice and a sum."""
    time = raw.shape[1]
    x = notes.alias(_embedding(notes, raw, codes), (1, time))
    x = _operation(notes, "reshape", [notes.names[id(x)]], (1, time), "int32")
    hashes, found = x, list[str]()
    for order in range(2, max(orders) + 1):
        shape = (1, time - order + 1)
        turned = _slice(notes, hashes, 0, shape)
        factor, name = _constant(notes, (1,), "int32"), notes.names[id(turned)]
        turned = _operation(notes, "whole", [name, factor], shape, "int32", function="mul")
        pair = [notes.names[id(turned)], notes.names[id(_slice(notes, x, order - 1, shape))]]
        hashes = _operation(notes, "whole", pair, shape, "int32", function="add")
        found += [notes.names[id(hashes)]] if order in orders else []
    total = sum(time - order + 1 for order in orders)
    whole = _operation(notes, "concat", found, (1, total), "int32", axis=0)
    inputs = [notes.names[id(whole)], _constant(notes, (1,), "int32")]
    return _operation(notes, "whole", inputs, (1, total), "int32", function="mod")


def _slice(notes: _Notes, x: Tensor, begin: int, shape: tuple[int, ...]) -> Tensor:
    attributes = {"begin": (begin,), "size": shape[1:], "stride": (1,)}
    return _operation(notes, "slice", [notes.names[id(x)]], shape, "int32", **attributes)


def _sum(notes: _Notes, x: Tensor, dim: int = 1, *_: Any, **__: Any) -> Tensor:
    """Along one axis; of rows as one number."""
    shape = tuple(size for axis, size in enumerate(x.shape) if axis != dim) if x.ndim > 2 else (1, 1)
    return notes.add("sum", [notes.names[id(x)]], shape, axes=(dim - 1,))


def _layer_norm(notes: _Notes, x: Tensor, shape: Sequence[int], *_: Any, **__: Any) -> Tensor:
    """Over channels, which are last, with two vectors of floats; (1, 1, time, channels)."""
    (depth,), time, dtype = shape, x.shape[2], _real(notes)
    rows = _operation(notes, "reshape", [notes.names[id(x)]], (1, time, depth), dtype)
    inputs = [notes.names[id(rows)], *(_constant(notes, (depth,), "float32") for _ in range(2))]
    normal = _operation(notes, "layer_norm", inputs, (1, time, depth), dtype, epsilon=1e-5)
    return _operation(notes, "reshape", [notes.names[id(normal)]], (1, 1, time, depth), dtype)


def _attend(notes: _Notes, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """`families.transformer.attend`: two products of matrices with a softmax between them."""
    depth, time, dtype = q.shape[1] // heads, q.shape[3], _real(notes)
    rows = (1, time, heads, depth)
    q, k, v = (_operation(notes, "reshape", [notes.names[id(one)]], rows, dtype) for one in (q, k, v))
    orders: dict[str, Any] = {"a_order": (1, 0, 2), "b_order": (1, 2, 0)}
    fit = _operation(notes, "matmul", [notes.names[id(one)] for one in (q, k)], (1, heads, time, time), dtype, **orders)
    fit = _operation(notes, "softmax", [notes.names[id(fit)]], (1, heads, time, time), dtype)
    orders = {"a_order": (0, 1, 2), "b_order": (1, 0, 2)}
    made = _operation(
        notes, "matmul", [notes.names[id(one)] for one in (fit, v)], (1, heads, time, depth), dtype, **orders
    )
    made = _operation(notes, "transpose", [notes.names[id(made)]], rows, dtype, order=(1, 0, 2))
    made = _operation(notes, "reshape", [notes.names[id(made)]], (1, 1, time, heads * depth), dtype)
    return notes.alias(made, (1, heads * depth, 1, time))


def _placed(notes: _Notes, x: Tensor, _: Tensor) -> Tensor:
    """`families.transformer.placed`: an addition of floats."""
    shape = (1, 1, x.shape[3], x.shape[1])
    names = [notes.names[id(x)], _constant(notes, shape[1:], "float32")]
    if notes.bits < 32:
        names[0] = notes.names[id(_operation(notes, "dequantize", names[:1], shape, "float32"))]
    made = _operation(notes, "add", names, shape, "float32", activation="none")
    if notes.bits < 32:
        made = _operation(notes, "quantize", [notes.names[id(made)]], shape, "uint8")
    return notes.alias(made, tuple(x.shape))


def _int(notes: _Notes, x: Tensor) -> Tensor:
    """Codes are whole numbers already."""
    return notes.alias(x)


FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "attend": _attend,
    "embedding": _embedding,
    "int": _int,
    "layer_norm": _layer_norm,
    "placed": _placed,
    "places": _places,
    "sum": _sum,
}
