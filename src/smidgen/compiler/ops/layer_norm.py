"""Mean 0 and variance 1 along the last axis, times one vector plus another (Ba et al. 2016, arXiv:1607.06450)."""

from collections.abc import Sequence

import numpy as np

from smidgen.compiler import arithmetic, normalising
from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._elementwise import coded, names
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._writer import Values, Writer, number
from smidgen.errors import Unsupported
from smidgen.types import Array

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x, weight, bias), (y,) = given, wanted
    if x is None or any(value is not None and value.data is None for value in (weight, bias)):
        raise Unsupported(operation.name, "The target c", "The vectors of a normalisation must be constants")
    count, epsilon = x.shape[-1], float(operation.attributes["epsilon"])
    data = [None if value is None else value.data for value in (weight, bias)]
    sizes = f"{writer.read(x)}, {writer.at(y)}, {x.count // count}, {count}"
    if not coded(operation, x, y) or x.quantization is None or y.quantization is None:
        gain, offset = (
            np.full(count, default) if one is None else one for one, default in zip(data, (1.0, 0.0), strict=True)
        )
        vectors = _vectors(writer, gain, offset)
        writer.kernel("layer_norm.c", "floats")
        return f"layer_norm({sizes}, {vectors}, {number(epsilon)});"
    words = names(x, y)
    vectors = _vectors(writer, *normalising.gains(y.quantization, count, *data))
    writer.kernel("_common.c", "clampf")
    writer.kernel("layer_norm.c", "codes", **words)
    limits = ", ".join(number(float(limit)) for limit in arithmetic.limits(y))
    added = number(normalising.spread(x.quantization, count, epsilon))
    return f"layer_norm_{words['name']}({sizes}, {vectors}, {added}, {limits});"


def _vectors(writer: Writer, gain: Array, offset: Array) -> str:
    return f"{writer.table('gain', gain, 'float32')}, {writer.table('offset', offset, 'float32')}"
