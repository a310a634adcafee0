"""Writes a program as dependency-free C99: one .c, one .h and a README, for any compiler of C or C++."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import partial
from string import Template
from typing import TYPE_CHECKING

import smidgen
from smidgen.compiler import kernels
from smidgen.compiler.memory import SCRATCH_ALIGNMENT, Plan, plan
from smidgen.compiler.ops._writer import Writer, c_type, number
from smidgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from smidgen.compiler.ir import Operation, Program, Value

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
MATH = re.compile(r"\b(erf|exp|expm1|fabs|floor|log|log1p|pow|sqrt|tanh)f\b")


@dataclass(frozen=True)
class Source:
    """A program in C.

    Attributes:
        name: what its functions and macros begin with.
        files: the content of each file, by its name.
        flash_bytes: weights, biases, multipliers, tables and descriptions of layers, on a device of 32 bits; not code.
        plan: where each value lies in the arena.
        functions: the names of its own, each with the section of a template that it is made of, as "file:section".
    """

    name: str
    files: dict[str, str]
    flash_bytes: int
    plan: Plan
    functions: Mapping[str, str] = field(default_factory=dict)


def write(program: Program, name: str, kernel_set: str = kernels.PORTABLE) -> Source:
    """The C of a program.

    Args:
        program: what an importer made.
        name: a C identifier; `identifier` makes one of any text.
        kernel_set: the instructions that it may use: one of `kernels.names()`.

    Raises:
        Unsupported: an operation that has no C; the message names it.
        UsageError: `name` is not a C identifier, or there are no such kernels.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a C function", "Use letters, digits and _, a letter first")
    found = plan(program, kernels.memory_of(program, kernel_set))
    program = _with_constant_views(program, found)
    writer = Writer(found.offsets, partial(kernels.find, kernel_set))
    steps = list(statements(program, found, writer))
    words = {**_words(program, name, found), "arena": str(found.arena_bytes), "version": smidgen.__version__}
    files = {
        f"{name}.c": _body(words, writer, steps),
        f"{name}.h": _header(words, program, found),
        "README.md": _readme(words, program, writer, found),
    }
    return Source(name, files, writer.flash_bytes, found, writer.functions)


def identifier(text: str) -> str:
    """A C identifier that resembles a text."""
    kept = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40]
    return kept if NAME.fullmatch(kept) else f"model_{kept}"[:40].rstrip("_")


def _with_constant_views(program: Program, found: Plan) -> Program:
    """A constant in another shape is a constant."""
    for view, root in found.views.items():
        value, data = program.values[view], program.values[root].data
        if data is not None:
            program = program.with_value(replace(value, data=data.reshape(value.shape)))
    return program


def _parameters(program: Program) -> dict[str, str]:
    """What the caller's buffers are called in C, the inputs first."""
    names: dict[str, str] = {}
    for kind, values in (("input", program.inputs), ("output", program.outputs)):
        for index, value in enumerate(values):
            names[value] = kind if len(values) == 1 else f"{kind}_{index + 1}"
    return names


def statements(program: Program, found: Plan, writer: Writer) -> Iterator[str]:
    """The statement of each operation that needs one; the writer gets its kernels and constants."""
    for index, operation in enumerate(program.operations):
        if operation.outputs[0] in found.views:
            continue
        writer.step, writer.scratch = f"{operation.kind}_{index}", found.scratch.get(index)
        given, wanted = program.of(operation)
        statement = writer.find(operation, given, wanted).emit(writer, operation, given, wanted)
        yield f"    /* {_comment(program, operation)} */\n    {statement}"


def _comment(program: Program, operation: Operation) -> str:
    """What an operation does, in letters that cannot end a comment."""
    given, (wanted, *_) = program.of(operation)
    shapes = [_shape(value) for value in given if value is not None and value.data is None]
    name = re.sub(r"[^A-Za-z0-9_.]+", "_", operation.name)[:60]
    return f"{operation.kind} {name}: {', '.join(shapes)} -> {_shape(wanted)}"


def _shape(value: Value) -> str:
    return f"{value.dtype} {'x'.join(map(str, value.shape))}"


