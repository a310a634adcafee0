"""How well a shipped model does on data with labels."""

from dataclasses import asdict, dataclass
from typing import Literal

from smidgen.bundle import AnyPath, Bundle
from smidgen.evidence import ClassScore
from smidgen.evidence import evaluate as measure
from smidgen.report.format import percent, spread, value
from smidgen.types import Json, Measure, Progress, silent
from smidgen.verbs._examples import others, own
from smidgen.verbs._table import table


@dataclass(frozen=True)
class Evaluated:
    """What was measured. `confusion`: rows are true classes, columns predicted ones."""

    bundle: str
    source: str
    part: str
    measures: tuple[Measure, ...]
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def text(self) -> str:
        """The measures with their intervals, then every class."""
        lines = [(m.name, value(m), spread(m) and f"({spread(m)})", f"n = {m.n:,}") for m in self.measures]
        whole = table(("", "", "", ""), lines)
        if not self.per_class:
            return whole
        rows = (
            (score.name, f"{score.n:,}", *(percent(x) for x in (score.precision, score.recall, score.f1)))
            for score in self.per_class
        )
        return f"{whole}\n\n{table(('class', 'n', 'precision', 'recall', 'F1'), rows)}"

    def to_json(self) -> Json:
        """Plain JSON."""
        return asdict(self)


def evaluate(
    bundle: AnyPath,
    data: str | None = None,
    *,
    part: Literal["train", "validation", "test"] = "test",
    progress: Progress = silent,
) -> Evaluated:
    """Measure the shipped model on data with labels: metric, calibration, every class, confusion.

    Examples:
        smidgen evaluate kws
        smidgen evaluate kws new-photos/
        smidgen evaluate kws new-photos.zip --json

    Args:
        bundle: The folder that `smidgen fit` wrote.
        data: Other data; all of it, or its test part where it has one. By default the data the model was made from.
        part: The part to measure on. Choices have seen all but the test part.
        progress: Hears how far the reading is.
    """
    model = Bundle.load(bundle)
    examples = own(model, part, None, progress) if data is None else others(model, data, part, progress)
    source = str(model.manifest["data"]["source"]) if data is None else data
    found = measure(model.runner(), examples, model.signal, model.answer, part)
    return Evaluated(str(model.path), source, part, found.measures, found.per_class, found.confusion)
