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
ZIG = (sys.executable, "-m", "ziglang", "cc")
WASM = (  # wasi for its mathematics of C; a reactor is a library, and this one asks nothing of its host
    *("-target", "wasm32-wasi", "-mexec-model=reactor", "-msimd128", "-O2", "-std=c99", "-s"),
    *("-Wl,--no-entry", "-Wl,-z,stack-size=65536"),
)


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
        return list(ZIG)
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
        MissingLibrary: no C compiler.
        VerificationError: the compiler refuses; the message has its first line.
    """
    shared = () if main else ("-shared", *(() if os.name == "nt" else ("-fPIC",)))
    result = source.name if main else library(source.name)
    return _compile([*compiler(), *flags, *shared], source, main, folder / result)


def build_wasm(source: Source, folder: Path, exports: str) -> Path:
    """A WebAssembly module, which imports nothing, of a source and a further C file that says what it exports.

    Raises:
        MissingLibrary: the package ziglang is missing.
        VerificationError: the compiler refuses; the message has its first line.
    """
    if not importlib.util.find_spec("ziglang"):
        raise MissingLibrary("ziglang", "c", "Compiling WebAssembly")
    return _compile([*ZIG, *WASM], source, exports, folder / f"{source.name}.wasm")


def library(name: str) -> str:
    """What the shared library of a program is called on this system."""
    suffix = {"win32": "dll", "darwin": "dylib"}.get(sys.platform, "so")
    return f"lib{name}.{suffix}"


def _compile(command: Sequence[str], source: Source, main: str, result: Path) -> Path:
    """Run a compiler on a source and, unless it is empty, on a further C file, in the folder of the result."""
    files = [str(path) for path in save(source, result.parent) if path.suffix == ".c"]
    if main:
        (result.parent / "main.c").write_text(main, encoding="utf-8")
        files.append(str(result.parent / "main.c"))
    whole, tool = [*command, *files, "-o", str(result), "-lm"], "zig" if "ziglang" in command else command[0]
    try:
        done = subprocess.run(whole, capture_output=True, text=True, check=False, timeout=LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VerificationError(f"The C compiler {tool} cannot be run: {error}", "Set CC to another") from None
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:300])
        raise VerificationError(f"{tool} does not compile {source.name}.c: {first}", "This is a fault of smidgen")
    return result


class CRunner:
    """The C of a program, compiled for this host and called in this process. One thread.

    Raises:
        MissingLibrary: no C compiler.
        VerificationError: the compiler refuses the C.
    """

    form = "c"

    def __init__(self, source: Source, program: Program, flags: Sequence[str] = FLAGS) -> None:
        self._inputs = [program.values[name] for name in program.inputs]
        self._outputs = [program.values[name] for name in program.outputs]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            library = ctypes.CDLL(str(build(source, Path(folder), flags)))
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
