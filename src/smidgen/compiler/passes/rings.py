"""How a stream runs: in which order its rows are made, and so how many rows of each value must be kept.

The rule, which `stream` in ops/stream.c follows: the last stage is to make its next row; as long as a row that a stage
needs is missing, the stage of that row makes its next one first. Where two are missing the later stage comes first: a
residual block lists its longer branch first, and the shorter one would otherwise wait and keep rows of its input.

So no row is made before it is needed, and what is before a value in a stream has no influence on what comes after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smidgen.compiler.ir import Operation, Value
from smidgen.compiler.ops._pool import is_total
from smidgen.compiler.ops._rows import Window, computed, row_bytes, window

WHOLE = Window()


@dataclass(frozen=True)
class Stage:
    """What makes the rows of a band: from a window of the rows of one band and, perhaps, the same row of another."""

    source: int
    window: Window
    rows: int
    second: int | None = None

    def last(self, at: int) -> int:
        """The last row of its source that row `at` needs; less than 0 if all of them are padding."""
        return at * self.window.stride - self.window.top + (self.window.count - 1) * self.window.dilation

    def firsts(self, rows: int) -> list[int | None]:
        """For each row until `rows`, the first row of its source that this or a later one needs; None if none."""
        window = self.window
        found: list[int | None] = [None]
        for at in reversed(range(rows)):
            read = range(at * window.stride - window.top, self.last(at) + 1, window.dilation)
            inside = [row for row in (next((row for row in read if row >= 0), None), found[-1]) if row is not None]
            found.append(min(inside, default=None))
        return found[::-1]


@dataclass(frozen=True)
class Stream:
    """Stages, each making the band of its own number; bands of inputs follow, all of whose rows are there.

    A mean over all rows is two stages: one adds each row to sums, the other divides these.
    """

    stages: tuple[Stage, ...]
    bands: tuple[Value | None, ...]  # None: sums
    heights: tuple[int, ...]

    def needed(self) -> list[int]:
        """How many rows of each band are needed, in the end."""
        rows = [0] * len(self.bands)
        rows[len(self.stages) - 1] = self.heights[len(self.stages) - 1]
        for number, stage in reversed(list(enumerate(self.stages))):
            if rows[number]:
                last = min(stage.last(rows[number] - 1) + 1, self.heights[stage.source])
                rows[stage.source] = max(rows[stage.source], last)
                if stage.second is not None:
                    rows[stage.second] = max(rows[stage.second], rows[number])
        return rows

    def readers(self) -> list[list[tuple[int, bool]]]:
        """The stages that read each band, each with whether it reads a window of rows or the row of its own number."""
        found: list[list[tuple[int, bool]]] = [[] for _ in self.bands]
        for number, stage in enumerate(self.stages):
            found[stage.source].append((number, True))
            if stage.second is not None:
                found[stage.second].append((number, False))
        return found

    def order(self, made: list[int]) -> Iterator[int]:
        """The number of the stage that makes its next row, again and again; `made` counts the rows that are there."""
        waiting = [len(self.stages) - 1]
        while made[waiting[0]] < self.stages[waiting[0]].rows:
            number = waiting[-1]
            missing = self._missing(number, made)
            if missing is not None:
                waiting.append(missing)
                continue
            yield number
            made[number] += 1
            if len(waiting) > 1:
                waiting.pop()

    def _missing(self, number: int, made: Sequence[int]) -> int | None:
        """The band of a row that a stage needs next and that is not there."""
        stage, at = self.stages[number], made[number]
        lacks = made[stage.source] <= min(stage.last(at), self.heights[stage.source] - 1)
        if stage.second is not None and made[stage.second] <= at:
            return max(stage.source, stage.second) if lacks else stage.second
        return stage.source if lacks else None


@dataclass(frozen=True)
class Rows:
    """What a stream must keep.

    Attributes:
        rings: the rows kept of each inner value.
        lags: for each input, by how many bytes the output must begin before it so as to overwrite no byte still needed.
    """

    rings: Mapping[str, int]
    lags: Mapping[str, int]


def bands(steps: Sequence[Operation], values: Mapping[str, Value]) -> Stream:
    """The stages of operations that run as a stream, as ops/stream.py numbers them; the output is that of the last."""
    made = [values[step.outputs[0]] for step in steps]
    total = is_total(steps[-1], values)
    inner = {value.name for value in made}
    given = [[values[name] for name in step.inputs if name] for step in steps]
    outer = {value.name: value for each in given for value in computed(each) if value.name not in inner}
    numbers = {value.name: number for number, value in enumerate(made[: len(steps) - total])}
    numbers |= {name: len(steps) + total + number for number, name in enumerate(outer)}
    stages: list[Stage] = []
    for step, each, value in zip(steps, given, made, strict=True):
        source, *second = [numbers[one.name] for one in computed(each)]
        if total and step is steps[-1]:
            rows = computed(each)[0].shape[0]
            sums = len(stages)
            stages += [Stage(source, WHOLE, rows), Stage(sums, Window(top=1 - rows), 1)]
        else:
            stages.append(Stage(source, window(step, each), value.shape[0], second[0] if second else None))
    found = (*made[: len(steps) - total], *((None, made[-1]) if total else ()), *outer.values())
    heights = [stage.rows for stage in stages] + [value.shape[0] for value in outer.values()]
    return Stream(tuple(stages), found, tuple(heights))


def simulate(stream: Stream) -> Rows:
    """Run a stream, and see which rows are still needed whenever one is made."""
    made, last = [0] * len(stream.stages) + list(stream.heights[len(stream.stages) :]), len(stream.stages) - 1
    needed, readers = stream.needed(), stream.readers()
    firsts = [stage.firsts(needed[number]) for number, stage in enumerate(stream.stages)]

    def oldest(band: int) -> int | None:
        """The first row that is needed from now on."""
        going = [(reader, windows) for reader, windows in readers[band] if made[reader] < needed[reader]]
        starts = [firsts[reader][made[reader]] if windows else made[reader] for reader, windows in going]
        return min((start for start in starts if start is not None), default=None)

    kept = dict.fromkeys(range(last), 1)
    lags = dict.fromkeys(range(last + 1, len(stream.bands)), 0)
    sizes = [0 if value is None else row_bytes(value) for value in stream.bands]
    for number in stream.order(made):
        if number < last:
            first = oldest(number)
            kept[number] = max(kept[number], 1 if first is None else made[number] - first + 1)
            continue
        for band, lag in lags.items():
            first = oldest(band)
            if first is not None:
                lags[band] = max(lag, (made[last] + 1) * sizes[last] - first * sizes[band])
    named = {number: value.name for number, value in enumerate(stream.bands) if value is not None}
    rings = {named[number]: rows for number, rows in kept.items() if number in named}
    return Rows(rings, {named[band]: lag for band, lag in lags.items()})
