"""How fast four models run on this host, one thread, batch 1: smidgen's C and other runtimes, in turn."""

from __future__ import annotations

import ctypes
import importlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler import as_onnx, models
from record import Bar, Result, Row
from smidgen.compiler import emit, kernels, reference
from smidgen.compiler.kernels import _host
from smidgen.compiler.passes import lower
from smidgen.compiler.toolchain import build

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from smidgen.compiler.model import Model
    from smidgen.types import Array

    Call = Callable[[], object]

FLAGS = ("-O3", "-std=c99")
ROUNDS = 30  # in each of which every runtime has its turn
SECONDS = 0.02  # of a turn, about
CODES = 8  # that the ONNX form of a model may be away from it: it rounds otherwise
NOTES = (
    "Medians of the rounds' means, in microseconds; all runtimes are called from Python, with one input, one thread "
    "and their default kernels (LiteRT: XNNPACK), in turn within each round. One that is not installed is left out. "
    "onnxruntime runs the same integers as QDQ of uint8, channels first.",
)


def ours(model: Model, given: Array) -> Call:
    """smidgen's C in a shared library."""
    chosen = _host.best()
    flags = kernels.module(chosen).flags() if chosen != kernels.PORTABLE else ()
    source = emit.write(lower(model.program, chosen, 2**30), model.name, chosen)
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(build(source, Path(folder), (*FLAGS, *flags))))
    run = getattr(library, f"{model.name}_run")
    (wanted,) = (model.program.values[name] for name in model.program.outputs)
    buffers = given.ctypes.data_as(ctypes.c_void_p), ctypes.create_string_buffer(wanted.bytes)
    return lambda: run(*buffers)


def litert(model: Model, given: Array) -> Call:
    """LiteRT with XNNPACK, its default."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model.content, num_threads=1)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], given.reshape(detail["shape"]))
    call: Call = interpreter.invoke
    return call


def openvino(model: Model, given: Array) -> Call:
    """OpenVINO, for latency."""
    ov: Any = importlib.import_module("openvino")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.tflite").write_bytes(model.content)
        core = ov.Core()
        options = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        network = core.read_model(Path(folder) / "model.tflite")
    network.reshape([1, *given.shape])
    request = core.compile_model(network, "CPU", options).create_infer_request()
    request.set_input_tensor(ov.Tensor(given[None]))
    call: Call = request.infer
    return call


def onnxruntime(model: Model, given: Array) -> Call:
    """onnxruntime, with input and output bound; the file must answer as the model does, to a few codes."""
    ort: Any = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(as_onnx.convert(model.program), options, providers=["CPUExecutionProvider"])
    codes = as_onnx.codes(given)
    (wanted,) = reference.run(model.program, {model.program.inputs[0]: given[None]}).values()
    (found,) = session.run(None, {"codes": codes})
    furthest = int(np.abs(found.astype(int) - 128 - wanted).max())
    assert furthest <= CODES, f"the ONNX form of {model.name} is {furthest} codes away"
    binding = session.io_binding()
    binding.bind_cpu_input("codes", codes)
    binding.bind_output("answer")
    return lambda: session.run_with_iobinding(binding)


RUNTIMES: dict[str, Callable[[Model, Array], Call]] = {
    "smidgen": ours,
    "LiteRT": litert,
    "onnxruntime": onnxruntime,
    "OpenVINO": openvino,
}


def microseconds(calls: dict[str, Call]) -> dict[str, float]:
    """The median time of each call, all of them in turn."""
    counts = {name: max(1, round(SECONDS / _mean(call, 20))) for name, call in calls.items()}
    means: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            means[name].append(_mean(call, counts[name]))
    return {name: round(1e6 * statistics.median(found), 2) for name, found in means.items()}


def _mean(call: Call, count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count


def row(name: str, data: Path) -> Row:
    """One model in every runtime that is installed."""
    model = models.model(name, data)
    given = models.inputs(name, model, data, 1)[1]
    calls = {}
    for runtime, make in RUNTIMES.items():
        try:
            calls[runtime] = make(model, given)
        except ImportError:
            continue
    times = microseconds(calls)
    others = [times[runtime] for runtime in times if runtime != "smidgen"]
    ratio = round(times["smidgen"] / min(others), 3) if others else None
    return {"model": name, **times, "of the fastest other": ratio}


def measure(options: argparse.Namespace, _: Path) -> Result:
    """All four."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = [row(name, options.data) for name in models.FILES]
    bars = []
    for found in rows:
        what = f"{found['model']} time, of the fastest other"
        bars += [Bar(what, found["of the fastest other"], limit, "at most", limit < 1) for limit in (1.0, 0.5)]
    return Result("compiler-host", options.command, rows, {"kernels": _host.best()}, bars, NOTES)
