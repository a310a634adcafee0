"""Recurrent layers with the products of ARMv7E-M, run by an emulator: what the reference executor computes."""

from typing import Any

import numpy as np
import pytest

from smidgen.compiler import kernels
from smidgen.compiler.ir import Program
from smidgen.compiler.kernels.armv7em.recurrent import Recurrent, _turned
from tests.compiler.boards import needs_boards
from tests.compiler.kernels.layers import runs
from tests.compiler.programs import Made

FORMS: list[tuple[str, int, dict[str, Any]]] = [
    ("gru", 3, {"linear_before_reset": True}),
    ("gru", 3, {"linear_before_reset": False}),
    ("lstm", 4, {}),
]
FORMS += [("rnn", 1, {"activation": "tanh"}), ("rnn", 1, {"activation": "relu"})]


def layers(dtype: str, inputs: int, units: int) -> Program:
    made = Made()
    x = made.input(dtype, (3, inputs), 0.013, 9)
    for index, (kind, gates, attributes) in enumerate(FORMS):
        weights = [made.weights((units * gates, size), codes=True, bias=False)[0] for size in (inputs, units)]
        biases = [made.constant(made.dice.normal(size=units * gates).astype(np.float32)) for _ in range(2)]
        states = ["", ""] if kind == "lstm" else [""]
        shape = (3, units) if index % 2 else (units,)
        made.add(kind, [x, *weights, *biases, *states], ("float32", shape), reverse=bool(index % 2), **attributes)
    return made.program()


@needs_boards
@pytest.mark.parametrize(
    ("dtype", "inputs", "units", "board"), [("uint8", 9, 7, "cortex-m4"), ("int8", 4, 8, "cortex-m33")]
)
def test_layers_answer_as_the_reference_does(dtype: str, inputs: int, units: int, board: str) -> None:
    program = layers(dtype, inputs, units)
    forms = [kernels.find("armv7em", operation, *program.of(operation)) for operation in program.operations]
    assert all(isinstance(form, Recurrent) for form in forms)
    runs(program, "armv7em", board, "-O2")


def test_columns_are_turned_in_whole_fours() -> None:
    assert _turned(np.arange(10)[None]).tolist() == [[0, 2, 1, 3, 4, 6, 5, 7, 8, 9]]
    assert _turned(np.arange(3)[None]).tolist() == [[0, 1, 2]]
