"""Makes one operation, a stream, of several that work row by row, where that lets the arena be smaller.

A stream keeps a few rows of the values between its operations instead of all (`rings.py`), as in Alwani et al. 2016,
"Fused-layer CNN accelerators", but without computing anything twice. It is slower where a kernel has a faster way to
make a whole tensor than row by row, so no more is streamed than the arena is worth.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from math import inf
from typing import Any

from smidgen.compiler.ir import BITS, Operation, Program, Value
from smidgen.compiler.memory import (
    ALIGNMENT,
    SCRATCH_ALIGNMENT,
    Memory,
    Plan,
    lives_of,
    overwritable,
    plan,
    rounded,
    views_of,
)
from smidgen.compiler.ops._pool import is_total
from smidgen.compiler.ops._rows import LIMITS, NO_BAND, computed, row_bytes, window
from smidgen.compiler.packing import Item, lower_bound
from smidgen.compiler.passes.rings import bands, simulate

GAIN = 0.25  # of the arena: what streams must save where it is not said how small it must be, as they cost time
WORTH = 0.03  # of the arena: less is not worth a further stream

Finder = Callable[[Operation, Sequence[Value | None], Sequence[Value]], Any]


def stream(program: Program, kind_of: Finder, want: int | None = None) -> Program:
    """The program with streams in it; the same operations in the same order otherwise.

    Args:
        program: what the other passes have made.
        kind_of: the form of an operation in the set of kernels at hand, as `kernels.find` gives it; an operation whose
            form has `row` can be in a stream, and so can a mean over all rows and columns, as the last.
        want: the bytes that the arena may have, where so few operations as possible are streamed; where they are out of
            reach, as 0 is, the arena is made smallest, but for WORTH of it. If left out it is made smallest too, where
            that saves GAIN of it.
    """
    return planned(program, kind_of, want)[0]


def planned(program: Program, kind_of: Finder, want: int | None = None) -> tuple[Program, Plan]:
    """The same, with the plan of its memory."""
    forms = _Forms(program, kind_of)
    best = program, plan(program, forms.memory)
    whole = best[1].arena_bytes
    if want is not None and whole <= want:
        return best
    size = whole if want is not None else (1 - GAIN) * whole
    for peak, streamed in _streamed(program, forms, want, size):
        found = plan(streamed, forms.memory)
        if found.arena_bytes < size:
            best, size = (streamed, found), found.arena_bytes
        if size <= (peak if want is None else want):
            break
    return best


def _streamed(program: Program, forms: "_Forms", want: int | None, size: float) -> Iterator[tuple[float, Program]]:
    """Programs with ever more streams, if any can take less than `size`; and the bytes of the fullest step of each."""
    choice = _Choice(program, forms)
    if want is not None and (runs := choice.fewest(want)) is not None:
        yield want, choice.streamed(runs)
    least, known = choice.least(), None
    for peak in (least / (1 - WORTH), least) if least < size else ():
        if (runs := choice.fewest(peak) or []) != known:
            known = runs
            yield peak, choice.streamed(runs)


class _Forms:
    """What the kernels at hand make of the operations of a program, and of streams of them; each is asked for once."""

    def __init__(self, program: Program, kind_of: Finder) -> None:
        self.program, self.kind_of = program, kind_of
        self.kinds: dict[int, Any] = {}
        self.memories: dict[int, Memory] = {}

    def kind(self, operation: Operation) -> Any:
        """The form of an operation."""
        if id(operation) not in self.kinds:
            self.kinds[id(operation)] = self.kind_of(operation, *self.program.of(operation))
        return self.kinds[id(operation)]

    def memory(self, operation: Operation) -> Memory:
        """What it does with memory."""
        if id(operation) not in self.memories:
            self.memories[id(operation)] = self.kind(operation).memory(operation, *self.program.of(operation))
        return self.memories[id(operation)]

    def by_rows(self, operation: Operation) -> bool:
        """Whether an operation can be inside a stream."""
        return hasattr(self.kind(operation), "row") and self.on_images(operation) and self._fits(operation)

    def on_images(self, operation: Operation) -> bool:
        """Whether it makes one value of one or two images, of whole bytes."""
        given, wanted = self.program.of(operation)
        sources = computed(given)
        images = all(len(value.shape) == 3 and BITS[value.dtype] >= 8 for value in sources)
        return len(wanted) == 1 and 1 <= len(sources) <= 2 and images

    def _fits(self, operation: Operation) -> bool:
        """Whether the executor of streams can run it: no large numbers, no constant with rows."""
        given, (y,) = self.program.of(operation)
        rows, sources = window(operation, given), computed(given)
        if len(y.shape) != 3 or any(value.shape[0] >= LIMITS["top"] for value in (y, *sources)):
            return False
        if operation.kind == "conv2d" or "kernel" in operation.attributes:
            return all(abs(getattr(rows, name)) <= most for name, most in LIMITS.items())
        constants = [value for value in given if value is not None and value.data is not None]
        flat = all(len(value.shape) < 3 or value.shape[0] == 1 for value in constants)
        return flat and all(value.shape == y.shape for value in sources)

    def stream(self, steps: Sequence[Operation]) -> Operation:
        """Steps as one operation: see ops/stream.py for its attributes."""
        values = {name: self.program.values[name] for step in steps for name in (*step.inputs, *step.outputs) if name}
        made = {name for step in steps for name in step.outputs}
        outer = [name for name in values if name not in made]
        inputs = sorted(outer, key=lambda name: values[name].data is not None)
        rows = simulate(bands(steps, values))
        by_rows = [step for step in steps if self.by_rows(step)]
        attributes = {
            "steps": tuple(steps),
            "values": values,
            "rings": rows.rings,
            "row_scratch": max(self.kind(step).row_scratch(step, *self.program.of(step)) for step in by_rows),
            "lag": {inputs.index(name): lag for name, lag in rows.lags.items()},
            "rounding": self.program.rounding,
        }
        return Operation("stream", f"{steps[0].name} to {steps[-1].name}", tuple(inputs), steps[-1].outputs, attributes)


class _Choice:
    """What each run of operations takes as a stream, and which runs to take. A run is (first, end), end exclusive."""

    def __init__(self, program: Program, forms: _Forms) -> None:
        self.program, self.forms = program, forms
        self.steps = [(operation, forms.memory(operation)) for operation in program.operations]
        self.by_rows = [forms.by_rows(operation) for operation in program.operations]
        self.views = views_of(program, self.steps)
        self.lives = lives_of(program, self.views)
        self.sizes = {name: rounded(program.values[name].bytes) for name in self.lives}
        self.made = {name: step for step, operation in enumerate(program.operations) for name in operation.outputs}
        self.before = [self._live(step) for step in range(len(self.steps) + 1)]
        self.rings = [0, *accumulate(self._rings())]
        self.singles = [self._bytes(step, operation, memory) for step, (operation, memory) in enumerate(self.steps)]
        self.runs = [list(self._runs_to(step)) for step in range(len(self.steps))]
        self.known: dict[tuple[int, int], tuple[Operation, int]] = {}

    def least(self) -> float:
        """The bytes of the fullest step, if everything is streamed that lowers them."""
        peaks = [0.0]
        for last, single in enumerate(self.singles):
            peak = max(peaks[-1], single)
            for first in self.runs[last]:
                if max(peaks[first], self._at_least(first, last)) < peak:
                    peak = min(peak, max(peaks[first], self._run(first, last + 1)[1]))
            peaks.append(peak)
        return peaks[-1]

    def fewest(self, peak: float) -> list[tuple[int, int]] | None:
        """The runs to stream, of the fewest operations with which no step has more bytes than `peak`; or None."""
        counts: list[float] = [0]
        found: list[list[tuple[int, int]]] = [[]]
        for last, single in enumerate(self.singles):
            count, runs = (counts[last], found[last]) if single <= peak else (inf, [])
            for first in self.runs[last]:
                more = counts[first] + last + 1 - first
                lower = max(self.singles[first : last + 1]) > peak >= self._at_least(first, last)
                if more < count and lower and self._run(first, last + 1)[1] <= peak:
                    count, runs = more, [*found[first], (first, last + 1)]
            counts.append(count)
            found.append(runs)
        return found[-1] if counts[-1] < inf else None

    def streamed(self, runs: Sequence[tuple[int, int]]) -> Program:
        """The program with each run replaced by its stream."""
        operations, step = [], 0
        for first, end in [*runs, (len(self.steps),) * 2]:
            operations += [operation for operation, _ in self.steps[step:first]]
            operations += [self._run(first, end)[0]] if end > first else []
            step = end
        return replace(self.program, operations=operations)

    def _live(self, step: int) -> int:
        """Bytes of the values that are there before a step."""
        return sum(size for name, size in self.sizes.items() if self.made.get(name, -1) < step <= self.lives[name][1])

    def _rings(self) -> Iterator[int]:
        """For each step the bytes of its output that a stream keeps at least: the rows of a window that reads it."""
        rows: dict[str, int] = {}
        for (operation, _), by_rows in zip(self.steps, self.by_rows, strict=True):
            given, (y, *_) = self.program.of(operation)
            if by_rows and not is_total(operation, self.program.values):
                need = window(operation, given)
                reach = (need.count - 1) * need.dilation
                last = min(reach, (y.shape[0] - 1) * need.stride - need.top + reach)
                rows |= {x.name: max(rows.get(x.name, 1), min(last + 1, x.shape[0])) for x in computed(given)}
        for operation, _ in self.steps:
            yield rows.get(operation.outputs[0], 1) * row_bytes(self.program.values[operation.outputs[0]])

    def _at_least(self, first: int, last: int) -> int:
        """What a run takes as a stream, at least: what is there before it and the rings, or what is there after it."""
        return max(self.before[first] + self.rings[last] - self.rings[first], self.before[last + 1])

    def _bytes(self, first: int, operation: Operation, memory: Memory) -> int:
        """The bytes in use during an operation, the one at `first` or the stream that begins there."""
        last = self.made[operation.outputs[-1]]
        lags = overwritable(operation, memory, self.views)
        items: list[Item] = []
        over: dict[int, int] = {}
        for name, (_, end) in self.lives.items():
            if self.made.get(name, -1) < first <= end:
                if name in lags and end <= last:
                    over[len(items)] = lags[name]
                items.append(Item(0, 1, self.sizes[name], ALIGNMENT))
        made = [self.sizes[name] for name in operation.outputs if name in self.lives]
        items += [Item(1, 2, size, ALIGNMENT, {} if index else over) for index, size in enumerate(made)]
        if memory.scratch_bytes:
            items.append(Item(1, 1, rounded(memory.scratch_bytes), SCRATCH_ALIGNMENT))
        return lower_bound(items)

    def _runs_to(self, last: int) -> Iterator[int]:
        """The first steps of the runs that end with a step, latest first: no value inside is used outside."""
        ending = self.steps[last][0]
        total = self.forms.on_images(ending) and is_total(ending, self.program.values)
        if not (total or self.by_rows[last]):
            return
        for first in range(last - 1, max(-1, last - NO_BAND // 2), -1):
            begun, end = self.lives.get(self.steps[first][0].outputs[0], (0, inf))
            if not (self.by_rows[first] and begun < end <= last):
                return
            yield first

    def _run(self, first: int, end: int) -> tuple[Operation, int]:
        """A run as one operation, and the bytes in use meanwhile."""
        if (first, end) not in self.known:
            operation = self.forms.stream([operation for operation, _ in self.steps[first:end]])
            self.known[first, end] = operation, self._bytes(first, operation, self.forms.memory(operation))
        return self.known[first, end]
