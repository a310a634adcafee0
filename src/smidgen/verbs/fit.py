"""From data and a device to a bundle: the main job."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smidgen import registry
from smidgen.budget import Budget, parse_count, parse_size
from smidgen.bundle import EVIDENCE, MODEL, REPORT, WEIGHTS, Bundle, check_free, dump_json, save
from smidgen.errors import BudgetError, MissingLibrary, UsageError
from smidgen.evidence import Classifying
from smidgen.types import Candidate, Event, Json, Progress, Reading, Task, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smidgen.search.fitting import Fitted, Wishes
    from smidgen.training.recipe import Recipe
    from smidgen.types import Dataset


@dataclass(frozen=True)
class Plan:
    """What a fit would do: the answer of `--dry-run`."""

    options: dict[str, Json]
    data: str
    candidates: tuple[Candidate, ...]

    def text(self) -> str:
        """Options, data, and every candidate with its cost."""
        from smidgen.verbs._table import table

        rows = [
            (c.family, f"{c.cost.parameters:,}", f"{c.cost.flash_bytes:,}", f"{c.cost.ram_bytes:,}", f"{c.cost.macs:,}",
             c.reason or "fits")
            for c in self.candidates
        ]  # fmt: skip
        head = ("family", "parameters", "flash bytes", "RAM bytes", "MACs", "")
        options = "\n".join(f"  {name} = {value}" for name, value in self.options.items() if value is not None)
        return f"Options\n{options}\n\nData\n  {self.data}\n\nWould be tried\n{table(head, rows)}"

    def to_json(self) -> Json:
        """Plain JSON."""
        return {"options": self.options, "data": self.data, "candidates": [asdict(c) for c in self.candidates]}


def fit(
    source: str,
    *,
    out: Path | str | None = None,
    device: str | None = None,
    flash: str | None = None,
    ram: str | None = None,
    params: str | None = None,
    floor: list[str] | None = None,
    task: str | None = None,
    family: str | None = None,
    size: str | None = None,
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    ignore: list[str] | None = None,
    positive: str | None = None,
    normal: str | None = None,
    resolution: int | None = None,
    window: int | None = None,
    hop: int | None = None,
    horizon: int | None = None,
    cap: float | None = None,
    false_alarms: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: str = "adamw",
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    momentum: float = 0.9,
    schedule: str = "one-cycle",
    loss: str | None = None,
    smoothing: float | None = None,
    activation: str = "relu",
    ema: float | None = None,
    patience: int | None = None,
    augment: bool = True,
    distill: bool = True,
    quantize: bool = True,
    seed: int = 0,
    skip_bad: bool = False,
    memory: str | None = None,
    resume: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Bundle | Plan:
    """Make the best model that fits, with its proof.

    Reads and checks the data, races networks that fit, trains the winner, quantises it to 8 bits, measures the shipped
    file on the untouched test part, and writes a bundle: model.onnx, evidence.json, report.html. A run that is stopped
    goes on with --resume.

    Examples:
        smidgen fit mnist-5k --device cortex-m4 --out digits
        smidgen fit photos/ --flash 64KB --ram 32KB --floor accuracy=0.95
        smidgen fit mnist --family article-cnn --optimizer adam --batch-size 32 --epochs 10

    Args:
        source: A folder with one sub-folder per class (also in a .zip), idx files, .npz, .csv, or a sample's name.
        out: The folder to write; by default NAME-model, after the source.
        device: What it must fit; `smidgen list devices` shows all. Explicit limits override the device's.
        flash: Most bytes of flash for code and constants, such as 64KB.
        ram: Most bytes of RAM for values and stack, such as 16KB.
        params: Most parameters, such as 700 or 20k.
        floor: The least that is good enough, such as accuracy=0.95; the command fails below it.
        task: What to learn, where it should not be inferred from the data.
        family: One family of networks instead of all that suit; `smidgen list families` shows all.
        size: Parameters to aim at instead of as many as fit, such as 20k.
        target: The column to predict; by default found by its name, else the last one.
        group: The column of what must stay on one side of the split: patients, speakers, engines.
        time: The column that orders rows.
        ignore: A column to leave out; may be given more than once.
        positive: Of two classes the one that is looked for; by default the rarer one.
        normal: The class of normal examples, where what is not normal is to be found.
        resolution: The shorter side of images inside the network, in pixels.
        window: Steps of a series in one example, or bytes of a text.
        hop: Steps from one window to the next.
        horizon: Steps to forecast.
        cap: Values to predict that are larger count as this.
        false_alarms: The share of normal examples that may raise an alarm, such as 0.01.
        epochs: How often to go through the data; by default decided from the size of data and network.
        batch_size: Examples in a step; by default 128, or what suits the task.
        optimizer: adamw, adam, sgd or momentum (v = b v + (1 - b) g).
        learning_rate: The peak; by default 0.008 for adamw (more for small networks), 0.001 for adam, 0.1 for sgd and
            momentum.
        weight_decay: Of matrices and kernels; by default 0.02, less for small networks.
        momentum: The b of momentum.
        schedule: one-cycle, cosine or constant.
        loss: cross-entropy or mse for classes; mse, huber or mae for values.
        smoothing: Of the labels, 0 to 1; by default 0.05, less for small networks.
        activation: relu, relu6, leaky-relu, sigmoid, tanh, hard-swish or gelu.
        ema: Decay of a moving average of the weights at each step; 0 is none. By default what suits the task.
        patience: Epochs without progress on validation before stopping early; 0 is never. By default what suits.
        augment: Change training images in ways that the data bears, which is measured.
        distill: Let a larger network teach, where that helps on validation.
        quantize: Ship 8-bit integers; otherwise 32-bit floats.
        seed: Decides all that is random.
        skip_bad: Leave damaged files out instead of stopping.
        memory: Keep more decoded data than this in a file, such as 2GB; by default half of what is free.
        resume: Go on with the run that was stopped.
        dry_run: Show what would be tried, and train nothing.
        progress: Hears how far it is.
    """
    options: dict[str, Json] = {name: value for name, value in locals().items() if name not in NOT_OPTIONS}
    options |= {"floor": list(floor or ()), "ignore": list(ignore or ())}
    _require("torch", "onnx", "onnxscript", "safetensors", "jinja2")
    budget = Budget.of(device, flash, ram, params, floor)
    from smidgen.search.fitting import Fitting, calibrated
    from smidgen.training.checkpoint import Journal

    folder = _folder(out, source)
    _check(options)
    check_free(folder)
    journal = Journal(folder.with_name(f".{folder.name}.partial"))
    data = _load(source, task, memory, progress, skip_bad=skip_bad, **reading_options(options))
    recipe, wishes = _recipe(options, data), _wishes(options, data)
    fitting = Fitting(data, budget, wishes, recipe, journal, progress)
    found = fitting.price()
    if dry_run:
        return Plan(options, _sentence(data), tuple(found))
    journal.open({"options": options, "data": data.fingerprint}, resume)
    fitted = fitting(found)
    data = calibrated(data, fitted.shipped)
    bundle = _ship(folder, data, budget, fitted, options, progress)
    journal.close()
    _check_floor(budget, bundle)
    return bundle


TUNED = ("epochs", "learning_rate", "weight_decay", "smoothing")  # what else the size of a network decides
NO_RECIPE = ("parameters", "distill")  # of what a task says about training
NOT_OPTIONS = ("progress", "resume", "dry_run", "out", "memory")


def _folder(out: Path | str | None, source: str) -> Path:
    """Where the bundle goes: as told, or beside other work under the name of its data."""
    if out is not None:
        return Path(out)
    return Path(f"{re.sub(r'[^A-Za-z0-9._-]+', '-', Path(source).resolve().stem)}-model")


def _require(*libraries: str) -> None:
    import importlib.util

    for library in libraries:
        if importlib.util.find_spec(library) is None:
            raise MissingLibrary(library, "train", "smidgen fit")


def _check(options: dict[str, Any]) -> None:
    """Raise UsageError where an option makes no sense, before any data is read."""
    from smidgen.families._layers import activate
    from smidgen.training.optimizers import OPTIMIZERS, SCHEDULES
    from smidgen.training.recipe import Recipe

    known = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}
    for name, allowed in known.items():
        if options[name] not in allowed:
            raise UsageError(f"There is no {name} called {options[name]!r}", f"Use one of: {', '.join(allowed)}")
    activate(options["activation"])
    Recipe(**_given(options))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """What the user says about training."""
    names = (
        "optimizer", "momentum", "schedule", "seed", "epochs", "batch_size", "learning_rate", "weight_decay",
        "smoothing", "loss", "ema", "patience",
    )  # fmt: skip
    return {name: options[name] for name in names if options[name] is not None}


def _recipe(options: dict[str, Any], data: Dataset) -> Recipe:
    """What suits the task, overridden by what the user says."""
    from smidgen.training.recipe import Recipe

    suits = {name: value for name, value in data.how.task.recipe.items() if name not in NO_RECIPE}
    loss = {"loss": data.answer.losses[0]}
    recipe = Recipe(**{**loss, **suits, **_given(options)})
    if recipe.loss not in data.answer.losses:
        raise UsageError(f"There is no loss called {recipe.loss!r}", f"Use one of: {', '.join(data.answer.losses)}")
    return recipe


def _load(source: str, task: str | None, memory: str | None, progress: Progress, **options: Any) -> Dataset:
    from smidgen.data.load import load

    limit = None if memory is None else parse_size(memory, "--memory")
    return load(source, task=task, memory_bytes=limit, progress=progress, **options)


def reading_options(options: Mapping[str, Json]) -> dict[str, Any]:
    """Of the options of a fit, those that decide how data is read."""
    names = {field.name for field in fields(Reading)} - {"task"}
    given = {name: options[name] for name in names if options.get(name) is not None}
    return {**given, "ignore": tuple(given.get("ignore", ()))}


def _wishes(options: dict[str, Any], data: Dataset) -> Wishes:
    from smidgen.search.fitting import Wishes

    families = [options["family"]] if options["family"] else data.how.task.families
    for name in families:
        registry.find("families", name)
    size = None if options["size"] is None else parse_count(options["size"], "--size")
    suits = data.how.task.recipe
    wishes = {name: options[name] for name in ("activation", "augment", "distill", "quantize")}
    wishes["distill"] = options["distill"] and suits.get("distill", True)
    wishes |= {name: suits.get(name) if options[name] is None else options[name] for name in TUNED}
    most = suits.get("parameters") if options["params"] is None else None
    return Wishes(families, size, most, **wishes)


def _ship(
    folder: Path, data: Dataset, budget: Budget, fitted: Fitted, options: dict[str, Json], progress: Progress
) -> Bundle:
    """Write the model, measure it on the test part, and save the bundle."""
    from safetensors.torch import save as save_tensors

    from smidgen.report.page import render
    from smidgen.targets import onnx
    from smidgen.verbs._proof import check_export, facts, prove

    task = data.how.task
    progress(Event("export", 0, 3))
    model = onnx.write(fitted.shipped, data.signal, data.answer, _metadata(task, data))
    layers = check_export(fitted, data, model)
    progress(Event("measure on test", 1, 3))
    evidence, evaluation = prove(fitted, data, model, budget, options["seed"])
    progress(Event("report", 2, 3))
    page = facts(folder, task, data, budget, fitted, evidence, evaluation, layers, model, options)
    state = {name: value.contiguous() for name, value in fitted.network.state_dict().items()}
    files: dict[str, bytes | Path] = {
        MODEL: model,
        WEIGHTS: save_tensors(state),
        EVIDENCE: dump_json(evidence.to_json()),
        REPORT: render(page).encode(),
    }
    bundle = save(folder, _manifest(task, data, fitted, options), files)
    progress(Event("report", 3, 3))
    return bundle


def _metadata(task: Task, data: Dataset) -> dict[str, str]:
    """What the ONNX file says about itself."""
    about = {"task": task.name, "input": data.signal.input.name}
    if isinstance(data.answer, Classifying):
        about["labels"] = json.dumps(list(data.answer.names), ensure_ascii=False)
    return about


def _manifest(task: Task, data: Dataset, fitted: Fitted, options: dict[str, Json]) -> dict[str, Json]:
    return {
        "task": task.name,
        "family": fitted.candidate.family,
        "size": fitted.candidate.size,
        "parameters": fitted.candidate.cost.parameters,
        "options": options,
        "signal": {"kind": data.signal.kind, **data.signal.to_json()},
        "answer": {"kind": data.answer.kind, **data.answer.to_json()},
        "data": {"source": data.source, "fingerprint": data.fingerprint, "report": asdict(data.report)},
        "history": [
            *fitted.history,
            {"step": "candidates", "candidates": [asdict(candidate) for candidate in fitted.candidates]},
            {"step": "curves", "points": [asdict(point) for point in fitted.curve]},
        ],
        "seeds": [options["seed"]],
    }


def _check_floor(budget: Budget, bundle: Bundle) -> None:
    """The floor is judged on the shipped file; the bundle stays, as the nearest miss."""
    evidence = bundle.evidence
    metrics = {} if evidence is None else {m.name: m.value for m in evidence.measures if m.form == "model.onnx"}
    short = budget.shortfall(metrics)
    if short:
        raise BudgetError(
            f"The best model that fits misses the floor: {short}",
            f"It is in {bundle.path}; allow more flash, RAM or parameters, or lower the floor",
        )


def _sentence(data: Dataset) -> str:
    parts = (
        f"{len(data.train):,} for training, {len(data.validation):,} for validation, {len(data.test):,} for the test"
    )
    return f"{data.report.why} {parts}; input {data.signal.input.shape} {data.signal.input.dtype}"
