"""Places the values of a program in one static arena: byte offsets, fixed before anything runs.

A value is live from the step that gives it to the last step that reads it, views of it among its readers; inputs are
live from the first step on, outputs until after the last. Values that are live in the same step share no byte, except
where an operation may write its output over its input: an output that begins a lag below its input overwrites no byte
that is still to be read (diagonal memory optimisation, Blacker et al. 2022, arXiv:2010.01668). `packing.py` finds the
offsets; `Plan.lower_bound` says how good they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smidgen.compiler.ir import Operation, Program
from smidgen.compiler.packing import EXACT, Item, packed

__all__ = [
    "ALIGNMENT",
    "EXACT",
    "SCRATCH_ALIGNMENT",
    "Block",
    "Memory",
    "Plan",
    "lives_of",
    "overwritable",
    "plan",
    "rounded",
    "views_of",
]

ALIGNMENT = 4  # of values: codes are read four at a time
SCRATCH_ALIGNMENT = 8  # of scratch, which may hold 64-bit sums; so the arena itself must begin at a multiple of 8


@dataclass(frozen=True)
class Memory:
    """What an operation does with memory.

    Attributes:
        in_place: positions of the inputs that its first output may overwrite, if nothing reads them later, each with
            the lag of the output in bytes: it may begin at address o where the input begins at i if o + lag <= i,
            because byte n of the output is written after byte n - lag of the input was last read. EXACT: if o == i.
        scratch_bytes: what it needs beside inputs and outputs while it runs.
        view: its output is its first input, byte for byte, in another shape: neither memory nor code is needed.
    """

    in_place: Mapping[int, int] = field(default_factory=dict)
    scratch_bytes: int = 0
    view: bool = False


Steps = Sequence[tuple[Operation, Memory]]


@dataclass(frozen=True)
class Block:
    """A rectangle of the memory map: bytes `offset` to `offset + bytes`, from step `first` to step `last` inclusive."""

    name: str  # of a value, or of the operation whose scratch it is
    first: int
    last: int
    bytes: int
    offset: int
    scratch: bool = False


@dataclass(frozen=True)
class Plan:
    """Where everything lies. Sizes and offsets are in bytes.

    Attributes:
        offsets: of every value in the arena, views included.
        scratch: of the scratch of a step, by its position in `Program.operations`.
        views: for each output of a step that needs no code, the value whose memory it shows: one in the arena or a
            constant.
        blocks: the memory map, in order of time.
        arena_bytes: the size of the arena, which begins at a multiple of SCRATCH_ALIGNMENT.
        lower_bound: the bytes live in the fullest step; no plan with this order of operations is smaller.
    """

    offsets: dict[str, int]
    scratch: dict[int, int]
    views: dict[str, str]
    blocks: tuple[Block, ...]
    arena_bytes: int
    lower_bound: int

    @property
    def gap(self) -> float:
        """How much larger than the lower bound the arena is, as a share of it; 0.0 is proven to be optimal."""
        return self.arena_bytes / self.lower_bound - 1 if self.lower_bound else 0.0


def plan(program: Program, memory_of: Callable[[Operation], Memory]) -> Plan:
    """The memory plan of a program.

    Args:
        program: every value is a constant, an input or given by one operation before it is read.
        memory_of: what an operation does with memory.
    """
    steps = [(operation, memory_of(operation)) for operation in program.operations]
    views = views_of(program, steps)
    lives = lives_of(program, views)
    items = list(_items(program, steps, views, lives))
    names = [*lives, *(operation.name for operation, memory in steps if memory.scratch_bytes)]
    found, bound = packed(items)
    blocks = [
        Block(name, item.first, item.last, item.bytes, offset, position >= len(lives))
        for position, (name, item, offset) in enumerate(zip(names, items, found, strict=True))
    ]
    offsets = {block.name: block.offset for block in blocks if not block.scratch}
    offsets |= {name: offsets[root] for name, root in views.items() if root in offsets}
    return Plan(
        offsets=offsets,
        scratch={block.first: block.offset for block in blocks if block.scratch},
        views=views,
        blocks=tuple(sorted(blocks, key=lambda block: (block.first, block.offset))),
        arena_bytes=max((block.offset + block.bytes for block in blocks), default=0),
        lower_bound=bound,
    )


def views_of(program: Program, steps: Steps) -> dict[str, str]:
    """For each view the value that it is a view of in the end. An output that shows a constant is a copy of it."""
    views: dict[str, str] = {}
    for operation, memory in steps:
        if memory.view:
            name, root = operation.outputs[0], views.get(operation.inputs[0], operation.inputs[0])
            if name not in program.outputs or program.values[root].data is None:
                views[name] = root
    return views


def lives_of(program: Program, views: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """The first and last step of each value in the arena, in order of the first."""
    first = dict.fromkeys(program.inputs, 0)
    last = dict(first)
    for step, operation in enumerate(program.operations):
        given = [name for name in operation.outputs if name not in views]
        first |= dict.fromkeys(given, step)
        read = (views.get(name, name) for name in operation.inputs)
        last |= dict.fromkeys([*given, *(name for name in read if name in first)], step)
    end = len(program.operations)  # after the last step, which must not overwrite them
    last |= {root: end for root in (views.get(name, name) for name in program.outputs) if root in first}
    return {name: (first[name], last[name]) for name in first}


def _items(
    program: Program, steps: Steps, views: Mapping[str, str], lives: Mapping[str, tuple[int, int]]
) -> Iterator[Item]:
    """A rectangle for each value in the arena, in their order, then one for each step with scratch."""
    position = {name: index for index, name in enumerate(lives)}
    lags_of = {operation.outputs[0]: overwritable(operation, memory, views) for operation, memory in steps}
    for name, (first, last) in lives.items():
        lags = lags_of.get(name, {}).items()
        over = {position[root]: lag for root, lag in lags if root in lives and lives[root][1] == first}
        yield Item(first, last, rounded(program.values[name].bytes), ALIGNMENT, over)
    for step, (_, memory) in enumerate(steps):
        if memory.scratch_bytes:
            yield Item(step, step, rounded(memory.scratch_bytes), SCRATCH_ALIGNMENT)


def overwritable(operation: Operation, memory: Memory, views: Mapping[str, str]) -> dict[str, int]:
    """The values that an operation may overwrite, as far as it is concerned, with the lag that suits all it reads."""
    lags: dict[str, list[int | None]] = {}
    for index, name in enumerate(operation.inputs):
        lags.setdefault(views.get(name, name), []).append(memory.in_place.get(index))
    common = {root: _common(each) for root, each in lags.items() if root}
    return {root: lag for root, lag in common.items() if lag is not None}


def _common(lags: Sequence[int | None]) -> int | None:
    """The lag that suits every reading of one input; None if there is none."""
    known = [lag for lag in lags if lag is not None]
    if len(known) < len(lags) or (EXACT in known and max(known) > 0):
        return None
    return EXACT if EXACT in known else max(known)


def rounded(size: int) -> int:
    """Bytes that a value of so many bytes takes, at least one unit of alignment."""
    return max(1, -(-size // ALIGNMENT)) * ALIGNMENT
