"""Measuring a model, and the record of what was measured.

Everything here sees a model only as a Runner, so one code measures every form. Fractions of examples come with a
95 % interval; the intervals are the score interval for one proportion (Wilson 1927) and its extension to the difference
of two proportions on the same examples (Newcombe 1998, Statistics in Medicine 17:2635-2650, method 10).
"""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

from smidgen.errors import BundleError
from smidgen.runner import run_in_batches
from smidgen.types import Answer, Array, Json, Measure, Part, Runner, Signal, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SCHEMA = 1
Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution: two-sided 95 %
WILSON = "Wilson, 95 %"
NEWCOMBE = "Newcombe method 10 (paired), 95 %"
NORMAL = "normal (paired), 95 %"
BOOTSTRAP = "bootstrap, 95 %"
RESAMPLES = 1000  # of a bootstrap, or fewer where there are many examples
RESAMPLED = 5_000_000  # examples drawn in all, about
EXACT = "exact"
EVALUATE = "smidgen evaluate BUNDLE"
VERIFY = "smidgen verify BUNDLE"
BINS = 15  # of the calibration error, as Guo et al. use

T = TypeVar("T", bound="ClassScore | Measure")


# Intervals


def wilson(successes: float, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927).

    A fractional `successes`, the sum of scores between 0 and 1, gives an interval that is at least wide enough, because
    no such score varies more than a coin with the same mean.
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + Z**2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    # In exact arithmetic the interval holds `share`; rounding must not change that at 0 and 1.
    return max(0.0, min(share, (centre - reach) / scale)), min(1.0, max(share, (centre + reach) / scale))


def paired_difference(first: Array, second: Array) -> tuple[float, float, float]:
    """mean(second) - mean(first) over the same examples, with its 95 % interval: (difference, low, high).

    Args:
        first: per example how right it is, (n,).
        second: the same for the other form of the model.
    """
    n = len(first)
    if not (_is_binary(first) and _is_binary(second)):
        apart = np.asarray(second, np.float64) - first
        mean, reach = float(apart.mean()), Z * float(apart.std(ddof=1 if n > 1 else 0)) / math.sqrt(n)
        return mean, mean - reach, mean + reach
    both, second_only = float(np.sum(first * second)), float(np.sum(second * (1 - first)))
    first_only, neither = float(np.sum(first * (1 - second))), float(np.sum((1 - first) * (1 - second)))
    p, q = (both + second_only) / n, (both + first_only) / n
    p_low, p_high = wilson(p * n, n)
    q_low, q_high = wilson(q * n, n)
    phi = _phi(both, second_only, first_only, neither)
    below = (p - p_low) ** 2 - 2 * phi * (p - p_low) * (q_high - q) + (q_high - q) ** 2
    above = (p_high - p) ** 2 - 2 * phi * (p_high - p) * (q - q_low) + (q - q_low) ** 2
    difference = p - q
    return difference, difference - math.sqrt(max(0.0, below)), difference + math.sqrt(max(0.0, above))


