"""ONNX files to the compiler's own form: float graphs, and QDQ graphs as quantisers write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.importers._file import MOST_ENDS, MOST_NODES, bounded, sense
from smidgen.compiler.importers._onnx_graph import Constant, Network, Node, array, checked_name
from smidgen.compiler.importers._onnx_operations import OPERATIONS
from smidgen.compiler.importers._onnx_operations.folding import fold
from smidgen.compiler.ir import Program
from smidgen.compiler.passes.band_powers import fuse_band_powers
from smidgen.compiler.passes.simplify import simplify
from smidgen.errors import BundleError, MissingLibrary

if TYPE_CHECKING:
    import onnx


def read(model: bytes) -> Program:
    """The network in an ONNX file: batch removed, integers where the file rounds to integers.

    Args:
        model: the content of the file. It is data: nothing in it runs, no other file is opened.

    Raises:
        BundleError: the file is damaged, or larger than `LARGEST_FILE`.
        Unsupported: it has an operation that the compiler does not know; the message names it.
        MissingLibrary: the package onnx is not installed.
    """
    graph, metadata = _parse(model)
    network = Network()
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        with sense("The ONNX graph"):
            for tensor in graph.initializer:
                network.tensors[tensor.name] = Constant(array(tensor))
            inputs = [network.enter(value) for value in graph.input if value.name not in network.tensors]
        for proto in graph.node:
            with sense(f"Node {proto.name or [*proto.output]} ({proto.op_type}) of the ONNX graph"):
                _translate(network, Node.of(proto))
        with sense("The ONNX graph"):
            names = [checked_name(value.name) for value in graph.output]
            if not inputs or not names or len(inputs) + len(names) > MOST_ENDS:
                raise ValueError(f"it has {len(inputs)} inputs and {len(names)} outputs")
            if len({*inputs, *names}) != len(inputs) + len(names):
                raise ValueError("two inputs or outputs have one name")
            outputs = [network.result(name) for name in names]
            whole = Program(network.values, network.operations, tuple(inputs), tuple(outputs), "onnx", metadata)
            return simplify(fuse_band_powers(whole), names)


def _translate(network: Network, node: Node) -> None:
    own = node.domain in ("", "ai.onnx")
    if own and fold(network, node):
        return
    if not own or node.op not in OPERATIONS:
        raise node.unsupported(f"It knows: {', '.join(sorted(OPERATIONS))}")
    OPERATIONS[node.op](network, node)


def _parse(model: bytes) -> tuple[onnx.GraphProto, dict[str, str]]:
    try:
        import onnx
    except ImportError:
        raise MissingLibrary("onnx", "train", "Reading an ONNX file") from None
    bounded(model, "ONNX")
    try:
        proto = onnx.load_model_from_string(model)
        metadata = {entry.key: entry.value for entry in proto.metadata_props}
        json.dumps(metadata)  # text that is not UTF-8 would be bytes
    except Exception as error:  # noqa: BLE001  protobuf's exceptions share no other base
        raise BundleError(f"The file is not an ONNX model: {error}") from None
    if len(proto.graph.node) > MOST_NODES:
        raise BundleError(f"The ONNX graph has {len(proto.graph.node)} nodes; the compiler reads at most {MOST_NODES}")
    return proto.graph, metadata
