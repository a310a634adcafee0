"""What the page and the terminal summary are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smidgen.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smidgen.compression._similarity import Similarity
    from smidgen.evidence import Evidence
    from smidgen.types import Answer, Array, Candidate, CurvePoint, DataReport, Json, Measure, Signal, TensorSpec

SHIPPED = "model.onnx"


@dataclass(frozen=True)
class Mistake:
    """A test example that the shipped model gets wrong, or furthest off. `content`: its raw input.

    `probability` is what the model gave to `predicted`; nan where the answer has none.
    """

    name: str
    content: Array
    given: str
    predicted: str
    probability: float = float("nan")


@dataclass(frozen=True)
class Outcome:
    """What the shipped model gave for the test part.

    `output`: (n, *answer.output.shape); `target`: (n, ...), as in `Part`; `names`: where each example came from;
    `groups`: what each belongs to (an engine, a run), empty where nothing is grouped. Runs are in order of time.
    """

    output: Array
    target: Array
    names: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class Window:
    """A test example whose forecast is drawn. `place`: which one of `Outcome`; `content`: its raw input."""

    place: int
    content: Array


@dataclass(frozen=True)
class Facts:
    """One fitted model, as far as it is known: whatever is left out is left out of the page."""

    name: str
    task: str
    evidence: Evidence
    metric: str = "accuracy"
    noun: str = "examples"  # what one input is, in the plural: images
    bundle: str = ""  # the folder, as the user would type it
    command: str = ""  # fits the same model again
    family: str = ""
    size: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    history: Sequence[str] = ()  # sentences: what was done to the model, in order
    input: TensorSpec | None = None
    output: TensorSpec | None = None
    device: str = ""
    budget: Budget = field(default_factory=Budget)
    data: DataReport | None = None
    curves: Sequence[CurvePoint] = ()
    candidates: Sequence[Candidate] = ()
    mistakes: Sequence[Mistake] = ()
    outcome: Outcome | None = None
    windows: Sequence[Window] = ()
    answer: Answer | None = None
    signal: Signal | None = None
    units: str = ""  # of the values: cycles, ppm
    parts: Sequence[tuple[str, int]] = ()  # what the file's bytes are spent on: (layer, bytes)
    layers: Sequence[Similarity] = ()
    memory: str = ""  # the arena of the compiled model as SVG, as `compiler.picture` draws it

    @property
    def result(self) -> Measure | None:
        """The metric of the shipped model on the test part."""
        return self.evidence.find(self.metric, SHIPPED)

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the confusion matrix."""
        return [score.name for score in self.evidence.per_class]

    @property
    def unit(self) -> str:
        """Of the values that the model gives; empty for none."""
        return self.units or str(getattr(self.answer, "unit", "") or "")

    @property
    def judged(self) -> str:
        """The name of what choices were made by, on validation: the metric, unless it takes faults to measure it."""
        return "standing" if self.answer is not None and self.answer.kind == "score" else self.metric

    @property
    def floor(self) -> float | None:
        """The least that the metric must reach."""
        return self.budget.floor.get(self.metric)

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that became the model."""
        return next((candidate for candidate in self.candidates if candidate.chosen), None)

    def number(self, name: str) -> float | None:
        """A measure by name (file_bytes, macs, parameters, ...), or else what the chosen candidate was priced at."""
        measure = self.evidence.find(name)
        if measure:
            return measure.value
        return getattr(self.chosen.cost, name, None) if self.chosen else None
