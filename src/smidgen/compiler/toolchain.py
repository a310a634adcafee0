"""Compilers on this host, and the C of a program as a Runner."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.compiler.emit import save
from smidgen.errors import MissingLibrary, UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.emit import Source
    from smidgen.compiler.ir import Program, Value
    from smidgen.types import Array, Arrays

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
FLAGS = ("-O2", "-std=c99")  # a warning that a newer compiler has thought of must not stop anybody
LONGEST = 300  # seconds that a compiler may take


def compiler() -> list[str]:
    """The command of a C compiler: $CC, gcc, clang or the zig of the package ziglang.

    Raises:
        MissingLibrary: there is none on this host.
    """
    if given := shlex.split(os.environ.get("CC", "")):
        return given
    for name in ("gcc", "clang"):
        if shutil.which(name):
            return [name]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise MissingLibrary("a C compiler (gcc, clang or ziglang)", "c", "Checking C before it is written")


def build(source: Source, folder: Path, flags: Sequence[str] = FLAGS, main: str = "") -> Path:
    """Compile a source in a folder.

    Args:
        source: the C of a program.
        folder: where its files and the result go.
        flags: of the compiler.
        main: a further C file, for an executable; a shared library if empty.

    Returns:
        The path of the executable or shared library.

    Raises:
        VerificationError: the compiler refuses; the message has its first line.
    """
    files = [str(path) for path in save(source, folder) if path.suffix == ".c"]
    if main:
        (folder / "main.c").write_text(main, encoding="utf-8")
        files.append(str(folder / "main.c"))
    result = folder / (source.name if main else f"lib{source.name}.{'dll' if os.name == 'nt' else 'so'}")
    shared = () if main else ("-shared", *(() if os.name == "nt" else ("-fPIC",)))
    command = [*compiler(), *flags, *shared, *files, "-o", str(result), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VerificationError(f"The C compiler {command[0]} cannot be run: {error}", "Set CC to another") from None
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:300])
        raise VerificationError(f"{command[0]} does not compile {source.name}.c: {first}", "This is a fault of smidgen")
    return result


class CRunner:
    """The C of a program, compiled for this host and called in this process. One thread.

    Raises:
        MissingLibrary: no C compiler.
        VerificationError: the compiler refuses the C.
    """

    form = "c"

    def __init__(self, source: Source, program: Program) -> None:
        self._inputs = [program.values[name] for name in program.inputs]
        self._outputs = [program.values[name] for name in program.outputs]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            library = ctypes.CDLL(str(build(source, Path(folder))))
        self._run = getattr(library, f"{source.name}_run")

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """A batch, one example after the other. Raises UsageError for an input of another type or shape."""
        if inputs.keys() != {value.name for value in self._inputs}:
            raise UsageError(f"The C takes the inputs {[value.name for value in self._inputs]}, not {sorted(inputs)}")
        given = [_batch(value, inputs[value.name]) for value in self._inputs]
        if len({len(array) for array in given}) != 1:
            raise UsageError("The inputs have batches of different sizes")
        wanted = [np.empty((len(given[0]), *value.shape), value.dtype) for value in self._outputs]
        for index in range(len(given[0])):
            buffers = [array[index : index + 1].ctypes.data_as(ctypes.c_void_p) for array in (*given, *wanted)]
            if self._run(*buffers):
                raise VerificationError("The C refuses its buffers", "This is a fault of smidgen")
        return {value.name: array for value, array in zip(self._outputs, wanted, strict=True)}


def _batch(value: Value, array: Array) -> Array:
    if array.dtype != value.dtype or array.shape[1:] != value.shape:
        raise UsageError(
            f"Input {value.name!r} is {value.dtype} of shape (batch, {', '.join(map(str, value.shape))}), "
            f"not {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array)
