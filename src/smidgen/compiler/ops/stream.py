"""Several operations run row by row, with no more than a few rows of the values between them: passes/stream.py.

Attributes: `steps`, in order; `values`, all that they use; `rings`, the rows kept of each inner value; `row_scratch`,
the largest of the steps; `lag`, of the output behind inputs, for the planner. Its scratch holds the rings, then the
sums of a mean that ends it, then the scratch of a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _pool, _rows
from smidgen.compiler.ops._writer import Values, Writer

ALIGNMENT = 8


def memory(operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
    """As the pass that made it has found."""
    return Memory(operation.attributes["lag"], scratch_bytes(operation.attributes))


def scratch_bytes(attributes: Mapping[str, Any]) -> int:
    """Rings, sums and the scratch of a row."""
    *_, end = _layout(attributes).values()
    return end + int(attributes["row_scratch"])


def _layout(attributes: Mapping[str, Any]) -> dict[str, int]:
    """Where in the scratch the ring of each inner value begins, the sums "" and, last, the scratch of a row "row"."""
    offsets, end = {}, 0
    for name, kept in attributes["rings"].items():
        offsets[name] = end
        end += -(-kept * _rows.row_bytes(attributes["values"][name]) // 4) * 4
    last = attributes["steps"][-1]
    offsets[""] = end
    if _pool.is_total(last, attributes["values"]):
        end += 4 * attributes["values"][last.inputs[0]].shape[-1]
    return offsets | {"row": -(-end // ALIGNMENT) * ALIGNMENT}


def emit(writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
    """One call, a stage for each step; two for a mean, which sums and then divides."""
    attributes = operation.attributes
    values, base = attributes["values"], writer.scratch or 0
    layout = {name: base + offset for name, offset in _layout(attributes).items()}
    steps: Sequence[Operation] = attributes["steps"]
    sources = [value for value in given if value is not None and value.data is None]
    numbers: dict[str, int] = {}
    stages: list[str] = []
    bands: list[str] = []
    total = _pool.is_total(steps[-1], values)
    for number, value in enumerate(sources, len(steps) + total):
        numbers[value.name] = number
    for step in steps[: len(steps) - total]:
        inputs, (made,) = [values.get(name) for name in step.inputs], [values[name] for name in step.outputs]
        found = _row(writer, step, inputs, made)
        first, *second = [numbers[value.name] for value in _rows.computed(inputs)]
        numbers[made.name] = len(stages)
        stages.append(_rows.stage(writer, found, _rows.window(step, inputs), (first, second[0] if second else 255)))
        ring = made.name in attributes["rings"]
        place = layout[made.name] if ring else writer.offsets[made.name]
        bands.append(_rows.band(writer, made, place, attributes["rings"][made.name] if ring else made.shape[0]))
    if total:
        _total(writer, steps[-1], values, numbers, stages, bands, layout[""])
    bands += [_rows.band(writer, value, writer.offsets[value.name], value.shape[0]) for value in sources]
    return _rows.run(writer, stages, bands, len(sources), f"a + {layout['row']}")


def _row(writer: Writer, step: Operation, given: Values, made: Value) -> _rows.Row:
    outer, writer.step = writer.step, f"{writer.step}_{step.kind}_{len(writer.constants)}"
    found: _rows.Row = writer.find(step, given, [made]).row(writer, step, given, [made])
    writer.step = outer
    return found


def _total(
    writer: Writer,
    step: Operation,
    values: Mapping[str, Value],
    numbers: dict[str, int],
    stages: list[str],
    bands: list[str],
    place: int,
) -> None:
    """The stages of a mean: one adds row after row to sums, the other takes the last sums."""
    x, y = values[step.inputs[0]], values[step.outputs[0]]
    rows, channels, number = x.shape[0], x.shape[-1], len(stages)
    summing, dividing = _pool.total(writer, step, x, y)
    sums = replace(x, name=f"{x.name}_sums", shape=(rows, 1, channels), dtype="int32" if x.quantization else "float32")
    stages.append(_rows.stage(writer, summing, _rows.Window(), (numbers[x.name], number)))
    bands.append(_rows.band(writer, sums, place, 1))
    stages.append(_rows.stage(writer, dividing, _rows.Window(top=1 - rows), (number, _rows.NO_BAND)))
    whole = replace(y, shape=(1, 1, channels))
    bands.append(_rows.band(writer, whole, writer.offsets[y.name], 1))
    numbers[y.name] = number + 1
