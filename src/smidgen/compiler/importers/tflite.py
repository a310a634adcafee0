"""LiteRT (TensorFlow Lite) files to the compiler's own form: int8 models, and float32 models with any weights."""

from __future__ import annotations

import numpy as np

from smidgen.compiler.importers._file import MOST_ENDS, bounded, sense
from smidgen.compiler.importers._tflite_file import File
from smidgen.compiler.importers._tflite_graph import Network
from smidgen.compiler.importers._tflite_operations import OPERATIONS
from smidgen.compiler.ir import Program
from smidgen.compiler.litert import check
from smidgen.errors import MissingLibrary

HYBRID = "hybrid"  # in the metadata of a program that LiteRT computes less exactly


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
    bounded(model, ".tflite")
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        with sense("The .tflite file"):
            file = File(model)
            if not file.inputs or not file.outputs or len(file.inputs) + len(file.outputs) > MOST_ENDS:
                raise ValueError(f"it has {len(file.inputs)} inputs and {len(file.outputs)} outputs")
            network = Network(file)
            inputs = tuple(network.enter(index) for index in file.inputs)
        for position in range(file.nodes):
            with sense(f"Node {position} of the .tflite file"):
                node = file.node(position)
            if node.op not in OPERATIONS:
                raise node.unsupported(f"It knows: {', '.join(sorted(OPERATIONS))}")
            with sense(f"Node {node.label} ({node.op}) of the .tflite file"):
                OPERATIONS[node.op](network, node)
        with sense("The .tflite file"):
            outputs = tuple(network.leave(index) for index in file.outputs)
            metadata = {HYBRID: "int8 weights of float layers"} if network.hybrid else {}
            program = Program(network.values, network.operations, inputs, outputs, "litert", metadata)
        for operation in program.operations:
            with sense(f"Node {operation.name} ({operation.kind}) of the .tflite file"):
                check(program, operation)
    return program
