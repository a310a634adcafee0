"""Probabilities from logits, along the last axis: of floats, or of codes, as ONNX files or LiteRT have them."""

from collections.abc import Sequence

from smidgen.compiler import arithmetic, normalising
from smidgen.compiler._fixed_point import LOGIT, headroom
from smidgen.compiler.ir import Operation, Quantization, Value
from smidgen.compiler.ops._elementwise import names, present
from smidgen.compiler.ops._elementwise import overwrite as memory
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._writer import Values, Writer
from smidgen.errors import Unsupported

__all__ = ["emit", "memory"]


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call."""
    (x,), (y,) = present(given), wanted
    sizes = f"{x.count // x.shape[-1]}, {x.shape[-1]}"
    if (x.dtype, y.dtype) == ("float32", "float32"):
        writer.kernel("softmax.c", "softmax")
        return f"softmax({writer.read(x)}, {writer.at(y)}, {sizes});"
    if (x.dtype, y.dtype) == ("int32", "float32") and arithmetic.scaling(x).scale == LOGIT:
        writer.kernel("softmax.c", "exp", "shares")
        return f"softmax_shares({writer.read(x)}, {writer.at(y)}, {sizes}, {headroom(x.shape[-1])});"
    if operation.rounding == "onnx" and x.quantization is not None and y.quantization is not None:
        return _of_table(writer, x, y, (x.quantization, y.quantization), sizes)
    if (x.dtype, y.dtype, operation.rounding) != ("int8", "int8", "litert"):
        what_can = "It takes float32, the codes of an ONNX file or the int8 of a .tflite file"
        raise Unsupported(f"{operation.name}, softmax of {x.dtype} {x.shape}", "The target c", what_can)
    writer.kernel("_common.c", "requantize")
    writer.kernel("softmax.c", "exp", "fixed")
    scaling = ", ".join(map(str, rules(operation).softmax_scaling(x)))
    return f"softmax_fixed({writer.read(x)}, {writer.at(y)}, {sizes}, {scaling});"


def _of_table(writer: Writer, x: Value, y: Value, scales: tuple[Quantization, Quantization], sizes: str) -> str:
    """The statement for codes in rounding "onnx": see `compiler.normalising`."""
    words, (source, target) = names(x, y), scales
    writer.kernel("_common.c", "clamp")
    writer.kernel("softmax.c", "of_table", **words)
    table = writer.table("exponentials", normalising.exponentials(source), "int32")
    fields = (*normalising.share(target), target.zero_point, *arithmetic.limits(y))
    numbers = ", ".join(map(str, fields))
    return f"softmax_{words['name']}({writer.read(x)}, {writer.at(y)}, {sizes}, {table}, {numbers});"
