"""Probabilities without floating-point instructions, for cores that have none: exponentials of fixed-point logits.

A library of floating point takes 5 KB of flash, as much as many a network. So the layer before a softmax gives its
sums as 32-bit integers in units of `LOGIT` instead of as floats, and `ops/softmax.py` makes floats of the shares.
"""

from dataclasses import replace

from smidgen.compiler._fixed_point import LOGIT
from smidgen.compiler.ir import LAYERS, Operation, Program, Quantization


def fixed_softmax(program: Program) -> Program:
    """The same program with such logits where a layer of codes gives them, and nothing else reads them."""
    makers = {operation.outputs[0]: operation for operation in program.operations}
    readers = [name for operation in program.operations for name in operation.inputs]
    values = dict(program.values)
    for operation in program.operations:
        logits = operation.inputs[0]
        inner = logits in makers and logits not in program.outputs and readers.count(logits) == 1
        if operation.kind == "softmax" and inner and _of_codes(program, makers[logits]):
            values[logits] = replace(values[logits], dtype="int32", quantization=Quantization((LOGIT,), (0,)))
    return replace(program, values=values)


def _of_codes(program: Program, maker: Operation) -> bool:
    """Whether a layer takes codes and gives floats as they come."""
    given, (wanted,) = program.of(maker)
    plain = maker.kind in LAYERS and maker.attributes.get("activation", "none") == "none"
    return plain and wanted.dtype == "float32" and given[0] is not None and given[0].quantization is not None
