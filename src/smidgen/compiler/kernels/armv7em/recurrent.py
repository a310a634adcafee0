"""Recurrent layers whose products are those of codes: two rows of weights at a time, four columns in each turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from smidgen.compiler.cells import sequence_in_codes, state_in_codes
from smidgen.compiler.kernels._sums import EXTEND
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.ops import gru, lstm, rnn
from smidgen.compiler.ops._writer import c_type, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.memory import Memory
    from smidgen.compiler.ops._writer import Values, Writer
    from smidgen.types import Array

FILE = "../kernels/armv7em/recurrent.c"
KINDS: dict[str, Any] = {"gru": gru, "lstm": lstm, "rnn": rnn}


def find(operation: Operation, given: Values, y: Value) -> Recurrent | None:
    """The form of a layer; None where neither the sequence nor the state is in codes."""
    coded = sequence_in_codes(given[0], given[1]) or state_in_codes(operation.attributes, given)
    return Recurrent() if coded else None


class Recurrent:
    """The functions of a kind of operation: see `ops`."""

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """As the portable form."""
        return cast("Memory", KINDS[operation.kind].memory(operation, given, wanted))

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """The same call, with other products."""
        return cast("str", KINDS[operation.kind].emit(writer, operation, given, wanted, products))


def products(writer: Writer, name: str, other: str, codes: Array) -> Array:
    """The kernel `name` for products with codes of the type `other`; weights as it wants them."""
    _core.core(writer)
    writer.kernel(FILE, "words")
    state = other == "int16"
    take = "state" if state else short(other)
    if state:
        writer.kernel(FILE, "of_state")
    else:
        writer.kernel(FILE, "of_codes", name=take, X=c_type(other), EXTEND=EXTEND[other])
    writer.kernel(FILE, "rows", name=name, X=c_type(other), take=take)
    return _turned(codes) if state else codes


def _turned(codes: Array) -> Array:
    """The second and third of every whole four columns in each other's place."""
    columns = np.arange(codes.shape[1])
    whole = columns[: len(columns) // 4 * 4].reshape(-1, 4)
    columns[: whole.size] = whole[:, [0, 2, 1, 3]].ravel()
    return codes[:, columns]
