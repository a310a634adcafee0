"""What happens to a program between importer and planner: each pass gives another program of the same answers."""

from functools import partial

from smidgen.compiler import kernels
from smidgen.compiler.ir import Program
from smidgen.compiler.memory import Plan
from smidgen.compiler.passes.constant_channels import fold_constant_channels
from smidgen.compiler.passes.fixed_softmax import fixed_softmax
from smidgen.compiler.passes.stream import Finder, planned


def lower(program: Program, kernel_set: str = kernels.PORTABLE, ram: int | None = None) -> Program:
    """The program in the form that takes least on a device.

    Args:
        program: what an importer made.
        kernel_set: the kernels that it will run on.
        ram: bytes that the arena may have: no more is streamed than it takes to fit, as that costs time; 0 makes it
            smallest. If left out, it is made smallest where that saves much.

    Raises:
        Unsupported: an operation has no C.
    """
    return arrange(fold_constant_channels(program), kernel_set, partial(kernels.find, kernel_set), ram)[0]


def arrange(program: Program, kernel_set: str, find: Finder, ram: int | None = None) -> tuple[Program, Plan]:
    """The part of `lower` that holds for untrained networks too, and the plan of the memory.

    Args:
        program: as above.
        kernel_set: as above.
        find: as `kernels.find` answers for that set.
        ram: as above.
    """
    if not kernels.floating_point(kernel_set):
        program = fixed_softmax(program)
    return planned(program, find, ram)
