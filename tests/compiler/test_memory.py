from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smidgen.compiler.ir import Operation, Program, Value
from smidgen.compiler.memory import EXACT, SCRATCH_ALIGNMENT, Memory, Plan, plan
from smidgen.types import Array


def memory_of(operation: Operation) -> Memory:
    """Test operations say in their attributes what they do with memory."""
    return Memory(**operation.attributes)


def program(sizes: dict[str, int], *operations: Operation, outputs: tuple[str, ...]) -> Program:
    """A program whose input is "x", with values of so many bytes."""
    values = {name: Value(name, "int8", (size,)) for name, size in sizes.items()}
    return Program(values, list(operations), ("x",), outputs, "onnx")


def step(inputs: str, outputs: str, **memory: object) -> Operation:
    return Operation("test", f"{inputs} to {outputs}", tuple(inputs.split()), tuple(outputs.split()), memory)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random graphs of up to 9 operations, with views, permissions to overwrite, scratch and several outputs."""
    sizes = {name: draw(st.integers(0, 50)) for name in ("x", "constant")}
    operations: list[Operation] = []
    for index in range(draw(st.integers(1, 9))):
        known = st.sampled_from(list(sizes)[-6:])
        inputs = draw(st.lists(known, min_size=1, max_size=3))
        view = draw(st.booleans()) and draw(st.booleans())
        outputs = [f"{index}.{which}" for which in range(1 if view else draw(st.integers(1, 2)))]
        sizes |= {name: sizes[inputs[0]] if view else draw(st.integers(0, 50)) for name in outputs}
        lags = st.dictionaries(st.integers(0, len(inputs) - 1), st.sampled_from([EXACT, 0, 0, 1, 9, 30]))
        in_place = {} if view else draw(lags)
        scratch = 0 if view else draw(st.sampled_from([0, 0, 5, 24]))
        memory = {"in_place": in_place, "scratch_bytes": scratch, "view": view}
        operations.append(Operation("test", str(index), tuple(inputs[:1] if view else inputs), tuple(outputs), memory))
    made = [name for name in sizes if name not in ("x", "constant")]
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2, unique=True))
    drawn = program(sizes, *operations, outputs=tuple(outputs))
    return drawn.with_value(Value("constant", "int8", (sizes["constant"],), data=np.ones(sizes["constant"], np.int8)))


@dataclass
class Machine:
    """Runs a program in its arena. Each value has contents of its own, which are checked at every reading."""

    program: Program
    plan: Plan

    def __post_init__(self) -> None:
        self.arena = np.zeros(self.plan.arena_bytes, np.uint8)
        self.elsewhere = {name: np.zeros(value.bytes, np.uint8) for name, value in self.program.values.items()}

    def contents(self, name: str) -> Array:
        root = self.plan.views.get(name, name)
        number = 1 + list(self.program.values).index(root)
        return ((number * 37 + np.arange(self.program.values[name].bytes) * 11) % 251).astype(np.uint8)

    def memory(self, name: str) -> Array:
        if name in self.plan.offsets:
            return self.arena[self.plan.offsets[name] :][: self.program.values[name].bytes]
        return self.elsewhere[self.plan.views.get(name, name)]

    def write(self, name: str) -> None:
        assert len(self.memory(name)) == self.program.values[name].bytes
        self.memory(name)[:] = self.contents(name)

    def check(self, name: str, part: slice = slice(None)) -> None:
        assert np.array_equal(self.memory(name)[part], self.contents(name)[part]), name

    def run(self) -> None:
        for name in ("x", "constant"):
            self.write(name)
        for index, operation in enumerate(self.program.operations):
            if operation.outputs[0] not in self.plan.views:
                self.execute(index, operation)
        for name in self.program.outputs:
            self.check(name)

    def execute(self, index: int, operation: Operation) -> None:
        """The worst that the operation may do.

        Scratch and further outputs are written first. The bytes of an input are read as late as its lag allows, just
        before the first output passes them; all at once before where addresses are equal and must be; and after
        everything is written where it may not be overwritten.
        """
        memory = memory_of(operation)
        if memory.scratch_bytes:
            scratch = self.arena[self.plan.scratch[index] :][: memory.scratch_bytes]
            assert len(scratch) == memory.scratch_bytes
            scratch[:] = 255
        for name in operation.outputs[1:]:
            self.write(name)
        lags = {position: lag for position, lag in memory.in_place.items() if lag != EXACT}
        late = dict(enumerate(operation.inputs))
        for position in memory.in_place.keys() - lags.keys():
            if self.address(operation.inputs[position]) == self.address(operation.outputs[0]):
                self.check(late.pop(position))
        output, contents = self.memory(operation.outputs[0]), self.contents(operation.outputs[0])
        for byte in range(len(output)):
            for position, lag in lags.items():
                self.check(operation.inputs[position], slice(max(0, byte - lag), max(0, byte - lag + 1)))
            output[byte] = contents[byte]
        for position, name in late.items():
            self.check(name, slice(max(0, len(output) - lags[position]) if position in lags else 0, None))
        for name in operation.outputs:
            self.check(name)

    def address(self, name: str) -> tuple[str, int]:
        root = self.plan.views.get(name, name)
        return ("arena", self.plan.offsets[root]) if root in self.plan.offsets else (root, 0)


@given(programs())
@settings(max_examples=300, deadline=None)
def test_no_live_value_is_overwritten(drawn: Program) -> None:
    made = plan(drawn, memory_of)
    assert made.offsets.keys() >= {*drawn.inputs, *drawn.outputs}
    assert made.arena_bytes >= made.lower_bound
    assert all(offset % 4 == 0 for offset in made.offsets.values())
    assert all(offset % SCRATCH_ALIGNMENT == 0 for offset in made.scratch.values())
    Machine(drawn, made).run()


def sizes(**named: int) -> dict[str, int]:
    return named


def test_a_chain_needs_its_widest_step() -> None:
    made = plan(
        program(sizes(x=10, a=100, b=60, c=12), step("x", "a"), step("a", "b"), step("b", "c"), outputs=("c",)),
        memory_of,
    )
    assert made.arena_bytes == made.lower_bound == 160
    assert made.gap == 0.0
    assert set(made.offsets) == {"x", "a", "b", "c"}


def test_an_output_overwrites_an_input_that_dies() -> None:
    relu = step("a", "b", in_place={0: 0})
    chain = program(sizes(x=8, a=64, b=64, c=8), step("x", "a"), relu, step("b", "c"), outputs=("c",))
    assert plan(chain, memory_of).arena_bytes == 72
    branch = program(
        sizes(x=8, a=64, b=64, c=8), step("x", "a"), relu, step("a b", "c"), outputs=("c",)
    )  # "a" is read again
    assert plan(branch, memory_of).arena_bytes == 136


def test_an_output_lies_a_lag_below_its_input() -> None:
    chain = program(sizes(x=64, a=96), step("x", "a", in_place={0: 40}), outputs=("a",))
    made = plan(chain, memory_of)
    assert made.offsets == {"x": 40, "a": 0}
    assert made.arena_bytes == made.lower_bound == 104


def test_readings_of_one_input_agree_on_a_lag() -> None:
    def arena(lag: int, other: int) -> int:
        both = step("x x", "a", in_place={0: lag, 1: other})
        return plan(program(sizes(x=64, a=64), both, outputs=("a",)), memory_of).arena_bytes

    assert (arena(0, 8), arena(EXACT, 0), arena(EXACT, 8)) == (72, 64, 128)


def test_an_input_that_is_read_elsewhere_by_the_same_operation_is_kept() -> None:
    both = program(
        sizes(x=8, a=64, b=64, c=8), step("x", "a"), step("a a", "b", in_place={0: 0}), step("b", "c"), outputs=("c",)
    )
    assert plan(both, memory_of).arena_bytes == 128


def test_a_view_costs_nothing_and_keeps_its_root_alive() -> None:
    flatten = step("a", "b", view=True)
    made = plan(
        program(sizes(x=8, a=64, b=64, c=32, d=4), step("x", "a"), flatten, step("x", "c"), step("b c", "d"),
                outputs=("d",)),
        memory_of,
    )  # fmt: skip
    assert made.views == {"b": "a"}
    assert made.offsets["b"] == made.offsets["a"]
    assert made.arena_bytes == 104


def test_an_output_that_shows_the_input_lies_there() -> None:
    chain = program(sizes(x=64, a=64), step("x", "a", view=True), outputs=("a",))
    assert plan(chain, memory_of).offsets == {"x": 0, "a": 0}


def test_an_output_that_shows_a_constant_has_a_place_of_its_own() -> None:
    chain = program(
        sizes(x=64, constant=8, a=8, b=8), step("constant", "a", view=True), step("a", "b", view=True), outputs=("b",)
    )
    made = plan(chain.with_value(Value("constant", "int8", (8,), data=np.ones(8, np.int8))), memory_of)
    assert made.views == {"a": "constant"}
    assert made.offsets.keys() == {"x", "b"}


def test_scratch_is_there_for_one_step_and_aligned() -> None:
    made = plan(
        program(sizes(x=8, a=4, b=40, c=4), step("x", "a"), step("a", "b", scratch_bytes=30), step("b", "c"),
                outputs=("c",)),
        memory_of,
    )  # fmt: skip
    assert made.scratch.keys() == {1}
    assert made.scratch[1] % SCRATCH_ALIGNMENT == 0
    assert made.arena_bytes <= 4 + 40 + 32 + 4
    assert [block.name for block in made.blocks if block.scratch] == ["a to b"]
