"""A shared library for machines like this one, its header, and a Python module that calls it with numpy alone.

It has the widest kernels that this machine runs; the module says so where another does not run them.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, cast

import smidgen
from smidgen.compiler import emit, kernels, model
from smidgen.compiler.compilation import PLENTY, compiled
from smidgen.compiler.kernels import _host
from smidgen.compiler.passes import lower
from smidgen.compiler.toolchain import FLAGS, build, library
from smidgen.targets.c import prove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.emit import Source
    from smidgen.compiler.model import Model
    from smidgen.types import Runner

FASTEST = "-O3"
MODULE = Template('''\
"""Made by smidgen $version: a model that needs numpy, and $library beside this file.

    from $name import INPUTS, LABELS, OUTPUTS, Model

    model = Model()
    outputs = model({name: array for each of INPUTS})
"""

import ctypes
from pathlib import Path

import numpy as np

# name: (type, shape of one example)
INPUTS = $inputs
OUTPUTS = $outputs
LABELS = $labels  # what the outputs stand for, where they have names
ARENA_BYTES = $arena
NEEDED = $needed  # of the processor, as Linux calls it


class Model:
    """Named arrays in, named arrays out; the first axis of each is the batch. Several threads may call it.

    Raises OSError where the library does not load, or this processor lacks what it needs.
    """

    form = "library"

    def __init__(self, path=Path(__file__).with_name("$library")):
        _check_processor()
        self._run = ctypes.CDLL(str(path)).${name}_run_in

    def __call__(self, inputs):
        """One example after the other. Raises ValueError for an input of another name, type or shape."""
        if inputs.keys() != INPUTS.keys():
            raise ValueError(f"The inputs are {list(INPUTS)}, not {list(inputs)}")
        given = [_checked(name, inputs[name], *INPUTS[name]) for name in INPUTS]
        if len({len(array) for array in given}) != 1:
            raise ValueError("The inputs have batches of different sizes")
        wanted = [np.empty((len(given[0]), *shape), dtype) for dtype, shape in OUTPUTS.values()]
        arena = np.empty(ARENA_BYTES // 8 + 1, np.uint64)
        places = [(array.ctypes.data, array.strides[0]) for array in (*given, *wanted)]
        for index in range(len(given[0])):
            pointers = (ctypes.c_void_p(start + index * stride) for start, stride in places)
            if self._run(ctypes.c_void_p(arena.ctypes.data), *pointers):
                raise RuntimeError("The library refuses its buffers")
        return dict(zip(OUTPUTS, wanted))


def _check_processor():
    try:
        known = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return
    if lacking := [name for name in NEEDED if name not in known]:
        raise OSError(f"$library is for processors with {', '.join(lacking)}, which this one lacks: make it again here")


def _checked(name, array, dtype, shape):
    if array.dtype != dtype or array.shape[1:] != shape:
        raise ValueError(f"{name!r} is {dtype} of shape (n, *{shape}), not {array.dtype} of shape {array.shape}")
    return np.ascontiguousarray(array)
''')


def export(bundle: Path, folder: Path) -> list[Path]:
    """The library of a bundle's model, its header and NAME.py; `Target.export`.

    Raises:
        Unsupported: an operation of the model has no C.
        MissingLibrary: this host has no C compiler, or the package onnx is missing.
        VerificationError: the library, called through NAME.py, answers otherwise than model.onnx; nothing is written.
    """
    return ship(compiled(model.load(bundle)), folder)


def ship(made: Compilation, folder: Path) -> list[Path]:
    """The library of a compilation; raises as `export` does.

    Its kernels are those of the device if this host runs them, and the widest that it runs if there is no device.
    """
    source, flags, needed = _form(made)
    names = (library(source.name), f"{source.name}.h", f"{source.name}.py")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        build(source, Path(scratch), (*FLAGS, FASTEST, *flags))
        script = Path(scratch, f"{source.name}.py")
        script.write_text(_module(made.model, source, needed), encoding="utf-8")
        prove(made, load(script))
        content = {name: Path(scratch, name).read_bytes() for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in names]


def _form(made: Compilation) -> tuple[Source, tuple[str, ...], tuple[str, ...]]:
    """The C, flags for its compiler, and what it needs of a processor."""
    best = _host.best()
    if made.device is None and best != kernels.PORTABLE:
        source = emit.write(lower(made.model.program, best, PLENTY), made.model.name, best)
        return source, tuple(kernels.module(best).flags()), _host.needed(best)
    source, flags = made.here()
    kernel_set = made.device.kernels if made.device and source is made.source else kernels.PORTABLE
    return source, flags, _host.needed(kernel_set)


def load(script: Path) -> Runner:
    """The `Model` of a NAME.py that `export` made."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise ImportError(str(script))
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Runner", module.Model())


def _module(made: Model, source: Source, needed: Sequence[str]) -> str:
    """NAME.py. Names from the file go in as Python literals."""
    program = made.program
    inputs, outputs = (
        {name: (program.values[name].dtype, program.values[name].shape) for name in names}
        for names in (program.inputs, program.outputs)
    )
    return MODULE.substitute(
        version=smidgen.__version__,
        name=source.name,
        library=library(source.name),
        inputs=repr(inputs),
        outputs=repr(outputs),
        labels=repr(made.labels()),
        arena=source.plan.arena_bytes,
        needed=repr(list(needed)),
    )
