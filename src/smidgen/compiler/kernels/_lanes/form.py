"""What all forms of operations on vectors share: the instruction set, and how its kernels come into a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smidgen.compiler import arithmetic
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._rounding import rules
from smidgen.compiler.ops._writer import INDENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._writer import Values, Writer

FOLDER = "../kernels"
CODES = ("int8", "uint8")
ACTIVATIONS = ("none", "relu", "relu6")
FLIP = 0x80808080  # makes unsigned bytes of signed ones, and the other way round


@dataclass(frozen=True)
class Isa:
    """An instruction set.

    Attributes:
        name: of its template, which has the sections "vectors" and "interleave".
        lanes: 32-bit numbers in a vector.
        signed: whether it takes bytes of activations as signed ones; others are flipped.
        tiles: (vectors of channels, pixels) whose sums it has registers for, the most vectors first; the last has one
            vector. Those of one pixel are for rows of one pixel only.
        blocks: how many channels its template interleaves at once, and of how many pixels it has registers for their
            sums; the fewest channels first.
        registers: of vectors, that sums and weights share where windows overlap; 0: too few for it.
        reals: whether its template has the sections "floats", "single", "signed" and "double", which scale sums by
            multiplication and addition in one instruction.
        factors: lanes cannot be shifted by different numbers; 2**(factors - shift) takes the place of a shift.
    """

    name: str
    lanes: int
    signed: bool
    tiles: tuple[tuple[int, int], ...]
    blocks: Mapping[int, int]
    registers: int = 0
    reals: bool = False
    factors: int | None = None

    def flip(self, value: Value) -> int:
        """What makes bytes of a value, by exclusive or, those that the set takes."""
        return 0 if (value.dtype == "int8") == self.signed else FLIP

    def tiles_for(self, channels: int, pixels: int) -> tuple[tuple[int, int], ...]:
        """The tiles that make so many channels of a row of so many pixels."""
        vectors, found = -(-channels // self.lanes), []
        for wide, most in self.tiles:
            if vectors >= wide and (most > 1 or pixels == 1):
                found.append((wide, at_once(pixels, most, wide)))
                vectors %= wide
        return tuple(found)

    def block(self, channels: int) -> int:
        """How many of so many channels to interleave at once: the most that are there."""
        first, *others = self.blocks
        return max([first, *(size for size in others if size <= channels)])


def at_once(pixels: int, most: int, vectors: int) -> int:
    """How many pixels to make at once, at most `most`, so that few are made twice and weights are seldom read."""
    sizes = range(1, min(pixels, most) + 1)
    return min(sizes, key=lambda size: (-(-pixels // size) * (size * vectors + vectors + 2), -size))


def signed(value: Value) -> tuple[int, int]:
    """The zero point of a value once its codes are signed, and what flips them."""
    zero = arithmetic.scaling(value).zero_point
    return (zero, 0) if value.dtype == "int8" else (zero - 128, FLIP)


def limits(operation: Operation, y: Value) -> tuple[int, int]:
    """The least and greatest code of an output, signed."""
    low, high = rules(operation).bounds(str(operation.attributes.get("activation", "none")), y)
    return (low, high) if y.dtype == "int8" else (low - 128, high - 128)


def suits(operation: Operation, *values: Value | None) -> bool:
    """Whether all values are 8-bit codes of one scale, and the activation only limits them."""
    plain = operation.attributes.get("activation", "none") in ACTIVATIONS
    codes = (value.quantization is not None and value.dtype in CODES for value in values if value is not None)
    return plain and None not in values and all(codes)


def rounding(operation: Operation, y: Value, *, twice: bool, real: bool = False) -> str:
    """The fields of struct lanes_rounding, for sums that are rounded twice or once, or with the zero point in them."""
    zero, flip = signed(y)
    zero = 0 if real else zero
    low, high = limits(operation, y)
    lift, first = (1, 2**31) if twice else (2, 0)
    return f"{{{lift}, {first}u, {zero}, {low}, {high}, {flip}u}}"


def lines(depth: int, statements: Iterable[str]) -> str:
    """Statements as lines of C."""
    return "\n".join(INDENT * depth + statement for statement in statements)


@dataclass(frozen=True)
class Form:
    """A form of an operation that works row by row."""

    isa: Isa

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Pixels are read again for further channels, so that the output must not overwrite them."""
        one = _rows.as_one_row(operation, given, wanted)
        return Memory({}, self.row_scratch(operation, one[0] if one else given, [one[1]] if one else wanted))

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """A loop over rows, or one call."""
        return _rows.emit(writer, operation, given, wanted)

    def row_scratch(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> int:
        """Bytes that a row needs."""
        raise NotImplementedError

    def use(self, writer: Writer) -> None:
        """Take the instruction set's functions, and what becomes of sums."""
        writer.kernel("stream.c", "row_kernel")
        writer.kernel(f"{FOLDER}/{self.isa.name}.c", "vectors")
        writer.kernel(f"{FOLDER}/_lanes/finish.c", "finish")

    def use_exact(self, writer: Writer) -> None:
        """Take the scaling that is exact for all multipliers."""
        self.use(writer)
        writer.kernel(f"{FOLDER}/_lanes/finish.c", "exact")

    def use_finish(self, writer: Writer, way: str) -> None:
        """Take the kernels that make codes of sums; see `Sums.way`."""
        if way:
            self.use(writer)
            writer.kernel(f"{FOLDER}/{self.isa.name}.c", way.strip("_"))
        else:
            self.use_exact(writer)
            writer.kernel(f"{FOLDER}/_lanes/finish.c", "sums")
        writer.kernel(f"{FOLDER}/_lanes/finish.c", "pixels", way=way)
