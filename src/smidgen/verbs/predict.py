"""The answers of a model for files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.bundle import AnyPath, Bundle
from smidgen.data.folder import is_litter
from smidgen.errors import CorruptFiles, DataError, UsageError
from smidgen.types import Array, Event, Json, Progress, silent
from smidgen.verbs._table import table

BATCH = 64  # files in memory at a time
RECOMMENDED = 10  # items, where the user does not say how many


@dataclass(frozen=True)
class Prediction:
    """The answer for one example, as the bundle's kind of answer decodes it."""

    path: str
    answer: dict[str, Json]


@dataclass(frozen=True)
class Predictions:
    """The answers for all files, in order; `skipped`: (file, what is wrong with it)."""

    predictions: tuple[Prediction, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    top: int | None = None

    def text(self) -> str:
        """One file a line, the likeliest class first."""
        rows = [(prediction.path, _readable(prediction.answer, self.top or 1)) for prediction in self.predictions]
        return table(("", ""), [*rows, *((path, f"skipped: {why}") for path, why in self.skipped)])

    def to_json(self) -> Json:
        """Plain JSON."""
        return {
            "predictions": [{"path": each.path, **each.answer} for each in self.predictions],
            "skipped": [{"path": path, "why": why} for path, why in self.skipped],
        }


def predict(
    bundle: AnyPath,
    inputs: Sequence[AnyPath],
    *,
    top: int | None = None,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> Predictions:
    """Predict the answer for files, for all files in folders, or for what is given as it is: a message.

    Examples:
        smidgen predict kws cat.jpg
        smidgen predict kws photos/ --top 3
        smidgen predict kws photos/ --json

    Args:
        bundle: The folder that `smidgen fit` wrote.
        inputs: Files, folders whose files are taken with those of their sub-folders, or messages themselves. A table
            has an example in each row.
        top: How many classes to show for each, the likeliest first (by default one, and all with --json), or how many
            items to recommend (by default 10).
        skip_bad: Leave out damaged files instead of stopping.
        progress: Hears how far it is.

    Raises:
        CorruptFiles: files that cannot be read, where `skip_bad` is not set.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top {top} shows nothing", "Give 1 or more")
    model = Bundle.load(bundle)
    runner = model.runner()
    given = [name for each in inputs for name in _named(str(each))]
    if not given:
        raise DataError(f"There are no files in {', '.join(map(str, inputs)) or 'the inputs'}")
    predictions: list[Prediction] = []
    bad: list[tuple[str, str]] = []
    for done, batch in _batches(model, given, bad):
        raw = np.stack([array for _, array in batch])
        output = runner({model.signal.input.name: raw})[model.answer.output.name]
        answers = model.answer.decode(output)
        predictions += [Prediction(name, _best(a, top)) for (name, _), a in zip(batch, answers, strict=True)]
        progress(Event("predict", done, len(given)))
    if bad and not skip_bad:
        raise CorruptFiles(bad)
    return Predictions(tuple(predictions), tuple(bad), top)


def _batches(
    model: Bundle, given: Sequence[str], bad: list[tuple[str, str]]
) -> Iterator[tuple[int, list[tuple[str, Array]]]]:
    """How many inputs are read so far, and the next few examples by name; `bad` gets what cannot be read, and why."""
    batch: list[tuple[str, Array]] = []
    for index, name in enumerate(given):
        try:
            for example in model.signal.examples(name):
                batch.append(example)
                if len(batch) == BATCH:
                    yield index + 1, batch
                    batch = []
        except DataError as error:
            bad.append((name, error.what.removeprefix(f"{name} ")))
    if batch:
        yield len(given), batch


def _named(given: str) -> Iterator[str]:
    """What a user named, or where that is a folder the files in it."""
    try:
        path = Path(given)
        is_folder = path.is_dir()
    except (OSError, ValueError):  # a text that is too long for the name of a file
        is_folder = False
    if not is_folder:
        yield given
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not any(is_litter(part) for part in file.relative_to(path).parts):
            yield str(file)


def _best(answer: dict[str, Json], top: int | None) -> dict[str, Json]:
    """The answer with its `top` likeliest classes, or best items, in that order."""
    if "recommended" in answer:
        return {**answer, "recommended": dict(list(answer["recommended"].items())[: top or RECOMMENDED])}
    if "probabilities" not in answer:
        return answer
    ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
    return {**answer, "probabilities": dict(ranked[:top])}


def _readable(answer: dict[str, Json], top: int) -> str:
    if "recommended" in answer:
        return "; ".join(f"{name} {score:.2f}" for name, score in answer["recommended"].items())
    if "probabilities" in answer:
        ranked = list(answer["probabilities"].items())
        return "  ".join(f"{name} {100 * value:.1f} %" for name, value in ranked[:top])
    if "value" in answer:
        return f"{answer['value']:.6g} {answer.get('unit', '')}".rstrip()
    if "values" in answer:
        unit = f" {answer['unit']}" if answer.get("unit") else ""
        return "  ".join(f"{name} {value:.6g}{unit}" for name, value in answer["values"].items())
    return "  ".join(f"{name} {f'{x:.4g}' if isinstance(x, float) else x}" for name, x in answer.items())
