"""What a fit must show before it ships: that the file answers as the trained network does, and how well."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np

from smidgen.bundle import MODEL
from smidgen.compiler import cost
from smidgen.compiler.network import Answering, example
from smidgen.compression._similarity import Similarity, similarity
from smidgen.errors import VerificationError
from smidgen.evidence import (
    Evaluation,
    Evidence,
    compare,
    evaluate,
    exact,
    measure_latency,
    paired_difference,
)
from smidgen.report import showing
from smidgen.report.facts import Facts, Outcome
from smidgen.runner import OnnxRunner, TorchRunner
from smidgen.training.loop import outputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smidgen.budget import Budget
    from smidgen.search.fitting import Fitted
    from smidgen.types import CurvePoint, Dataset, Json, Measure, Task

SAME = 0.995  # of validation decisions that the file and its simulation must share
LOSS = 0.01  # of the metric that shipping may cost for certain
LOOKED_AT = 64  # examples for the comparison of layers


def check_export(fitted: Fitted, data: Dataset, model: bytes) -> list[Similarity]:
    """How each layer of the file compares with the trained network.

    Raises:
        VerificationError: the file decides otherwise than its simulation, or is certainly worse than what was trained;
            the message names the layer that departs most.
    """
    from torch import fx

    layers: list[Similarity] = []
    if isinstance(fitted.shipped, fx.GraphModule):
        count = min(LOOKED_AT, len(data.validation))
        layers = similarity(fitted.network.cpu(), fitted.shipped, model, data.validation.inputs[np.arange(count)])
    part, answer = data.validation, data.answer
    shipped = evaluate(OnnxRunner(model), part, data.signal, answer, "validation")
    simulated = outputs(fitted.shipped, part, data)
    trained = answer.correct(outputs(fitted.network, part, data), part.targets)
    same = float(np.mean(answer.same(shipped.output, simulated)))
    worst = min(layers, key=lambda layer: layer.sqnr_db, default=None)
    where = f"; layer {worst.layer} departs most ({worst.sqnr_db:.1f} dB)" if worst else ""
    if same < SAME:
        raise VerificationError(
            f"The exported file decides otherwise than the network it was made from: they agree on {same:.2%}{where}",
            "This is a fault of the export: fit with --no-quantize, and report it",
        )
    difference, _, high = paired_difference(trained, shipped.correct)
    if high < -LOSS:
        raise VerificationError(
            f"Quantisation costs {-difference:.2%} of {answer.metric} on validation{where}",
            "Train longer (--epochs), allow a larger network, or ship floats (--no-quantize)",
        )
    return layers


def prove(fitted: Fitted, data: Dataset, model: bytes, budget: Budget, seed: int) -> tuple[Evidence, Evaluation]:
    """Everything that is claimed, measured on the file that ships; the test part is read here and only here."""
    signal, answer = data.signal, data.answer
    runner = OnnxRunner(model, threads=1)
    network = fitted.network.cpu().eval()
    trained = TorchRunner(Answering(network, answer.head()), signal.input.name, answer.output.name)
    shipped, reference = (evaluate(form, data.test, signal, answer) for form in (runner, trained))
    measures = [
        *shipped.measures,
        *reference.measures,
        exact("file_bytes", len(model), "bytes", runner.form),
        *costs(model, budget),
        measure_latency(runner, signal),
        measure_latency(trained, signal),
    ]
    evidence = Evidence(
        measures=tuple(measures),
        data_fingerprint=data.fingerprint,
        seeds=(seed,),
        comparison=compare(reference, shipped, answer),
        confusion=shipped.confusion,
        per_class=shipped.per_class,
    )
    return evidence, shipped


def costs(model: bytes, budget: Budget) -> list[Measure]:
    """What the file costs on the device that it was made for."""
    found = cost.shipped(model, budget.kernels, budget.ram_bytes)
    units = {"parameters": "count", "flash_bytes": "bytes", "ram_bytes": "bytes", "macs": "count"}
    return [exact(name, getattr(found, name), unit, MODEL) for name, unit in units.items()]


def facts(
    folder: Path,
    task: Task,
    data: Dataset,
    budget: Budget,
    fitted: Fitted,
    evidence: Evidence,
    shipped: Evaluation,
    layers: list[Similarity],
    model: bytes,
    options: dict[str, Json],
) -> Facts:
    """What the report is made from."""
    outcome = Outcome(shipped.output, data.test.targets, data.test.names, data.test.groups)
    return Facts(
        name=folder.name,
        task=task.name,
        evidence=evidence,
        metric=data.answer.metric,
        noun=data.signal.noun,
        bundle=str(folder),
        command=_command(data.source, folder, options),
        family=fitted.candidate.family,
        size=fitted.candidate.size,
        options=options,
        versions={name: str(value) for name, value in evidence.host.items()},
        history=[sentence(step) for step in fitted.history],
        input=data.signal.input,
        output=data.answer.output,
        device=str(options.get("device") or ""),
        budget=budget,
        data=data.report,
        curves=_curves(fitted),
        candidates=fitted.candidates,
        mistakes=showing.mistakes(data.answer, outcome, data.test.inputs),
        outcome=outcome,
        windows=showing.windows(data.signal, data.answer, outcome, data.test.inputs),
        answer=data.answer,
        signal=data.signal,
        parts=cost.parts(fitted.network, example(data.signal), 32 if fitted.shipped is fitted.network else 8),
        layers=layers,
        memory=cost.memory_map(model, budget.kernels, budget.ram_bytes),
    )


def sentence(step: Mapping[str, Json]) -> str:
    """A step of the history as a person would say it."""
    kind = step["step"]
    if kind == "race":
        return f"{step['candidates']} networks that fit were raced; {step['winner']} learnt best."
    if kind == "augment":
        used = ", ".join(f"{name} {value:g}" for name, value in step["augmentation"].items() if value)
        return f"Training images were changed at random: {used or 'not at all'}; these are changes the data bears."
    if kind == "complete":
        return "With the settings that validation chose, it learnt from the training and the validation part."
    if kind == "distill":
        verdict = "it helped and was kept" if step["kept"] else "it did not help and was left out"
        return (
            f"A teacher of {step['parameters']:,} parameters ({step['teacher']:.2%} on validation) was tried: "
            f"{step['with']:.2%} with it, {step['without']:.2%} without; {verdict}."
        )
    if kind == "quantize":
        trained = f", {step['trained']:.2%} after training in integers" if "trained" in step else ""
        return f"Rounded to 8-bit integers: {step['float']:.2%} before, {step['rounded']:.2%} after{trained}."
    return str(kind)


def _command(source: str, folder: Path, options: Mapping[str, Json]) -> str:
    """The command that fits the same model again."""
    import inspect

    from smidgen.verbs.fit import fit

    words = ["smidgen fit", shlex.quote(source), "--out", shlex.quote(str(folder))]
    for name, value in options.items():
        default = inspect.signature(fit).parameters[name].default if name != "source" else value
        if name == "source" or value == default or value == []:
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{name.replace('_', '-')}")
        else:
            words += [f"{flag} {shlex.quote(str(item))}" for item in (value if isinstance(value, list) else [value])]
    return " ".join(words)


def _curves(fitted: Fitted) -> list[CurvePoint]:
    """The main training first, then what prepared it; the race of other networks is in the table of candidates."""
    own = f"{fitted.candidate.family} {fitted.candidate.size}"
    shown = [point for point in fitted.curve if not point.stage.startswith("race") or point.stage.endswith(own)]
    return sorted(shown, key=lambda point: point.stage not in ("train", "quantize"))
