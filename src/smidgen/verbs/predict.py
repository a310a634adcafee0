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


@dataclass(frozen=True)
class Prediction:
    """The answer for one file, as the bundle's kind of answer decodes it."""

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
    """Predict the answer for files, or for all files in folders.

    Examples:
        smidgen predict kws cat.jpg
        smidgen predict kws photos/ --top 3
        smidgen predict kws photos/ --json

    Args:
        bundle: The folder that `smidgen fit` wrote.
        inputs: Files, and folders whose files are taken with those of their sub-folders.
        top: How many classes to show for each file, the likeliest first; by default one, and all with --json.
        skip_bad: Leave out damaged files instead of stopping.
        progress: Hears how far it is.

    Raises:
        CorruptFiles: files that cannot be read, where `skip_bad` is not set.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top {top} shows nothing", "Give 1 or more")
    model = Bundle.load(bundle)
    runner = model.runner()
    files = [path for given in inputs for path in _files(Path(given))]
    if not files:
        raise DataError(f"There are no files in {', '.join(str(Path(given)) for given in inputs) or 'the inputs'}")
    predictions: list[Prediction] = []
    bad: list[tuple[str, str]] = []
    for start in range(0, len(files), BATCH):
        read = [(path, _load(model, path, bad)) for path in files[start : start + BATCH]]
        good = [(path, array) for path, array in read if array is not None]
        if good:
            batch = np.stack([array for _, array in good])
            output = runner({model.signal.input.name: batch})[model.answer.output.name]
            answers = model.answer.decode(output)
            predictions += [Prediction(str(path), _best(a, top)) for (path, _), a in zip(good, answers, strict=True)]
        progress(Event("predict", min(start + BATCH, len(files)), len(files)))
    if bad and not skip_bad:
        raise CorruptFiles(bad)
    return Predictions(tuple(predictions), tuple(bad), top)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not any(is_litter(part) for part in file.relative_to(path).parts):
            yield file


def _load(model: Bundle, path: Path, bad: list[tuple[str, str]]) -> Array | None:
    try:
        return model.signal.load(path)
    except DataError as error:
        bad.append((str(path), error.what.removeprefix(f"{path} ")))
        return None


def _best(answer: dict[str, Json], top: int | None) -> dict[str, Json]:
    """The answer with its `top` likeliest classes, in that order."""
    if "probabilities" not in answer:
        return answer
    ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
    return {**answer, "probabilities": dict(ranked[:top])}


def _readable(answer: dict[str, Json], top: int) -> str:
    if "probabilities" not in answer:
        return ", ".join(f"{name} {value}" for name, value in answer.items())
    ranked = list(answer["probabilities"].items())
    return "  ".join(f"{name} {100 * value:.1f} %" for name, value in ranked[:top])
