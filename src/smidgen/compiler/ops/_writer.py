"""Collects the C of a program: kernels, constants and where each value lies."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from string import Template
from textwrap import fill
from typing import Any

import numpy as np

from smidgen.compiler.ir import Operation, Value
from smidgen.errors import Unsupported
from smidgen.types import Array

C_TYPES = {
    "float32": ("float", "f32"),
    "int32": ("int32_t", "i32"),
    "int16": ("int16_t", "i16"),
    "uint8": ("uint8_t", "u8"),
    "int8": ("int8_t", "i8"),
}
INDENT = "    "
Values = Sequence[Value | None]
FUNCTION = re.compile(r"^static (?:inline )?[\w *]*?(\w+)\(", re.MULTILINE)
FLOAT_MOST = float(np.finfo(np.float32).max)


class Writer:
    """The parts of one C file. Equal kernels and equal constants are written once.

    Attributes:
        offsets: where in the arena each value lies that is no constant, in bytes.
        find: the form of an operation in the set of kernels at hand.
        kernels: functions and the types they need, in order.
        functions: the names of these, each with the template's section that it is made of, as "file:section".
        constants: their definitions, in order.
        flash_bytes: of all constants and descriptions of layers, on a device of 32 bits.
        step: the identifier of the operation at hand.
        scratch: where in the arena the scratch of the operation at hand lies, in bytes; None if it has none.
        most_rows: the most rows that a row kernel is given at once.
        most_bands: the most values that a stream handles; 0 if nothing is done row by row.
    """

    def __init__(self, offsets: Mapping[str, int], find: Callable[[Operation, Values, Sequence[Value]], Any]) -> None:
        self.offsets, self.find = offsets, find
        self.kernels: dict[str, None] = {}
        self.functions: dict[str, str] = {}
        self.constants: list[str] = []
        self.flash_bytes = 0
        self.step = ""
        self.scratch: int | None = None
        self.most_rows = self.most_bands = 0
        self._known: dict[tuple[str, bytes], str] = {}

    def kernel(self, file: str, *names: str, **words: str) -> None:
        """Use sections of a template, with words put in for its placeholders."""
        for name in names:
            text, functions = _filled(file, name, tuple(words.items()))
            if text not in self.kernels:
                self.kernels[text] = None
                self.functions |= dict.fromkeys(functions, f"{Path(file).stem}:{name}")

    def table(self, label: str, data: Array, dtype: str) -> str:
        """A constant array; the expression that names it."""
        flat = np.ascontiguousarray(data, dtype).ravel()
        key = (dtype, flat.tobytes())
        if key not in self._known:
            self._known[key] = f"{self.step}_{label}"
            words = fill(", ".join(number(item) for item in flat.tolist()), 116, break_long_words=False)
            body = "\n".join(INDENT + line for line in words.splitlines())
            head = f"static const {c_type(dtype)} {self._known[key]}[{len(flat)}]"
            self.constants.append(f"{head} = {{\n{body}\n}};\n")
            self.flash_bytes += flat.nbytes
        return self._known[key]

    def layer(self, struct: str, rows: Sequence[Sequence[int | float | str]], label: str = "") -> str:
        """A description of a layer, one row of fields a line; the expression of its address."""
        name = f"{self.step}_{label}" if label else self.step
        fields = "\n".join(INDENT + ", ".join(map(number, row)) + "," for row in rows)
        self.constants.append(f"static const struct {struct} {name} = {{\n{fields}\n}};\n")
        self.flash_bytes += 4 * sum(str(item).count(",") + 1 for row in rows for item in row)
        return f"&{name}"

    def at(self, value: Value, label: str = "constant") -> str:
        """The address of a value, of the right type: in the arena, or of a constant."""
        if value.data is not None:
            return self.table(label, value.data, value.dtype)
        return f"({c_type(value.dtype)} *)(a + {self.offsets[value.name]})"

    def room(self) -> str:
        """The address of the scratch of the operation at hand, a `uint8_t *`."""
        return "NULL" if self.scratch is None else f"a + {self.scratch}"

    def read(self, value: Value) -> str:
        """The address of a value that is only read."""
        return self.at(value) if value.data is not None else f"(const {self.at(value)[1:]}"


@lru_cache(maxsize=1024)
def _filled(file: str, name: str, words: tuple[tuple[str, str], ...]) -> tuple[str, list[str]]:
    """A section of a template with words put in, and the functions in it."""
    text = Template(sections(file)[name]).substitute(dict(words))
    return text, FUNCTION.findall(text)


@cache
def sections(file: str) -> dict[str, str]:
    """The parts of a template, which lines `//@ name` separate."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    _, *parts = re.split(r"^//@ (\w+)\n", text, flags=re.MULTILINE)
    return {name: f"{body.rstrip()}\n" for name, body in zip(parts[::2], parts[1::2], strict=True)}


def c_type(dtype: str) -> str:
    """The C type of an element."""
    return _known(dtype)[0]


def short(dtype: str) -> str:
    """What an element's type is called in the names of kernels."""
    return _known(dtype)[1]


def _known(dtype: str) -> tuple[str, str]:
    if dtype not in C_TYPES:
        raise Unsupported(f"values of type {dtype}", "The target c", f"Its types are {', '.join(C_TYPES)}")
    return C_TYPES[dtype]


def real_bounds(activation: str) -> tuple[float, float]:
    """The least and greatest float that an operation with a fused activation gives."""
    return (
        0.0 if activation in ("relu", "relu6") else -FLOAT_MOST,
        6.0 if activation == "relu6" else FLOAT_MOST,
    )


def number(item: float | str) -> str:
    """A C literal; text stays as it is."""
    if isinstance(item, str):
        return item
    if isinstance(item, int):
        return "(-2147483647 - 1)" if item == -(2**31) else str(item)
    if not np.isfinite(item):
        raise Unsupported(f"the constant {item}", "The target c", "Constants must be finite numbers")
    text = f"{np.float32(item):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"
