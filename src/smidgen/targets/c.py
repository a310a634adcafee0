"""C99 without dependencies: NAME.c, NAME.h and a README, checked against the model on this host before it is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smidgen.bundle import MODEL
from smidgen.compiler import emit, reference
from smidgen.compiler.compilation import compiled
from smidgen.compiler.footprint import layers
from smidgen.compiler.importers.tflite import HYBRID
from smidgen.compiler.model import load
from smidgen.compiler.toolchain import FLAGS, CRunner
from smidgen.errors import VerificationError
from smidgen.runner import OnnxRunner
from smidgen.targets import _stream

if TYPE_CHECKING:
    from pathlib import Path

    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.ir import Operation, Program, Value
    from smidgen.compiler.model import Model
    from smidgen.types import Array, Arrays, Runner

EXAMPLES, FEWEST = 200, 10
ENOUGH = 10**8  # multiply-adds of the largest layer on all examples: the reference executor is not fast
TIE = 0.01  # outputs as close as this may change places: one step in a layer can be enough for it
CLOSE = 0.05  # of the largest output (at least 1): how far a number may be from that of the file
STEPS = 1.0  # of a layer's scale: how far its values may be from the file's on average; rounding alone takes 0.25
EXACT = 1e-4  # how far the C may be from the reference executor, which has the same integers and other exponentials
INEXACT = ("band_powers", "exp", "gru", "log", "lstm", "pow", "rnn", "sigmoid", "tanh")  # of floats: to the last bits
MOVES = ("reshape", "transpose", "slice")  # operations that give numbers of their input


def export(bundle: Path, folder: Path) -> list[Path]:
    """The C of a bundle's model; `Target.export`. Its functions are called after the bundle.

    Raises:
        Unsupported: an operation of the model has no C.
        MissingLibrary: this host has no C compiler to check with, or the package onnx is missing.
        VerificationError: the C answers otherwise than model.onnx; nothing is written.
    """
    return ship(compiled(load(bundle / MODEL, emit.identifier(bundle.name))), folder)


def ship(made: Compilation, folder: Path) -> list[Path]:
    """The C of a compilation; raises as `export` does."""
    source, (form, flags) = made.source, made.here()
    stream = _stream.files(made.model.program, source.name)
    runner = CRunner(replace(form, files={**form.files, **stream}), made.model.program, (*FLAGS, *flags))
    proof = f"\nChecked before it was written: {prove(made, runner)}\n"
    if made.device is not None and made.special:
        other = "" if form is source else "That was done with kernels that run anywhere. "
        proof += (
            f"\n{other}The file is for {made.device.name}, with the kernels {made.device.kernels}:\n"
            f"compile it with `{' '.join(made.flags)}`.\n"
        )
    if stream:
        proof += f"\n`{source.name}_stream.c` runs it on a stream of samples, with a ring for the newest ones.\n"
    readme = {"README.md": source.files["README.md"] + proof}
    return emit.save(replace(source, files={**source.files, **stream, **readme}), folder)


def prove(made: Compilation, runner: Runner) -> str:
    """What a form was checked against, in a sentence; raises VerificationError where it answers otherwise."""
    model, most = made.model, max(layer.macs for layer in layers(made.program, made.source.plan))
    inputs = examples(model.program, max(FEWEST, min(EXAMPLES, ENOUGH // max(most, 1))))
    count = len(next(iter(inputs.values())))
    if model.program.rounding == "onnx":
        furthest = check(model.content, model.program, runner, inputs)
        return (
            f"on {count} random inputs it decides as `{model.file}` does in onnxruntime,\n"
            f"and no output is further than {furthest:.2g} away."
        )
    original = model.original()
    furthest = same(model, runner, inputs, original)
    whom = "LiteRT's reference kernels" if original else "smidgen's reference executor (LiteRT is not installed)"
    how = f"no output is further than {furthest:.2g} away" if furthest else "every output is equal, bit for bit"
    return f"on {count} random inputs it was compared with `{model.file}` in {whom};\n{how}."


def same(model: Model, runner: Runner, inputs: Arrays, original: Runner | None) -> float:
    """The largest difference between the outputs of a .tflite file and of another form of it, 0 for integers.

    Raises:
        VerificationError: an integer differs, or a float by more than exponentials and sums may.
    """
    traced, found = reference.run(model.program, inputs), runner(inputs)
    near, furthest = CLOSE if HYBRID in model.program.metadata else EXACT, 0.0
    for name, wanted in (original(inputs) if original else traced).items():
        for expected, whose, share in ((traced[name], "its program says", EXACT), (wanted, f"{model.file} says", near)):
            distance = float(np.abs(expected.astype(np.float64) - found[name]).max())
            allowed = share * max(1.0, float(np.abs(expected).max())) if expected.dtype.kind == "f" else 0.0
            if not distance <= allowed:
                raise _fault(
                    f"The form {runner.form} does not compute in {name} what {whose}: it is {distance:.3g} away"
                )
            furthest = max(furthest, distance)
    return furthest


def examples(program: Program, count: int) -> dict[str, Array]:
    """Inputs to compare on, half of them noise and half smooth, with the darkest and the brightest: (count, ...)."""
    dice, rows = np.random.default_rng(0), _rows(program)
    return {name: _examples(program.values[name], count, dice, rows.get(name)) for name in program.inputs}


def _rows(program: Program) -> dict[str, int]:
    """For each input of indices, such as those of words, how many rows its table has: others mean nothing."""
    indices, rows = {name: name for name in program.inputs}, dict[str, int]()
    for operation in program.steps():
        source = indices.get(operation.inputs[0])
        if source is not None and operation.kind in MOVES:
            indices |= dict.fromkeys(operation.outputs, source)
        elif source is not None and operation.kind in ("embedding", "scatter"):
            read = operation.inputs[1] if operation.kind == "embedding" else operation.outputs[0]
            count = program.values[read].shape[0]
            rows[source] = min(count, rows.get(source, count))
    return rows


def _examples(value: Value, count: int, dice: np.random.Generator, rows: int | None) -> Array:
    """Normal, over what the type holds or over `rows` indices; smooth ones are sums along the first two axes."""
    noise = dice.standard_normal((count, *value.shape))
    for axis in range(1, min(noise.ndim, 3)):
        noise[count // 2 :] = noise[count // 2 :].cumsum(axis)
    flat = noise.reshape(count, -1)
    spread = np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
    standard = ((flat - flat.mean(axis=1, keepdims=True)) / spread).reshape(noise.shape)
    if value.dtype == "float32":
        return np.asarray(standard, np.float32)
    info = np.iinfo(value.dtype)
    least, most = (info.min, info.max) if rows is None else (0, min(rows - 1, info.max))
    codes = np.asarray(np.clip((standard / 4 + 0.5) * (most - least) + least, least, most), value.dtype)
    codes[0], codes[-1] = least, most
    return codes


def check(model: bytes, program: Program, runner: Runner, inputs: Arrays) -> float:
    """The largest difference between the outputs of a file and of another form of it.

    Args:
        model: an ONNX file.
        program: what was made of it.
        runner: the form that is to ship.
        inputs: by name, (n, ...).

    Raises:
        VerificationError: the form does not compute what the program says, or that differs from what the file says in a
            layer or in its decisions; the message names the layer that departs most.
    """
    expected, traced, found = _original(model, inputs), reference.trace(program, inputs), runner(inputs)
    worst, steps = _departing(model, program, inputs, traced)
    furthest, near = 0.0, CLOSE if _rounds_reals(program) else EXACT
    for name, wanted in expected.items():
        if not np.allclose(found[name], traced[name], rtol=near, atol=near):
            raise _fault(f"The form {runner.form} does not compute in {name} what its program says")
        distance = float(np.abs(wanted.astype(np.float64) - found[name]).max())
        different = _decisions(wanted, found[name])
        if different or not distance <= CLOSE * max(1.0, float(np.abs(wanted).max())) or steps > STEPS:
            raise _fault(
                f"The form {runner.form} answers otherwise than {MODEL}: it decides otherwise on {different} of "
                f"{len(wanted)} inputs, {name} differs by up to {distance:.3g}, and layer {worst} departs most, by "
                f"{steps:.2g} steps of its scale on average"
            )
        furthest = max(furthest, distance)
    return furthest


def _rounds_reals(program: Program) -> bool:
    """Whether floats that libraries compute in their own ways are rounded to codes: now and then to the next one."""
    kinds = [operation.kind for operation in program.steps()]
    last = max((index for index, kind in enumerate(kinds) if kind == "quantize"), default=0)
    return any(kind in INEXACT for kind in kinds[:last])


def _original(model: bytes, inputs: Arrays) -> dict[str, Array]:
    """What an ONNX file gives: its batch may be fixed to one, and its indices wider than those of the program."""
    runner = OnnxRunner(model, threads=1)
    given = {spec.name: inputs[spec.name].astype(spec.dtype) for spec in runner.inputs}
    count = min(map(len, given.values()))
    found = [runner({name: array[at : at + 1] for name, array in given.items()}) for at in range(count)]
    return {name: np.concatenate([np.atleast_1d(one[name]) for one in found]) for name in found[0]}


def _fault(what: str) -> VerificationError:
    return VerificationError(what, "This is a fault of smidgen: please report it with the bundle")


def _decisions(wanted: Array, given: Array) -> int:
    """How many examples have another greatest number, where the original's two greatest are no tie."""
    if wanted.shape[-1] < 2:
        return 0
    rows, others = wanted.reshape(len(wanted), -1), given.reshape(len(given), -1)
    best, chosen = rows.argmax(axis=1), others.argmax(axis=1)
    at = np.arange(len(rows))
    return int(((best != chosen) & (rows[at, best] - rows[at, chosen] > TIE)).sum())