def _words(program: Program, name: str, found: Plan) -> dict[str, str]:
    """What the placeholders of all files stand for."""
    parameters = _parameters(program)
    inputs, outputs = ([parameters[value] for value in values] for values in (program.inputs, program.outputs))
    pointers = [*(f"const void *{given}" for given in inputs), *(f"void *{wanted}" for wanted in outputs)]
    copies_in = [
        _copy(f"a + {found.offsets[value]}", parameters[value], program.values[value]) for value in program.inputs
    ]
    copies_out = [
        _copy(parameters[value], f"a + {found.offsets[value]}", program.values[value]) for value in program.outputs
    ]
    return {
        "name": name,
        "NAME": name.upper(),
        "parameters": ", ".join(pointers),
        "arguments": ", ".join([*inputs, *outputs]),
        "missing": " || ".join(f"!{pointer}" for pointer in ("arena", *inputs, *outputs)),
        "alignment": str(SCRATCH_ALIGNMENT),
        "places": "".join(
            f"\nvoid *{name}_{parameter}(void)\n{{\n    return {name}_arena.bytes + {found.offsets[value]};\n}}\n"
            for value, parameter in parameters.items()
        ),
        "place_declarations": "".join(f"void *{name}_{parameter}(void);\n" for parameter in parameters.values()),
        "copies_in": "\n".join(copies_in),
        "copies_out": "\n".join(copies_out),
    }


def _copy(to: str, source: str, value: Value) -> str:
    """The statement that copies a value between the caller's buffer and the arena, unless they are the same."""
    return f"    if ({to} != {source}) {{\n        memcpy({to}, {source}, {value.bytes});\n    }}"


BODY = Template("""\
/* Made by smidgen $version: see $name.h for how to call it. C99 and C++; 8-bit bytes, two's complement and arithmetic
   right shifts are taken for granted. */
#include "$name.h"

$includes
$sizes$kernels
$constants
/* How this compiler aligns the largest numbers that the arena may hold. */
struct ${name}_alignment {
    char byte;
    uint64_t number;
};

int ${name}_run_in(void *arena, $parameters)
{
    uint8_t *const a = (uint8_t *)arena;
    if ($missing || (uintptr_t)arena % offsetof(struct ${name}_alignment, number)) {
        return -1;
    }
$copies_in
$steps
$copies_out
    return 0;
}

#ifndef ${NAME}_NO_ARENA
static union {
    uint8_t bytes[${NAME}_ARENA_BYTES ? ${NAME}_ARENA_BYTES : 1];
    uint64_t number;
} ${name}_arena;

int ${name}_run($parameters)
{
    return ${name}_run_in(${name}_arena.bytes, $arguments);
}
$places#endif
""")


def _body(words: dict[str, str], writer: Writer, steps: Sequence[str]) -> str:
    functions = "\n".join(writer.kernels)
    statements = "\n".join(steps)
    used = [
        *(["math.h"] if MATH.search(functions) else []),
        "stddef.h",
        "stdint.h",
        "string.h",
    ]
    includes = "".join(f"#include <{header}>\n" for header in used)
    constants = "\n".join(writer.constants)
    most = f"enum {{ MOST_ROWS = {writer.most_rows}, MOST_BANDS = {writer.most_bands} }};\n\n"
    sizes = most if writer.most_bands else ""
    return BODY.substitute(
        words, sizes=sizes, includes=includes, kernels=functions, constants=constants, steps=statements
    )


HEADER = Template("""\
/* Made by smidgen $version. */
#ifndef ${NAME}_H
#define ${NAME}_H

#ifdef __cplusplus
extern "C" {
#endif

$macros
/* Runs the network once. Buffers hold the types above, are aligned for them and do not overlap. Returns 0, or -1 where
   a pointer is null. It remembers nothing: the state of a recurrent network is one more output, to be given as one more
   input the next time. Its arena is a static variable, so that only one thread may run it at a time; define
   ${NAME}_NO_ARENA to leave it and these functions out. */
int ${name}_run($parameters);

/* The places in the arena where inputs and outputs lie while the network runs. A buffer of your own is copied there or
   from there; given these, nothing is copied and no other buffers are needed. A run overwrites its inputs. */
$place_declarations
/* The same in ${NAME}_ARENA_BYTES of memory of the caller, aligned to $alignment bytes (else -1), the places at the
   offsets above. What else is in it before and after a call does not matter. */
int ${name}_run_in(void *arena, $parameters);

#ifdef __cplusplus
}
#endif
#endif
""")


