from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler.ir import Program
from smidgen.compiler.ops._rows import row_bytes
from smidgen.compiler.passes.rings import Rows, Stream, bands, simulate
from tests.compiler.passes.images import Images, images


def by_the_rule(stream: Stream) -> list[int]:
    """The stages in order as ops/stream.c runs them."""
    last = len(stream.stages) - 1
    made = [0] * (last + 1) + list(stream.heights[last + 1 :])
    order, number = [], last
    while made[last] < stream.heights[last]:
        stage, at = stream.stages[number], made[number]
        lacks = made[stage.source] <= min(stage.last(at), stream.heights[stage.source] - 1)
        second = stage.second is not None and made[stage.second] <= at
        if lacks or second:
            number = max([stage.source] * lacks + [stage.second or 0] * second)
            continue
        order.append(number)
        made[number] += 1
        number = last
    return order


class Machine:
    """Runs a stream. Every row in a ring, and every byte of the input and the output, knows what it is."""

    def __init__(self, stream: Stream, rows: Rows) -> None:
        self.stream, self.rows = stream, rows
        self.last = len(stream.stages) - 1
        self.rings: dict[int, dict[int, int]] = {number: {} for number in range(self.last)}
        self.lag = max(rows.lags.values())
        self.bytes: dict[int, tuple[int, int]] = {}
        for number in range(self.last + 1, len(stream.bands)):
            for row in range(stream.heights[number]):
                self.write(number, row)

    def size(self, number: int) -> int:
        value = self.stream.bands[number]
        assert value is not None
        return row_bytes(value)

    def span(self, number: int, row: int) -> range:
        size, start = self.size(number), 0 if number == self.last else self.lag
        return range(start + row * size, start + (row + 1) * size)

    def write(self, number: int, row: int) -> None:
        if number < self.last:
            self.rings[number][row % self.kept(number)] = row
        else:
            self.bytes |= dict.fromkeys(self.span(number, row), (number, row))

    def kept(self, number: int) -> int:
        value = self.stream.bands[number]
        return 1 if value is None else self.rows.rings[value.name]

    def there(self, number: int, row: int) -> bool:
        if number < self.last:
            return self.rings[number].get(row % self.kept(number)) == row
        return all(self.bytes[place] == (number, row) for place in self.span(number, row))

    def read(self, number: int, at: int) -> bool:
        """Whether the rows are there that a stage needs."""
        stage = self.stream.stages[number]
        start = at * stage.window.stride - stage.window.top
        rows = [start + k * stage.window.dilation for k in range(stage.window.count)]
        inside = [row for row in rows if 0 <= row < self.stream.heights[stage.source]]
        second = stage.second is None or self.there(stage.second, at)
        return second and all(self.there(stage.source, row) for row in inside)

    def works(self) -> bool:
        """Whether all rows that matter find what they need, before and after they are written."""
        made, needed = [0] * (self.last + 1), self.stream.needed()
        for number in by_the_rule(self.stream):
            at = made[number]
            matters = at < needed[number]
            if matters and not self.read(number, at):
                return False
            self.write(number, at)
            if matters and number == self.last and not self.inputs_left(at):
                return False
            made[number] += 1
        return made[self.last] == self.stream.heights[self.last]

    def inputs_left(self, at: int) -> bool:
        """Whether a row of the output spared the rows of inputs from which it is made."""
        stage = self.stream.stages[self.last]
        inputs = stage.source > self.last or (stage.second or 0) > self.last
        return not inputs or self.read(self.last, at)


def streamed(program: Program) -> Stream:
    return bands(program.operations, program.values)


@given(images())
@settings(max_examples=150, deadline=None)
def test_stages_run_as_the_rule_says(program: Program) -> None:
    stream = streamed(program)
    assert list(stream.order([0] * len(stream.stages) + list(stream.heights[len(stream.stages) :]))) == by_the_rule(
        stream
    )


@given(images(), st.data())
@settings(max_examples=200, deadline=None)
def test_rings_suffice_and_none_is_too_large(program: Program, data: st.DataObject) -> None:
    stream = streamed(program)
    rows = simulate(stream)
    assert Machine(stream, rows).works()
    larger = [name for name, kept in rows.rings.items() if kept > 1]
    if larger:
        name = data.draw(st.sampled_from(larger))
        assert not Machine(stream, Rows({**rows.rings, name: rows.rings[name] - 1}, rows.lags)).works()
    if rows.lags["x"]:
        assert not Machine(stream, Rows(rows.rings, {"x": rows.lags["x"] - 1})).works()


def test_a_chain_keeps_the_rows_of_a_window() -> None:
    made = Images(20, 4, 3)
    for kernel, stride, dilation in ((3, 1, 1), (5, 2, 1), (3, 1, 2), (1, 1, 1)):
        made.conv(2, kernel, stride, dilation)
    assert simulate(streamed(made.program())).rings == {"v0": 5, "v1": 5, "v2": 1}


def test_a_mean_needs_no_more_than_a_row() -> None:
    made = Images(20, 4, 3)
    made.conv(8)
    made.mean()
    rows = simulate(streamed(made.program()))
    assert (rows.rings, rows.lags) == ({"v0": 1}, {"x": 0})


def test_an_output_of_larger_rows_must_begin_before_its_input() -> None:
    made = Images(20, 4, 3)
    made.conv(3, 1)
    made.conv(6, 1)
    rows = 19  # written when row 19 of the input, the last, is still to be read
    assert simulate(streamed(made.program())).lags == {"x": rows * 4 * 6 - rows * 4 * 3}