def bootstrap(of: Callable[[Array], float], n: int, groups: Sequence[str] = ()) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic over resampled examples (Efron 1979), or over whole groups of them.

    Args:
        of: the statistic of some examples, given their indices; nan where it is not defined.
        n: how many examples there are.
        groups: what each belongs to: examples of one group are not independent, so groups are drawn as a whole.
    """
    dice = np.random.default_rng(0)
    times = int(min(RESAMPLES, max(RESAMPLES // 5, RESAMPLED // max(n, 1))))
    if len(set(groups)) > 1:
        numbers = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
        order = np.argsort(numbers, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
        drawn = (dice.integers(0, len(members), len(members)) for _ in range(times))
        draws = (np.concatenate([members[index] for index in which]) for which in drawn)
    else:
        draws = (dice.integers(0, n, n) for _ in range(times))
    found = np.array([of(draw) for draw in draws])
    found = found[np.isfinite(found)]
    if not len(found):
        return math.nan, math.nan
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _is_binary(scores: Array) -> bool:
    return bool(((scores == 0) | (scores == 1)).all())


def _phi(a: float, b: float, c: float, d: float) -> float:
    """The correlation of a 2x2 table, pulled towards 0 where it is positive: what makes it method 10."""
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    excess = a * d - b * c
    if excess > 0:
        excess = max(0.0, excess - (a + b + c + d) / 2)
    return excess / math.sqrt(margins)


# What is measured


@runtime_checkable
class Classifying(Protocol):
    """An answer that gives each of several names a probability; it gets a confusion matrix."""

    names: tuple[str, ...]
    positive: int


@dataclass(frozen=True)
class ClassScore:
    """How one class fared. The interval is that of recall."""

    name: str
    n: int
    precision: float
    recall: float
    low: float
    high: float
    f1: float


@dataclass(frozen=True)
class Evaluation:
    """One form of a model on one part of a dataset. `output`: (n, ...), `correct`: (n,)."""

    measures: tuple[Measure, ...]
    output: Array
    correct: Array
    confusion: tuple[tuple[int, ...], ...] = ()  # rows: true class, columns: predicted class
    per_class: tuple[ClassScore, ...] = ()


def evaluate(
    runner: Runner, part: Part, signal: Signal, answer: Answer, split: str = "test", command: str = EVALUATE
) -> Evaluation:
    """Run `part` through `runner` and score it.

    Args:
        runner: any form of the model, head included.
        part: the examples.
        signal: names the input.
        answer: names the output and scores it.
        split: what `part` is, for the record.
        command: what repeats this measurement, for the record.

    Raises:
        DataError: the part is empty.
    """
    output = run_in_batches(runner, part.inputs, signal.input.name)[answer.output.name]
    correct = answer.correct(output, part.targets)
    told = _Told(split, runner.form)
    measures = [_headline(answer, correct, part, told, command)]
    measures += [_statistic(statistic, output, part, told, command) for statistic in answer.statistics()]
    measures = [measure for measure in measures if math.isfinite(measure.value)]
    if not isinstance(answer, Classifying):
        return Evaluation(tuple(measures), output, correct)
    confusion = confusion_matrix(part.targets, answer.decide(output), len(answer.names))
    gap = calibration_error(output, correct)
    method = f"{BINS} equal-width bins (Guo et al. 2017, arXiv:1706.04599)"
    calibration = Measure("calibration_error", gap, gap, gap, len(correct), "fraction", *told, method, command)
    rows = tuple(tuple(int(count) for count in row) for row in confusion)
    return Evaluation((*measures, calibration), output, correct, rows, class_scores(confusion, answer.names))


class _Told(NamedTuple):
    """What is said of a measurement, whatever is measured."""

    split: str
    form: str


def _headline(answer: Answer, correct: Array, part: Part, told: _Told, command: str) -> Measure:
    """The mean of how right each example is."""
    if _is_binary(correct):
        return fraction(answer.metric, correct, told.split, told.form, command)
    low, high = bootstrap(lambda draw: float(correct[draw].mean()), len(correct), part.groups)
    return _between(answer.metric, float(correct.mean()), (low, high), len(correct), "fraction", told, command)


def _statistic(statistic: Statistic, output: Array, part: Part, told: _Told, command: str) -> Measure:
    if statistic.first is not None:
        output = statistic.first(output, part.targets)
    value = statistic.of(output, part.targets)
    ends = (math.nan, math.nan)
    if math.isfinite(value):
        ends = bootstrap(lambda draw: statistic.of(output[draw], part.targets[draw]), len(output), part.groups)
    return _between(statistic.name, value, ends, len(output), statistic.unit, told, command)


def _between(
    name: str, value: float, ends: tuple[float, float], n: int, unit: str, told: _Told, command: str
) -> Measure:
    """A measure with its bootstrap interval, which rounding must not move off the value."""
    low, high = (value if math.isnan(end) else end for end in ends)
    return Measure(name, value, min(low, value), max(high, value), n, unit, *told, BOOTSTRAP, command)


def compare(
    reference: Evaluation, shipped: Evaluation, answer: Answer, split: str = "test", command: str = VERIFY
) -> tuple[Measure, ...]:
    """What shipping cost: the paired difference of the metric, and how often both forms decide alike."""
    forms = f"{shipped.measures[0].form} - {reference.measures[0].form}"
    difference, low, high = paired_difference(reference.correct, shipped.correct)
    n = len(shipped.correct)
    same = answer.same(reference.output, shipped.output)
    method = NEWCOMBE if _is_binary(reference.correct) and _is_binary(shipped.correct) else NORMAL
    return (
        Measure(f"{answer.metric}_difference", difference, low, high, n, "fraction", split, forms, method, command),
        fraction("agreement", np.asarray(same, np.float64), split, forms, command),
    )


def fraction(name: str, scores: Array, split: str, form: str, command: str) -> Measure:
    """The mean of scores between 0 and 1, with its Wilson interval."""
    total, n = float(np.sum(scores)), len(scores)
    low, high = wilson(total, n)
    return Measure(name, total / n, low, high, n, "fraction", split, form, WILSON, command)


def exact(name: str, value: float, unit: str, form: str, command: str = VERIFY) -> Measure:
    """A measure without chance in it: bytes, parameters, MACs."""
    return Measure(name, float(value), float(value), float(value), 1, unit, "", form, EXACT, command)


def confusion_matrix(target: Array, decided: Array, width: int) -> Array:
    """How often each true class (row) was taken for each class (column): (width, width) int64."""
    return np.bincount(target * width + decided, minlength=width * width).reshape(width, width)


def class_scores(confusion: Array, names: Sequence[str]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class; 0 where a class was never predicted, or is absent."""
    scores = []
    for index, name in enumerate(names):
        hits = int(confusion[index, index])
        n, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
        low, high = wilson(hits, n)
        precision, recall = hits / max(predicted, 1), hits / max(n, 1)
        scores.append(ClassScore(name, n, precision, recall, low, high, 2 * hits / max(n + predicted, 1)))
    return tuple(scores)


