"""What all kernels need: what becomes of sums, and rows of an input with padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler import arithmetic
from smidgen.compiler.ops._layer import braces

if TYPE_CHECKING:
    from smidgen.compiler.ir import Operation, Value
    from smidgen.compiler.kernels._sums import Sums
    from smidgen.compiler.ops._writer import Writer
    from smidgen.types import Array

FILE = "../kernels/mve/core.c"
FLIP = 128  # codes are signed here: this makes signed ones of unsigned ones by exclusive or
ROUNDED = {  # the words of each way of rounding
    "once": {"MULTIPLY": "vqdmulhq_s32", "AWAY": "high", "WHERE": "rounded once, halfway up"},
    "twice": {"MULTIPLY": "vqrdmulhq_s32", "AWAY": "high", "WHERE": "rounded twice, halfway up"},
    "away": {
        "MULTIPLY": "vqrdmulhq_s32",
        "AWAY": "vaddq_s32(high, vshrq_n_s32(high, 31))",
        "WHERE": "rounded twice, halfway up and then halfway away from 0",
    },
}


def flip(x: Value) -> int:
    """What makes codes of a value signed."""
    return 0 if x.dtype == "int8" else FLIP


def scaled(writer: Writer, rounded: str) -> None:
    """Put in what scales sums."""
    writer.kernel(FILE, "core", "codes")
    writer.kernel(FILE, "scaled", name=rounded, **ROUNDED[rounded])


def codes(writer: Writer, own: Sums, order: Array, alike: int = 0) -> str:
    """The fields of a `struct mve_codes`, channels in an order, in which -1 stands for none.

    Where multipliers are all the same, there need be only so many: `alike`.
    """
    there, at = order >= 0, np.maximum(order, 0)
    bias = own.bias + flip(own.x) * own.codes.astype(np.int64).sum(1)
    some = at[: alike or None]
    tables = [
        writer.table("bias", np.where(there, bias[at], 0).astype(np.int32), "int32"),
        writer.table("multiplier", own.multiplier[some], "int32"),
        writer.table("shift", -own.shift[some], "int8"),
    ]
    return braces([*tables, own.zero // 2, own.least, own.most])


def row(x: Value, size: int) -> str:
    """The fields of a `struct mve_row`, of so many bytes."""
    return braces([size, arithmetic.scaling(x).zero_point % 256 ^ flip(x), flip(x)])


def rounded(own: Sums) -> str:
    """How sums are rounded: a key of ROUNDED."""
    return own.name.partition("_")[0]


def up(size: int, multiple: int) -> int:
    """A size up to a multiple."""
    return -(-size // multiple) * multiple


def pitch(operation: Operation, own: Sums, y: Value) -> int:
    """Bytes of a row of a layer's input with its padding, as far as windows go."""
    stride, dilation = (int(operation.attributes.get(key, (1, 1))[1]) for key in ("stride", "dilation"))
    return ((y.shape[1] - 1) * stride + (own.weight.shape[2] - 1) * dilation + 1) * own.x.shape[2]
