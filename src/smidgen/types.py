"""The nouns: what the parts of smidgen hand to each other. They hold data, not behaviour.

`Signal`, `Answer`, `Family` and `Target` are protocols: implement what is listed and the rest of smidgen takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Labels = Sequence[str] | Array  # a class name for each example, or its values, (n, k) float32
Changes = Mapping[str, float]  # how much to change examples, by the name of the change; empty is not at all
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
    """A kind of input, with what was learnt about it from the training part (means, sizes). Immutable, JSON.

    `data.reading.Readable` adds what it takes to read whole sets of examples. A signal may also have
    `restore(answer) -> nn.Module | None`: what stands between body and head, in floats, (raw input, body's output) ->
    raw outputs. A forecast is the last value and a change, which is what the body says.
    """

    kind: str
    noun: str  # what one input is, in the plural: images, messages

    @property
    def input(self) -> TensorSpec:
        """What the graph takes: exactly what the sensor gives."""
        ...

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """What the front end hands to a family, without the batch.

        (channels, height, width) for maps, (channels, time) for sequences, (time,) for codes that are to be embedded,
        (features,) for rows of tables.
        """
        ...

    def frontend(self) -> nn.Module:
        """The layers from the raw input to features; part of every graph, trained or shipped."""
        ...

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """Each example in what a user gave to `predict`, with a name: (name, array of shape `input.shape`).

        Mostly `given` is the path of a file with one example, or with many rows. Raises DataError.
        """
        ...

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:
        """The ways in which training examples could be changed at random, strongest first; the data decides.

        Of each inner sequence the first that the data bears is taken. `few`: there are few examples, so that strong
        changes are worth a try.
        """
        ...

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Each example of a raw batch changed in its own way, still as the sensor could have given it."""
        ...

    def to_json(self) -> dict[str, Json]:
        """The learnt state, to be kept in a bundle."""
        ...

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where the state makes no sense."""
        ...


@dataclass(frozen=True)
class Statistic:
    """One way to score outputs on examples.

    `of(output, target)` is its value: output (n, *answer.output.shape), targets as in `Part`. nan: not defined here.
    `first` may reduce large outputs to what `of` needs, (n, ...), one row an example: once, before resampling.
    """

    name: str
    of: Callable[[Array, Array], float]
    unit: str = "fraction"
    first: Callable[[Array, Array], Array] | None = None


class Answer(Protocol):
    """A kind of output: how many numbers a family must give, the loss on them, and what they mean. Immutable, JSON."""

    kind: str
    metric: str  # the name of the mean of `correct`; higher is better

    @property
    def losses(self) -> tuple[str, ...]:
        """The names that `loss` takes; the first is the default."""
        ...

    @classmethod
    def prepare(cls, labels: Labels, how: Reading, source: str) -> tuple[Self, Array]:
        """An answer for these labels, and what each amounts to as a target, (n, ...). Raises DataError, UsageError."""
        ...

    def targets(self, labels: Labels, source: str) -> Array:
        """What other labels amount to as targets, (n, ...). Raises DataError where the answer does not know them."""
        ...

    def learn(self, targets: Array) -> Self:
        """The same with what is learnt from the targets of the training part (their scale). Raises DataError."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of what targets count, where they are classes; else empty."""
        ...

    def strata(self, targets: Array) -> Array:
        """A small whole number for each target; a split gives every part its share of each: (n,) int64."""
        ...

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

    def calibrate(self, output: Array, target: Array) -> Self:
        """The same with what is chosen on validation once the network is final: a threshold, say."""
        ...

    def decide(self, output: Array) -> Array:
        """Per example, the target that the output amounts to (the likeliest class, say): (n, ...)."""
        ...

    def same(self, one: Array, other: Array) -> Array:
        """Whether two outputs for the same example mean the same to a user: (n,) bool."""
        ...

    def correct(self, output: Array, target: Array) -> Array:
        """Per example, how right the output is: (n,). Its mean is `metric`."""
        ...

    def standing(self, output: Array, target: Array) -> float:
        """What choices are made by, on validation; higher is better. The mean of `correct` where that can tell."""
        ...

    def statistics(self) -> Sequence[Statistic]:
        """What else is measured on the test part, besides `metric`."""
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
    """Signal + answer + what to try by default + a packaged sample and the floor to reach on it.

    `target` says where a signal takes its labels from: "label" (what the source says about each example), "normal" (the
    same, but only normal examples are learnt from), "remaining" (time to the end of each run), "future" (what comes
    next), "choice" (what users chose). `recipe` holds fields of `training.recipe.Recipe` that suit the task,
    `parameters`, the size that it needs at most, and `distill`, False where no teacher is of use.
    """

    name: str
    signal: str
    answer: str
    families: tuple[str, ...]
    sample: str
    floor: float
    about: str
    target: str = "label"
    recipe: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What decides how a source becomes examples, besides the source. A bundle keeps it.

    Columns are named as the source names them; "" is found by name. Fields that a signal has no use for are ignored.
    """

    task: Task
    seed: int = 0
    target: str = ""  # the column to be predicted
    group: str = ""  # the column of what must stay on one side of the split: a patient, a speaker, an engine
    time: str = ""  # the column that orders rows
    ignore: tuple[str, ...] = ()  # columns to leave out
    positive: str = ""  # of two classes, the one to be found
    normal: str = ""  # the class of normal examples
    resolution: int | None = None  # the shorter side of images inside the network, in pixels
    window: int | None = None  # steps of a series in one example, or bytes of a text
    hop: int | None = None  # steps from one window to the next
    horizon: int | None = None  # steps to forecast
    cap: float | None = None  # larger targets count as this
    false_alarms: float | None = None  # the share of normal examples that may raise an alarm


class Store(Protocol):
    """Equally shaped examples, in memory or in a file: `store[indices]` is one array (len(indices), *shape)."""

    shape: tuple[int, ...]
    dtype: str

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Array) -> Array: ...


@dataclass(frozen=True)
class Part:
    """One side of a split. `targets`: (n, ...), as the answer made them; `names`: where each came from.

    `groups`: what each belongs to (a machine, a speaker), or empty.
    """

    inputs: Store
    targets: Array
    names: Sequence[str]
    groups: Sequence[str] = ()

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
    how: Reading


@dataclass(frozen=True)
class DataReport:
    """What was found in a source before any training. All of it is JSON."""

    source: str
    layout: str  # folder, zip, idx, npz, csv, sample
    task: str
    why: str  # it was taken for that task, as a sentence
    classes: tuple[str, ...]  # empty where the answer is no class
    counts: Mapping[str, Mapping[str, int]]  # part -> class (or "examples") -> examples
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
