"""LiteRT (TensorFlow Lite) files to the compiler's own form: int8 models, and float32 models with any weights."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._tflite_file import File
from smidgen.compiler.importers._tflite_graph import Network
from smidgen.compiler.importers._tflite_operations import OPERATIONS
from smidgen.compiler.ir import Program
from smidgen.compiler.litert import check
from smidgen.errors import BundleError, MissingLibrary, SmidgenError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_FILE = 2**28  # bytes
HYBRID = "hybrid"  # in the metadata of a program that LiteRT computes less exactly
MOST_ENDS = 32  # inputs and outputs
MALFORMED = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
)


def read(model: bytes) -> Program:
    """The network in a .tflite file, of rounding "litert": batch of one removed, padding explicit.

    Args:
        model: the content of the file. It is data: nothing in it runs, no other file is opened.

    Raises:
        BundleError: the file is damaged, or larger than `LARGEST_FILE`.
        Unsupported: it has an operator, or a form of one, that the compiler does not know; the message names it.
        MissingLibrary: the package tflite is not installed.
    """
    try:
        import tflite  # noqa: F401
    except ImportError:
        raise MissingLibrary("tflite", "c", "Reading a .tflite file") from None
    if len(model) > LARGEST_FILE:
        raise BundleError(f"The .tflite file has {len(model)} bytes; the compiler reads at most {LARGEST_FILE}")
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        with _sense("The .tflite file"):
            file = File(model)
            if not file.inputs or not file.outputs or len(file.inputs) + len(file.outputs) > MOST_ENDS:
                raise ValueError(f"it has {len(file.inputs)} inputs and {len(file.outputs)} outputs")
            network = Network(file)
            inputs = tuple(network.enter(index) for index in file.inputs)
        for position in range(file.nodes):
            with _sense(f"Node {position} of the .tflite file"):
                node = file.node(position)
            if node.op not in OPERATIONS:
                raise node.unsupported(f"It knows: {', '.join(sorted(OPERATIONS))}")
            with _sense(f"Node {node.label} ({node.op}) of the .tflite file"):
                OPERATIONS[node.op](network, node)
        with _sense("The .tflite file"):
            outputs = tuple(network.leave(index) for index in file.outputs)
            metadata = {HYBRID: "int8 weights of float layers"} if network.hybrid else {}
            program = Program(network.values, network.operations, inputs, outputs, "litert", metadata)
        for operation in program.operations:
            with _sense(f"Node {operation.name} ({operation.kind}) of the .tflite file"):
                check(program, operation)
    return program


@contextmanager
def _sense(where: str) -> Iterator[None]:
    """A damaged file can fail at any access to it: that is an error of the file, not of ours."""
    try:
        yield
    except SmidgenError:
        raise
    except MALFORMED as error:
        raise BundleError(f"{where} makes no sense: {error}") from None