def _header(words: dict[str, str], program: Program, found: Plan) -> str:
    name = words["NAME"]
    lines = []
    for kind, values in (("INPUT", program.inputs), ("OUTPUT", program.outputs)):
        for index, value in enumerate(program.values[key] for key in values):
            macro = f"{name}_{kind}" if len(values) == 1 else f"{name}_{kind}_{index + 1}"
            lines.append(f"/* {c_type(value.dtype)}, {' x '.join(map(str, value.shape))}, the last axis fastest */")
            lines.append(f"#define {macro}_BYTES {value.bytes}")
            lines.append(f"#define {macro}_OFFSET {found.offsets[value.name]}")
            if value.quantization is not None:
                lines.append(f"#define {macro}_SCALE {number(value.quantization.scale)}")
                lines.append(f"#define {macro}_ZERO_POINT {value.quantization.zero_point}")
    lines.append(f"#define {name}_ARENA_BYTES {words['arena']}")
    if names := labels(program):
        lines.append(f"\n/* What the outputs stand for, as an initialiser: const char *labels[] = {name}_LABELS; */")
        lines.append(f"#define {name}_CLASSES {len(names)}")
        lines.append(f"#define {name}_LABELS {{{', '.join(map(_string, names))}}}")
    return HEADER.substitute(words, macros="\n".join(lines) + "\n")


def labels(program: Program) -> list[str]:
    """The names of the classes, where the model carries them."""
    try:
        names = json.loads(program.metadata.get("labels", "[]"))
    except (ValueError, RecursionError):
        return []
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if good else []


def _string(text: str) -> str:
    """A C string literal of UTF-8; what is not plain becomes octal escapes."""
    data = text.encode("utf-8", "backslashreplace")
    plain = {code: chr(code) for code in range(32, 127) if chr(code) not in '"\\?'}
    return '"' + "".join(plain.get(code, f"\\{code:03o}") for code in data) + '"'


ROUNDINGS = {
    "onnx": "Integers are multiplied exactly and rounded once an operation, halfway up, whatever the compiler.",
    "litert": "Integers are computed as in LiteRT's reference kernels, bit for bit, whatever the compiler.",
}

README = Template("""\
# $name

A neural network in C, made by smidgen $version. Copy `$name.c` and `$name.h` into your program. It needs nothing
else$libm, allocates no memory and reads no files.

```c
#include "$name.h"

$buffers

int answer(void)
{
    return ${name}_run($arguments); /* 0: the answer is there */
}
```

| | bytes |
|---|---:|
| constants: weights, biases, multipliers, tables | $flash |
| arena: input, output and all between | $arena |
| input, within the arena | $input_bytes |
| output, within the arena | $output_bytes |

The arena is a static variable of `$name.c`. Where memory is short, let the sensor write to `${name}_input()` and read
the answer from `${name}_output()`: no other buffers are needed. Define `${NAME}_NO_ARENA` and call `${name}_run_in` to
give it memory of your own, which you may use for other things between two calls. In this order of execution no arena
can be smaller than $bound bytes. Code and stack come on top; compile with `-Os` or `-O2`.

$rounding
| step | type and shape of its output |
|---|---|
$steps
""")


def _readme(words: dict[str, str], program: Program, writer: Writer, found: Plan) -> str:
    buffers = ((parameter, program.values[name]) for name, parameter in _parameters(program).items())
    made = ((_what(operation), program.values[operation.outputs[0]]) for operation in program.operations)
    rows = (f"| {what} | {_shape(value)} |" for what, value in made)
    integers = any(value.quantization is not None for value in program.values.values())
    return README.substitute(
        words,
        rounding=f"{ROUNDINGS[program.rounding]}\n" if integers else "",
        libm=" but the C mathematics library (`-lm`)" if MATH.search("".join(writer.kernels)) else "",
        buffers="\n".join(f"static {c_type(value.dtype)} {name}[{value.count}];" for name, value in buffers),
        flash=f"{writer.flash_bytes:,}",
        arena=f"{found.arena_bytes:,}",
        input_bytes=f"{sum(program.values[name].bytes for name in program.inputs):,}",
        output_bytes=f"{sum(program.values[name].bytes for name in program.outputs):,}",
        bound=f"{found.lower_bound:,}",
        steps="\n".join(rows),
    )


def _what(operation: Operation) -> str:
    """The kind of an operation, or those of the operations that a stream is made of."""
    steps = operation.attributes.get("steps", ())
    return (
        f"{len(steps)} row by row: {', '.join(dict.fromkeys(step.kind for step in steps))}" if steps else operation.kind
    )


def save(source: Source, folder: Path) -> list[Path]:
    """Write the files of a source into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in sorted(source.files)]
    for path in paths:
        path.write_bytes(source.files[path.name].encode())
    return paths