def calibration_error(probabilities: Array, correct: Array) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        probabilities: (n, classes).
        correct: 0 or 1, (n,).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(correct))


def measure_latency(runner: Runner, signal: Signal, seconds: float = 1.0, least: int = 30) -> Measure:
    """Milliseconds for one example: the median, and the 5th and 95th percentile as its spread.

    Args:
        runner: give it one thread, so that hosts compare.
        signal: says what an example looks like; the pixels do not matter to the time.
        seconds: how long to go on measuring.
        least: repeat at least this often.
    """
    spec = signal.input
    example = {spec.name: np.zeros((1, *spec.shape), dtype=spec.dtype)}
    for _ in range(5):  # the first runs allocate
        runner(example)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        runner(example)
        times.append((time.perf_counter() - start) * 1000)
    low, median, high = (float(value) for value in np.percentile(times, (5, 50, 95)))
    method = "median, 5th to 95th percentile; batch 1, 1 thread"
    return Measure(
        "latency_ms", median, low, high, len(times), "ms", "", runner.form, method, "smidgen benchmark BUNDLE"
    )


def host() -> dict[str, Json]:
    """The machine and the libraries of a measurement."""
    modules = ("numpy", "onnxruntime", "torch")
    loaded = {name: str(sys.modules[name].__version__) for name in modules if name in sys.modules}
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        **loaded,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


# The record


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured on a shipped model; `evidence.json` of a bundle."""

    measures: tuple[Measure, ...]
    data_fingerprint: str
    seeds: tuple[int, ...]
    comparison: tuple[Measure, ...] = ()  # shipped against float
    confusion: tuple[tuple[int, ...], ...] = ()
    per_class: tuple[ClassScore, ...] = ()
    host: Mapping[str, Json] = field(default_factory=host)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    schema: int = SCHEMA

    def find(self, name: str, form: str = "") -> Measure | None:
        """The first measure of that name, in that form where one is given."""
        every = (*self.measures, *self.comparison)
        return next((m for m in every if m.name == name and form in ("", m.form)), None)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON, in the order of the fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: Json) -> Self:
        """The inverse of `to_json`; raises BundleError, naming the field that makes no sense."""
        whole = as_object(state, "evidence.json")
        if entry(whole, "schema", int, "evidence.json") > SCHEMA:
            raise BundleError(
                f"evidence.json has schema {whole['schema']}", "It needs a newer smidgen: pip install -U smidgen"
            )
        confusion = _items(whole, "confusion", list)
        if not all(type(count) is int for row in confusion for count in row):
            raise BundleError("evidence.json: confusion should be rows of whole numbers")
        seeds = _items(whole, "seeds", int)
        return cls(
            measures=_records(Measure, whole, "measures"),
            data_fingerprint=entry(whole, "data_fingerprint", str, "evidence.json"),
            seeds=tuple(seeds),
            comparison=_records(Measure, whole, "comparison"),
            confusion=tuple(tuple(row) for row in confusion),
            per_class=_records(ClassScore, whole, "per_class"),
            host=entry(whole, "host", dict, "evidence.json"),
            created=entry(whole, "created", str, "evidence.json"),
            schema=whole["schema"],
        )


# Reading JSON that nobody vouches for


def as_object(state: Json, where: str) -> dict[str, Json]:
    """`state` where it is a JSON object; else BundleError."""
    if not isinstance(state, dict):
        raise BundleError(f"{where} should be a JSON object, not {_shown(state)}")
    return state


def entry(state: Mapping[str, Json], name: str, kind: type[Any], where: str) -> Any:
    """The field `name` of `state`, which must be of the type `kind`; a whole number will do for a float."""
    if name not in state:
        raise BundleError(f"{where}: the field {name} is missing")
    value = state[name]
    if kind is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise BundleError(f"{where}: the field {name} should be of type {kind.__name__}, not {_shown(value)}")
    return value


def _shown(value: Json) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _items(state: Mapping[str, Json], name: str, kind: type[Any]) -> list[Any]:
    values: list[Any] = entry(state, name, list, "evidence.json")
    return [entry({name: value}, name, kind, "evidence.json") for value in values]


def _records(cls: type[T], state: Mapping[str, Json], name: str) -> tuple[T, ...]:
    """A list of objects as the dataclass `cls`, whose fields are strings and numbers."""
    kinds: dict[str, type[Any]] = {"str": str, "int": int, "float": float}
    return tuple(
        cls(**{part.name: entry(item, part.name, kinds[str(part.type)], name) for part in fields(cls)})
        for item in _items(state, name, dict)
    )
