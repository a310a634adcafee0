"""The nouns: what the parts of smidgen hand to each other. They hold data, not behaviour.

`Signal`, `Answer`, `Family` and `Target` are protocols: implement what is listed and the rest of smidgen takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Json = Any  # what json.loads can return; a precise recursive type helps nobody here


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a graph. `shape` leaves out the batch, which always comes first."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Runner(Protocol):
    """Any form of a model: named arrays in, named arrays out; the first axis of each is the batch."""

    form: str

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """One batch through the model."""
        ...


class Signal(Protocol):
    """A kind of input, with what was learnt about it from the training part (means, sizes). Immutable, JSON."""

    kind: str

    @property
    def input(self) -> TensorSpec:
        """What the graph takes: exactly what the sensor gives."""
        ...

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """What the front end hands to a family, without the batch: (channels, height, width) for images."""
        ...

    def frontend(self) -> nn.Module:
        """The layers from the raw input to features; part of every graph, trained or shipped."""
        ...

    def load(self, path: Path) -> Array:
        """One file as the sensor would have given it, shape `input.shape`. Raises DataError."""
        ...

    def to_json(self) -> dict[str, Json]:
        """The learnt state, to be kept in a bundle."""
        ...

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where the state makes no sense."""
        ...


class Answer(Protocol):
    """A kind of output: how many numbers a family must give, the loss on them, and what they mean. Immutable, JSON."""

    kind: str
    metric: str  # the name of the metric that choices are made by; higher is better

    @property
    def width(self) -> int:
        """How many raw outputs (logits) a family ends in."""
        ...

    @property
    def output(self) -> TensorSpec:
        """What the shipped graph gives."""
        ...

    def head(self) -> nn.Module:
        """The layers from raw outputs to `output` (softmax, say); part of every shipped graph."""
        ...

    def loss(self, raw: Tensor, target: Tensor, name: str, smoothing: float) -> Tensor:
        """The training loss, a scalar. `raw`: (batch, width); `name`: one of `losses`."""
        ...

    def imitation(self, raw: Tensor, teacher: Tensor) -> Tensor:
        """The distillation loss between two raw outputs, a scalar (Hinton et al. 2015, arXiv:1503.02531)."""
        ...

    def decide(self, output: Array) -> Array:
        """Per example, the target that the output amounts to (the likeliest class, say): (n, ...)."""
        ...

    def correct(self, output: Array, target: Array) -> Array:
        """Per example, how right the output is, 0 to 1: (n,). Its mean is `metric`."""
        ...

    def decode(self, output: Array) -> list[dict[str, Json]]:
        """Per example, the output as a person wants it."""
        ...

    def to_json(self) -> dict[str, Json]:
        """The learnt state, to be kept in a bundle."""
        ...

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where the state makes no sense."""
        ...


class Family(Protocol):
    """A module of `families/`. `size` is the one dial: about how many parameters the network may have."""

    SMALLEST: int
    LARGEST: int

    def build(self, signal: Signal, answer: Answer, size: int, activation: str = "relu") -> nn.Module:
        """The largest network of this family with at most `size` parameters; features in, raw outputs out."""
        ...


class Target(Protocol):
    """A module of `targets/`."""

    def export(self, bundle: Path, folder: Path) -> list[Path]:
        """Write the bundle's model for this target into `folder`; the files written. Raises Unsupported."""
        ...


@dataclass(frozen=True)
class Task:
    """Signal + answer + what to try by default + a packaged sample and the floor to reach on it."""

    name: str
    signal: str
    answer: str
    families: tuple[str, ...]
    sample: str
    floor: float
    about: str


class Store(Protocol):
    """Equally shaped examples, in memory or in a file: `store[indices]` is one array (len(indices), *shape)."""

    shape: tuple[int, ...]
    dtype: str

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Array) -> Array: ...


@dataclass(frozen=True)
class Part:
    """One side of a split. `targets`: (n,) int64 class indices, or float32 values; `names`: where each came from."""

    inputs: Store
    targets: Array
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Dataset:
    """Validated examples with a split that no later step may cross; `report` is what `smidgen data` shows."""

    source: str
    signal: Signal
    answer: Answer
    train: Part
    validation: Part
    test: Part
    fingerprint: str
    report: DataReport


@dataclass(frozen=True)
class DataReport:
    """What was found in a source before any training. All of it is JSON."""

    source: str
    layout: str  # folder, zip, idx, npz, csv, sample
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]  # part -> class -> examples
    sizes: Mapping[str, int]  # "28x28x1" -> examples
    split: str  # the rule in words: "given train and test parts; validation: 10 % of train, stratified"
    exact_duplicates: int  # further copies within the whole source
    crossing_duplicates: Sequence[tuple[str, str]]  # (test or validation name, train name), identical pixels
    near_duplicates: Sequence[tuple[str, str]]  # the same pairs, nearly identical
    suspect_labels: Sequence[tuple[str, str, str]]  # (name, given class, likelier class)
    skipped: Sequence[tuple[str, str]]  # (file, why)
    warnings: Sequence[str]  # sentences
    totals: Mapping[str, int] = field(default_factory=dict)  # full counts where a list above is cut


@dataclass(frozen=True)
class Cost:
    """What a network costs, before it is trained."""

    parameters: int
    flash_bytes: int
    ram_bytes: int
    macs: int
    basis: str  # how the bytes were found, in words


@dataclass(frozen=True)
class Candidate:
    """One network that was considered, for the record: fit or not, how far it was trained, how well it did."""

    family: str
    size: int
    cost: Cost
    fits: bool
    reason: str = ""  # why it does not fit, or why it was dropped
    epochs: float = 0.0
    metric: float | None = None  # on validation
    seconds: float = 0.0
    chosen: bool = False


@dataclass(frozen=True)
class CurvePoint:
    """One epoch of a training curve."""

    stage: str
    epoch: float
    seconds: float
    loss: float  # mean training loss over the epoch
    metric: float | None  # on validation
    learning_rate: float


@dataclass(frozen=True)
class Measure:
    """One measured claim. Without an interval, `low` and `high` equal `value`."""

    name: str  # accuracy, file_bytes, latency_ms, agreement, ...
    value: float
    low: float
    high: float
    n: int
    unit: str  # fraction, bytes, count, ms
    split: str  # test, validation, "" where no data is involved
    form: str  # the Runner it was measured on: model.onnx, float
    method: str  # how the interval was made: "Wilson, 95 %", "exact"
    command: str  # repeats it


@dataclass(frozen=True)
class Event:
    """Progress of long work: `done` of `total` in `stage`, and how many seconds are left (nan: not known)."""

    stage: str
    done: float
    total: float
    left: float = float("nan")
    message: str = ""


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """The progress listener that ignores everything."""


def scalars(values: Array) -> list[float]:
    """A one-dimensional array as plain floats, for JSON."""
    return [float(value) for value in np.asarray(values).ravel()]