def _departing(model: bytes, program: Program, inputs: Arrays, traced: Arrays) -> tuple[str, float]:
    """The operation whose rounded values depart most from the file's, and by how many steps of its scale on average."""
    rounded = {
        operation.name: operation
        for operation in program.operations
        if program.values[operation.outputs[0]].quantization is not None
    }
    departures = {
        f"{name} ({rounded[name].kind})": _departure(program, rounded[name], values, traced)
        for name, values in _inside(model, set(rounded), inputs).items()
    }
    return max(departures.items(), key=lambda item: item[1], default=("(none is rounded)", 0.0))


def _departure(program: Program, operation: Operation, original: Array, traced: Arrays) -> float:
    """Mean distance in steps between real values, channels first, and codes, channels last; 0 if not comparable."""
    value, codes = program.values[operation.outputs[0]], traced[operation.outputs[0]]
    if value.quantization is None or original.size != codes.size:
        return 0.0
    info = np.iinfo(value.dtype)
    last = original.transpose(0, 2, 3, 1) if original.ndim == 4 else original
    exact = last.reshape(codes.shape) / value.quantization.scale + value.quantization.zero_point
    return float(np.abs(np.clip(exact, info.min, info.max) - codes).mean())


def _inside(model: bytes, names: set[str], inputs: Arrays) -> dict[str, Array]:
    """Float values inside a file, by their names, as far as it has them."""
    import onnx

    proto = onnx.load_model_from_string(model)
    known = {name for node in proto.graph.node for name in node.output} & names
    known -= {output.name for output in proto.graph.output}
    for name in sorted(known):
        proto.graph.output.append(onnx.ValueInfoProto(name=name))  # onnxruntime finds type and shape
    found = _original(proto.SerializeToString(), inputs)
    return {name: found[name] for name in known if found[name].dtype == np.float32}
