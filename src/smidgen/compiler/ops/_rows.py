"""Operations that work row by row: each has a row kernel, and a loop over rows makes a whole tensor with it.

A row kernel makes one row, (width, channels), of its output from the rows of its input that its windows cover
(`row_kernel` in stream.c). That loop is a stream of a single stage; `stream.py` runs several as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from smidgen.compiler.ir import BITS, Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops._writer import INDENT, Values, Writer
from smidgen.errors import Unsupported

NO_BAND = 255
LIMITS = {"count": 255, "dilation": 255, "stride": 2**15 - 1, "top": 2**15 - 1}


@dataclass(frozen=True)
class Row:
    """A row kernel as it is called: its name, and the C expression of the address of its layer's description."""

    function: str
    layer: str


@dataclass(frozen=True)
class Window:
    """The rows that row `at` of an output needs: at * stride - top + k * dilation, k < count."""

    count: int = 1
    dilation: int = 1
    stride: int = 1
    top: int = 0


def window(operation: Operation, given: Values) -> Window:
    """The rows of the first input that a row of the output needs; of a second one it is the row of the same number."""
    attributes = operation.attributes
    if operation.kind == "conv2d" and given[1] is not None:
        count = given[1].shape[1]
    elif "kernel" in attributes:
        count = attributes["kernel"][0]
    else:
        return Window()
    top = attributes.get("padding", (0, 0, 0, 0))[0]
    return Window(count, attributes.get("dilation", (1, 1))[0], attributes.get("stride", (1, 1))[0], top)


def computed(given: Values) -> list[Value]:
    """The inputs of an operation that are not constants."""
    return [value for value in given if value is not None and value.data is None]


def as_one_row(operation: Operation, given: Values, wanted: Sequence[Value]) -> tuple[list[Value | None], Value] | None:
    """Inputs and output as rows of one pixel after the other, where each pixel comes from the pixel at its place."""
    (y,), first, pixels = wanted, window(operation, given), operation.kind == "conv2d"
    if pixels:
        weight = given[1]
        plain = weight is not None and weight.shape[1:3] == (1, 1) and not any(operation.attributes.get("padding", ()))
        if not plain or tuple(operation.attributes.get("stride", (1, 1))) != (1, 1):
            return None
    elif first != Window() or "kernel" in operation.attributes:
        return None
    values = [None if value is None else _row(value, pixels) if value.data is None else value for value in given]
    return values, _row(y, pixels)


def _row(value: Value, pixels: bool) -> Value:
    """A value as one row, of pixels or whatever there is."""
    shape = (value.shape[0] * value.shape[1], value.shape[2]) if pixels else value.shape
    return replace(value, shape=(1, *shape))


def lag(operation: Operation, given: Values, wanted: Sequence[Value], gathered: bool = False) -> int:
    """How many bytes before its first input the output must begin, for it to overwrite nothing that is still read.

    Args:
        operation: one that works row by row.
        given: its inputs.
        wanted: its output.
        gathered: its kernel reads all of a pixel, of a row of pixels each by itself, before it writes any of it.
    """
    x, (y,), one = computed(given)[0], wanted, as_one_row(operation, given, wanted)
    if one:
        pixels = one[1].shape[1]
        pixel_x, pixel_y = x.bytes // pixels, y.bytes // pixels
        return max(0, (pixels - 1) * (pixel_y - pixel_x)) + (max(0, pixel_y - pixel_x) if gathered else pixel_y)
    first, row_x, row_y = window(operation, given), row_bytes(x), row_bytes(y)
    read = (max(0, at * first.stride - first.top) * row_x for at in range(y.shape[0]))
    return max((at + 1) * row_y - start for at, start in enumerate(read))


def row_bytes(value: Value) -> int:
    """Bytes of one row."""
    return prod(value.shape[1:]) * BITS[value.dtype] // 8


def memory(
    operation: Operation, given: Values, wanted: Sequence[Value], scratch_bytes: int = 0, gathered: bool = False
) -> Memory:
    """Of a whole tensor made row by row: it may follow its first input; see `lag`."""
    return Memory({0: lag(operation, given, wanted, gathered)}, scratch_bytes)


def row_scratch(operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
    """Bytes that a row kernel needs beside its rows: none, for most."""
    return 0


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """The statement that makes a whole tensor with the operation's row kernel."""
    row = writer.find(operation, given, wanted).row
    (y,), one = wanted, as_one_row(operation, given, wanted)
    if one:
        values, flat = one
        return call(writer, row(writer, operation, values, [flat]), computed(given), y)
    sources = computed(given)
    bands = [band(writer, y, writer.offsets[y.name], y.shape[0])]
    bands += [band(writer, x, writer.offsets[x.name], x.shape[0]) for x in sources]
    second = 2 if len(sources) > 1 else NO_BAND
    found = row(writer, operation, given, wanted)
    return run(writer, [stage(writer, found, window(operation, given), (1, second))], bands, len(sources))


def call(writer: Writer, found: Row, sources: Sequence[Value], y: Value) -> str:
    """The statement that makes everything as one row."""
    _use(writer)
    rows = ", ".join(writer.read(value) for value in sources)
    lines = (
        f"const void *const rows[] = {{{rows}}};",
        f"{found.function}({found.layer}, rows, {writer.at(y)}, {writer.room()});",
    )
    return "{\n" + "".join(f"{INDENT * 2}{line}\n" for line in lines) + INDENT + "}"


def band(writer: Writer, value: Value, offset: int, kept: int) -> str:
    """A line of the table of bands."""
    if value.shape[0] >= LIMITS["top"]:
        raise Unsupported(f"{value.name}, {value.shape[0]} rows", "The target c", f"It takes {LIMITS['top'] - 1}")
    writer.flash_bytes += 12
    return f"{{{offset}, {row_bytes(value)}, {kept}, {value.shape[0]}}}"


def stage(writer: Writer, found: Row, rows: Window, sources: tuple[int, int]) -> str:
    """A line of the table of stages; `sources` are the numbers of the bands that it reads."""
    for name, most in LIMITS.items():
        if abs(getattr(rows, name)) > most:
            raise Unsupported(
                f"{writer.step}, a window with {name} {getattr(rows, name)}", "The target c", f"At most {most}"
            )
    writer.most_rows = max(writer.most_rows, rows.count + 1)
    writer.flash_bytes += 16
    x, second = sources
    numbers = f"{x}, {second}, {rows.count}, {rows.dilation}, {rows.stride}, {rows.top}"
    return f"{{{found.function}, {found.layer}, {numbers}}}"


def run(writer: Writer, stages: Sequence[str], bands: Sequence[str], inputs: int, room: str = "") -> str:
    """The statement that runs a stream, and its tables."""
    _use(writer)
    writer.kernel("stream.c", "stream")
    writer.most_bands = max(writer.most_bands, len(bands))
    for struct, rows in (("stage", stages), ("band", bands)):
        body = "".join(f"{INDENT}{row},\n" for row in rows)
        writer.constants.append(f"static const struct {struct} {writer.step}_{struct}s[] = {{\n{body}}};\n")
    tables = f"{writer.step}_stages, {writer.step}_bands"
    return f"stream({tables}, {len(stages)}, {inputs}, a, {room or writer.room()});"


def _use(writer: Writer) -> None:
    writer.kernel("stream.c", "row_kernel")
