"""An image in another size: the nearest pixel for each, or a mixture of the four around it."""

from collections.abc import Sequence

from smidgen.compiler import arithmetic, resizing
from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._elementwise import coded, names, present
from smidgen.compiler.ops._rounding import requantize
from smidgen.compiler.ops._writer import Values, Writer, number
from smidgen.errors import Unsupported
from smidgen.types import Array


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """Pixels are read again and again."""
    return Memory()


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    form = {name: operation.attributes[name] for name in ("mode", "align_corners", "half_pixel")}
    places = [resizing.positions(x.shape[axis], y.shape[axis], **form) for axis in range(2)]
    if form["mode"] == "nearest":
        return _nearest(writer, x, y, places)
    if operation.rounding != "onnx" and y.quantization is not None:
        raise Unsupported(f"{operation.name}, bilinear resizing", "The target c", "Of codes it has that of ONNX files")
    tables = [
        table
        for axis, labels in enumerate((("top", "bottom", "down"), ("left", "right", "across")))
        for table in _between(writer, labels, places[axis], x.shape[axis], codes=y.quantization is not None)
    ]
    sizes: list[int | float | str] = [*y.shape, x.shape[1], *tables]
    return _bilinear(writer, operation, x, y, sizes)


def _between(writer: Writer, labels: Sequence[str], places: Array, size: int, *, codes: bool) -> list[str]:
    """The tables of the places before and behind each place of the output, and of how much the second counts."""
    low, high, weights = resizing.neighbours(places, size)
    exact, dtype = (resizing.fixed(weights), "int32") if codes else (weights, "float32")
    columns = ((low, "int32"), (high, "int32"), (exact, dtype))
    return [writer.table(label, data, dtype) for label, (data, dtype) in zip(labels, columns, strict=True)]


def _nearest(writer: Writer, x: Value, y: Value, places: Sequence[Array]) -> str:
    """Pixels are copied; rows and columns say which."""
    rows, columns = (
        writer.table(label, along, "int32") for label, along in zip(("rows", "columns"), places, strict=True)
    )
    writer.kernel("resize.c", "nearest")
    pixel = x.shape[2] * BITS[x.dtype] // 8
    sizes = f"{y.shape[0]}, {y.shape[1]}, {x.shape[1]}, {pixel}"
    return f"resize_nearest({writer.read(x)}, {writer.at(y)}, {sizes}, {rows}, {columns});"


def _bilinear(writer: Writer, operation: Operation, x: Value, y: Value, sizes: Sequence[int | float | str]) -> str:
    words, value, one, zero = {**names(x, y), "A": "float"}, "v", "1", 0
    if coded(operation, x, y) and x.quantization is not None and y.quantization is not None:
        writer.kernel("_common.c", "clamp")
        scaling = ", ".join(map(number, resizing.multiplier(x.quantization, y.quantization)))
        limits = ", ".join(map(str, arithmetic.limits(y)))
        value = f"clamp({requantize(writer, operation)}(v, {scaling}) + ({y.quantization.zero_point}), {limits})"
        words |= {"A": "int32_t", "name": writer.step}
        one, zero = str(2**resizing.WEIGHT_BITS), x.quantization.zero_point
    writer.kernel("resize.c", "bilinear", **words, VALUE=value, ONE=one, ZERO=str(zero))
    layer = writer.layer(f"resize_layer_{words['name']}", [sizes])
    return f"resize_bilinear_{words['name']}({layer}, {writer.read(x)}, {writer.at(y)});"
