"""What the page and the terminal summary are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smidgen.evidence import Evidence
    from smidgen.types import Array, Candidate, CurvePoint, DataReport, Json, Measure, TensorSpec

SHIPPED = "model.onnx"


@dataclass(frozen=True)
class Limits:
    """What the user allowed. None: no limit was set."""

    device: str = ""
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    parameters: int | None = None
    floor: float | None = None  # of the metric, a fraction


@dataclass(frozen=True)
class Mistake:
    """A test example that the shipped model gets wrong. `image`: uint8, (height, width) or (height, width, channels)."""

    name: str
    image: Array
    given: str
    predicted: str
    probability: float  # that the model gave to `predicted`


@dataclass(frozen=True)
class Layer:
    """One layer of the shipped model against the same layer of the float model."""

    layer: str
    sqnr_db: float  # signal to quantisation noise, 10 log10(|float|^2 / |float - shipped|^2)
    cosine: float  # similarity of the two outputs as vectors, 1: same direction


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
    classes: Sequence[str] = ()
    input: TensorSpec | None = None
    output: TensorSpec | None = None
    limits: Limits = field(default_factory=Limits)
    data: DataReport | None = None
    curves: Sequence[CurvePoint] = ()
    candidates: Sequence[Candidate] = ()
    mistakes: Sequence[Mistake] = ()
    parts: Sequence[tuple[str, int]] = ()  # what the file's bytes are spent on: (layer, bytes)
    layers: Sequence[Layer] = ()

    @property
    def result(self) -> Measure | None:
        """The metric of the shipped model on the test part."""
        return self.evidence.find(self.metric, SHIPPED)

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that became the model."""
        return next((candidate for candidate in self.candidates if candidate.chosen), None)

    def number(self, name: str) -> float | None:
        """`file_bytes`, `flash_bytes`, `ram_bytes`, `parameters`, `macs` or `latency_ms`: measured, or else as priced."""
        measure = self.evidence.find(name)
        if measure:
            return measure.value
        return getattr(self.chosen.cost, name, None) if self.chosen else None
