"""What a network costs on a device, before it is trained: it is compiled, and flash and RAM are read off.

Constants and the arena are those of the C that ships, to the byte, but for what only trained weights show: channels
that prove to be constant, and few distinct values. Code is the sum of its functions as they were measured once, by
`benchmarks/compiler/code_sizes.py`; the stack is what the deepest of our networks takes.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from smidgen.compiler import emit, kernels
from smidgen.compiler.footprint import multiply_adds
from smidgen.compiler.ir import BITS, Operation, Program, Value
from smidgen.compiler.ops._writer import Values, Writer
from smidgen.compiler.passes import arrange
from smidgen.compiler.passes.constant_channels import fold_constant_channels
from smidgen.compiler.picture import picture
from smidgen.compiler.sketch import sketch
from smidgen.types import Array, Cost

SIZES = Path(__file__).parent / "kernels" / "code_sizes.json"
STACK = 512  # bytes, with the variables of a firmware; 412 to 500 were measured


def price(
    network: nn.Module, raw: Tensor, bits: int = 8, kernel_set: str = kernels.PORTABLE, ram: int | None = None
) -> Cost:
    """What `network` costs with weights and activations of `bits` (8, or 32 for float).

    Args:
        network: untrained or trained; it is left as it was.
        raw: an example input, (batch, ...).
        bits: of weights and, 8 or 32, of activations.
        kernel_set: what it will run on, one of `kernels.names()`.
        ram: bytes that there are, so that it is made as small as it takes to fit; see `passes.lower`.

    Raises:
        Unsupported: a layer cannot be compiled.
    """
    return of_program(sketch(network, raw, bits), kernel_set, ram, Ledger)


def shipped(model: bytes, kernel_set: str = kernels.PORTABLE, ram: int | None = None) -> Cost:
    """What the network in an ONNX file costs, with all that its weights show.

    Raises:
        Unsupported: it cannot be compiled.
    """
    from smidgen.compiler.importers.onnx import read

    return of_program(fold_constant_channels(read(model)), kernel_set, ram)


def memory_map(model: bytes, kernel_set: str = kernels.PORTABLE, ram: int | None = None) -> str:
    """The picture of the arena of the network in an ONNX file, as SVG; arguments as for `shipped`."""
    from smidgen.compiler.importers.onnx import read

    program = fold_constant_channels(read(model))
    program, found = arrange(program, kernel_set, _remembering(kernel_set), _want(ram))
    return picture(found, program)


def of_program(
    program: Program, kernel_set: str = kernels.PORTABLE, ram: int | None = None, writer: type[Writer] = Writer
) -> Cost:
    """What a program costs; `writer` takes its constants."""
    find = _remembering(kernel_set)
    program, found = arrange(program, kernel_set, find, _want(ram))
    ledger = writer(found.offsets, find)
    statements = sum(1 for _ in emit.statements(program, found, ledger))
    sizes = code_sizes(kernel_set)
    code = sum(sizes["functions"].get(section, sizes["other"]) for section in set(ledger.functions.values()))
    code += sizes["rest"] + sizes["step"] * statements
    computed = {name for step in program.steps() if step.kind == "band_powers" for name in step.inputs}  # not learnt
    constants = [value for value in program.constants() if value.data is not None and value.name not in computed]
    return Cost(
        parameters=sum(value.count for value in constants),
        flash_bytes=ledger.flash_bytes + code,
        ram_bytes=found.arena_bytes + STACK,
        macs=sum(multiply_adds(program, step) for step in program.steps()),
        basis=f"compiled for {kernel_set} kernels: constants and arena to the byte, code and stack as measured before",
    )


def parts(network: nn.Module, raw: Tensor, bits: int = 8) -> list[tuple[str, int]]:
    """The layers of a network that have weights, and the bytes of these and of biases."""
    program = sketch(network, raw, bits)
    layers = ((step.name, [program.values[name] for name in step.inputs[1:3] if name]) for step in program.steps())
    return [(name, sum(value.bytes for value in own)) for name, own in layers if own and own[0].data is not None]


class Ledger(Writer):
    """A writer that only counts the bytes of constants."""

    def table(self, label: str, data: Array, dtype: str) -> str:
        """Nothing is written; weights have no values yet, so that equal ones do not count as one."""
        self.flash_bytes += -(-data.size * BITS[dtype] // 8)
        return label


def _remembering(kernel_set: str) -> Callable[[Operation, Values, Sequence[Value]], Any]:
    """`kernels.find` for a set, asked once for each operation."""
    known: dict[tuple[str, int], Any] = {}

    def find(operation: Operation, given: Values, wanted: Sequence[Value]) -> Any:
        key = operation.name, id(operation.attributes)
        if key not in known:
            known[key] = kernels.find(kernel_set, operation, given, wanted)
        return known[key]

    return find


def _want(ram: int | None) -> int | None:
    """What the arena may have of so many bytes."""
    return None if ram is None else max(0, ram - STACK)


@cache
def code_sizes(kernel_set: str) -> dict[str, Any]:
    """Bytes of code: of each function, of others, of a step, and of the rest of a firmware; of the likest set known."""
    sizes: dict[str, Any] = json.loads(SIZES.read_text(encoding="utf-8"))
    found: dict[str, Any] = sizes.get(kernel_set, sizes[kernels.PORTABLE])
    return found
