"""A fully connected layer: four outputs at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.kernels import _gather
from smidgen.compiler.kernels._sums import EXTEND, Sums, sums
from smidgen.compiler.kernels.armv7em import _core
from smidgen.compiler.memory import Memory
from smidgen.compiler.ops import _rows
from smidgen.compiler.ops._writer import INDENT, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.ops._layer import Row as Fields
    from smidgen.compiler.ops._writer import Values, Writer

FILE = "../kernels/armv7em/dense.c"
WORD = _gather.WORD  # codes, of inputs and of outputs


def find(operation: Operation, given: Values, y: Value) -> Dense | None:
    """The form of a layer; None if its numbers do not fit."""
    found = sums(operation, given, y, packed=True)
    return Dense(found) if found else None


@dataclass(frozen=True)
class Dense:
    """The functions of a kind of operation: see `ops`."""

    sums: Sums

    def memory(self, operation: Operation, given: Values, wanted: Sequence[Value]) -> Memory:
        """Every output needs all inputs. Scratch holds those that are no whole words, and outputs that are no quads.

        It begins with a quad of filters of packed weights.
        """
        (x, *_), (y,) = _rows.computed(given), wanted
        return Memory(scratch_bytes=self._quad + sum(_gather.up(value.count) for value in (x, y) if value.count % WORD))

    @property
    def _quad(self) -> int:
        """Bytes of four filters, where they are unpacked."""
        return WORD * _gather.up(self.sums.x.count) if self.sums.bits else 0

    def emit(self, writer: Writer, operation: Operation, given: Values, wanted: Sequence[Value]) -> str:
        """One call, after codes are copied to where there is room for more, and before they are copied back."""
        (x, *_), (y,), own = _rows.computed(given), wanted, self.sums
        name, source, target = f"{short(x.dtype)}_{own.name}", writer.read(x), writer.at(y)
        before, after = [], []
        room = f"{writer.room()} + {self._quad}" if self.sums.bits else writer.room()
        if x.count % WORD:
            source = room
            before.append(f"memset({source} + {x.count}, 0, {-x.count % WORD});")
            before.append(f"memcpy({source}, {writer.read(x)}, {x.count});")
        if y.count % WORD:
            target = f"{room} + {_gather.up(x.count) if x.count % WORD else 0}"
            after.append(f"memcpy({writer.at(y)}, {target}, {y.count});")
        if clamp := _core.statement(writer, y, own.least, own.most, target):
            after.insert(0, clamp)
        _core.core(writer)
        writer.kernel(FILE, "layer")
        writer.kernel(FILE, "quads", **own.words | {"name": name, "EXTEND": EXTEND[x.dtype]})
        layer = self._layer(writer, x, y)
        call = f"dense_{name}({layer}, {source}, {target});"
        if self.sums.bits:
            writer.kernel(FILE, "packed", name=name)
            call = f"dense_packed_{name}({layer}, {source}, {target}, {writer.room()});"
        return f"\n{INDENT}".join([*before, call, *after])

    def _layer(self, writer: Writer, x: Value, y: Value) -> str:
        """Its constants and its description; the expression of its address."""
        own, rest = self.sums, -y.count % WORD
        weights = np.pad(_gather.ordered(own.codes, 1), ((0, rest), (0, 0)))
        one = bool((own.multipliers == own.multipliers[0]).all())
        multipliers = own.multipliers[:1] if one else np.pad(own.multipliers, (0, rest))
        words = _gather.interleaved(weights, WORD)
        rows: list[Fields] = [
            ["NULL" if self.sums.bits else writer.table("weight", words, "int32")],
            [writer.table("bias", np.pad(own.biases, (0, rest)), "int32")],
            [writer.table("multiplier", multipliers, "int32"), 0 if one else 4],
            [_gather.up(x.count) // WORD, _gather.up(y.count), own.zero],
        ]
        if self.sums.bits is None:
            return writer.layer("dense", rows)
        quads = words.view(np.int8).reshape(-1, WORD * _gather.up(x.count))
        fields = self.sums.bits.fields(writer, quads)
        writer.kernel(FILE, "layer_packed")
        return writer.layer("dense_packed", [[writer.layer("dense", rows, "dense"), fields]])
