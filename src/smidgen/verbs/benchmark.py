"""Every form of a model side by side."""

from dataclasses import asdict, dataclass

import numpy as np

from smidgen.bundle import AnyPath, Bundle
from smidgen.compiler.compilation import compiled
from smidgen.compiler.device import Device
from smidgen.compiler.model import load
from smidgen.errors import DataError
from smidgen.evidence import evaluate, host, measure_latency
from smidgen.report.format import size, spread, value
from smidgen.targets.c import examples
from smidgen.types import Event, Json, Measure, Part, Progress, silent
from smidgen.verbs._examples import others, own
from smidgen.verbs._forms import forms
from smidgen.verbs._table import table
from smidgen.verbs.compile import Fit, costs, fit

LATENCY_SECONDS = 1.0  # to spend on each form
EMULATED = 20  # examples, on a device


@dataclass(frozen=True)
class Row:
    """One form: the bytes of its file, its metric (None: there was no data), its latency."""

    form: str
    file: str
    file_bytes: int
    metric: Measure | None
    latency: Measure


@dataclass(frozen=True)
class Benchmark:
    """All forms on one host, and on an emulated device. `note` says why a column is empty."""

    bundle: str
    rows: tuple[Row, ...]
    host: dict[str, Json]
    note: str = ""
    device: Fit | None = None

    def text(self) -> str:
        """One form a line."""
        metric = next((row.metric.name for row in self.rows if row.metric), "metric")
        lines = (
            (
                row.form,
                size(row.file_bytes),
                f"{value(row.metric)} ({spread(row.metric)})" if row.metric else "not measured",
                f"{value(row.latency)} ({spread(row.latency)})",
            )
            for row in self.rows
        )
        where = f"{self.host['cpu']}, 1 thread, batch 1"
        whole = table(("form", "file", metric, "latency"), lines)
        emulated = "\n" + costs(self.device) if self.device else ""
        return "\n".join(part for part in (whole, where, self.note, emulated) if part)

    def to_json(self) -> Json:
        """Plain JSON."""
        return asdict(self)


def benchmark(
    bundle: AnyPath, data: str | None = None, *, device: str | None = None, progress: Progress = silent
) -> Benchmark:
    """Compare size, metric and latency of every form of a model that runs here.

    Examples:
        smidgen benchmark kws
        smidgen benchmark kws new-photos/ --json
        smidgen benchmark kws --device cortex-m4

    Args:
        bundle: The folder that `smidgen fit` wrote.
        data: Other data for the metric. By default the test part of the data the model was made from.
        device: A device to compile the model for and to run it on, in an emulator, with its instructions counted.
        progress: Hears how far it is.
    """
    chosen = Device.of(device) if device else None
    model = Bundle.load(bundle)
    note = ""
    try:
        part = own(model, "test", None, progress) if data is None else others(model, data, "test", progress)
    except DataError as error:
        if data is not None:
            raise
        part, note = None, str(error)
    rows = []
    found = forms(model)
    for index, (file, runner) in enumerate(found.items()):
        progress(Event("benchmark", index, len(found), message=runner.form))
        metric = evaluate(runner, part, model.signal, model.answer).measures[0] if part else None
        latency = measure_latency(runner, model.signal, LATENCY_SECONDS)
        rows.append(Row(runner.form, file, (model.path / file).stat().st_size, metric, latency))
    progress(Event("benchmark", len(found), len(found)))
    emulated = _emulated(model, chosen, part) if chosen else None
    return Benchmark(str(model.path), tuple(rows), host(), note, emulated)


def _emulated(model: Bundle, device: Device, part: Part | None) -> Fit:
    """What the model takes on a device, on real examples where there are any."""
    made = compiled(load(model.path), device)
    inputs = examples(made.program, EMULATED)
    if part:
        inputs = {model.signal.input.name: part.inputs[np.arange(min(EMULATED, len(part)))]}
    return fit(made, inputs)
