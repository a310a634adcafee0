"""Series: windows of what sensors give over time, float32 in their own units, steps x channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self, TypeGuard

import numpy as np

from smidgen.data.listing import Columns, Listing, Recordings, Rows
from smidgen.data.reading import Collected, Match
from smidgen.errors import BundleError, DataError
from smidgen.signals import _windows
from smidgen.signals._future import baselines, futures
from smidgen.signals._runs import PART, Layout, Run, Runs, part_of, runs_of, structure, target_of
from smidgen.signals._windows import Plan, Windows
from smidgen.types import Array, Changes, Json, Progress, Reading, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor, nn

    from smidgen.data.store import Memory
    from smidgen.types import Answer, Labels

SUITS = (0.3, 0.9)  # how well a task suits that is possible, and one that is likely
STILL = 1e-6  # a channel whose deviation is less than this share of its size is constant
MOST_CHANNELS = 10_000
CHANGES: tuple[tuple[Changes, ...], ...] = (
    ({"noise": 1.5}, {"noise": 1.0}, {"noise": 0.5}, {"noise": 0.2}),
    ({"gain": 0.3}, {"gain": 0.1}),
)
LEVELS: tuple[tuple[Changes, ...], ...] = (({"offset": 0.2}, {"offset": 0.1}),)
WINDOWS = 4096  # that tell, before a split, how numbers are spread


@dataclass(frozen=True)
class SeriesSignal:
    """`window` steps of named channels. What is learnt: `mean` and 1 / `scale`, the deviation, of each channel.

    A constant channel has the scale 0. For forecasts, `ahead` are the channels to be forecast, `horizon` is how far,
    and `spread` the deviation of the change of each channel and step ahead; features are changes from the last step
    then. `group` and `time` are the columns that a table is divided and ordered by.
    """

    window: int
    channels: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    hop: int = 1
    padded: bool = False  # whether windows may begin before their run, filled with its first row
    horizon: int = 0
    ahead: tuple[int, ...] = ()
    spread: tuple[float, ...] = ()
    group: str = ""
    time: str = ""

    kind = "series"
    noun = "windows"
    comparable = False  # neighbours in time are alike

    @property
    def input(self) -> TensorSpec:
        """Raw values, (window, channels)."""
        return TensorSpec("series", "float32", (self.window, len(self.channels)))

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """(channels, time)."""
        return len(self.channels), self.window

    def frontend(self) -> nn.Module:
        """float32 (batch, time, channels) -> standardised (batch, channels, time)."""
        from smidgen.signals._series_layers import SeriesFrontend

        count = len(self.channels)
        return SeriesFrontend(self.mean or (0.0,) * count, self.scale or (1.0,) * count, self.horizon > 0)

    def restore(self, answer: Answer) -> nn.Module | None:
        """What makes raw outputs of the body's: (raw input, body's output) -> (batch, width); None: they are."""
        if not self.horizon:
            return None
        from smidgen.signals._series_layers import Onward

        return Onward(len(self.channels), self.ahead, self.spread or (1.0,) * answer.width, answer)

    @classmethod
    def recognise(cls, found: Listing, how: Reading) -> Match | None:
        """Recordings; tables with runs, or with a column of time; stacks of windows."""
        content, target = found.content, how.task.target
        if isinstance(content, Recordings):
            alone = len(set(found.labels)) < 2
            scores = {"label": SUITS[not alone], "normal": SUITS[alone]}
            return Match(scores[target], "it holds long signals in time") if target in scores else None
        if isinstance(content, Columns):
            return _recognised(content, how)
        if not isinstance(content, Sequence) or target != "label":
            return None
        windows = all(len(rows.shape) == 3 and rows.dtype.kind == "f" for rows in content)
        narrow = windows and all(rows.shape[2] < 8 <= rows.shape[1] for rows in content)
        return Match(0.9 if narrow else 0.3, "its arrays are windows of signals in time") if windows else None

    @classmethod
    def collect(
        cls,
        found: Listing,
        how: Reading,
        memory: Memory,
        progress: Progress,  # noqa: ARG003  nothing is decoded here
        sensor: Self | None = None,
    ) -> Collected:
        """Cut all windows; raises DataError, UsageError."""
        if isinstance(found.content, Sequence):
            return _stacked(cls, found, found.content, memory, sensor)
        read = runs_of(found, how, sensor.layout if sensor else None)
        return _from_runs(cls, read, how, sensor)

    @property
    def layout(self) -> Layout:
        """Which columns of a table are what."""
        return Layout(self.channels, self.group, self.time)

    def examples(self, given: str) -> Iterator[tuple[str, Array]]:
        """The newest window of each run in a table or recording, or all windows side by side where runs have one class.

        Raises:
            DataError: it cannot be read, or lacks a channel.
        """
        from smidgen.data.sources import listing
        from smidgen.types import Task

        found = listing(given)
        if isinstance(found.content, Sequence):
            for rows in found.content:
                for index, row in enumerate(np.concatenate([self._fitting(block, found) for block in rows.blocks()])):
                    yield f"{rows.name}[{index}]", row
            return
        task = Task("predict", self.kind, "", (), "", 0.0, "", "future")
        runs = runs_of(found, Reading(task, group=self.group, time=self.time), self.layout).runs
        all_of_them = Plan(self.window, (self.window, self.window), by_time=False)
        wanted = _windows.newest(runs) if self.padded or self.horizon else _windows.cut(runs, all_of_them)
        store = Windows(runs, wanted, self.window)
        for index, (run, end) in enumerate(zip(wanted.runs, wanted.ends, strict=True)):
            yield _name(runs[run], end), store[np.array([index])][0]

    def _fitting(self, block: Array, found: Listing) -> Array:
        """A block of windows as float32 (b, window, channels); raises DataError where it has another shape."""
        if block.shape[1:] != self.input.shape:
            raise DataError(
                f"The windows in {found.source} are {_size(block.shape[1:])}, but {_size(self.input.shape)} is wanted",
                "Cut them in the same way",
            )
        return np.asarray(block, np.float32)

    def learn(self, blocks: Iterable[Array]) -> Self:
        """The mean and deviation of each channel (of its changes, for forecasts) over training windows."""
        count, pivot = 0, np.zeros(len(self.channels))
        first, second, steps = np.zeros_like(pivot), np.zeros_like(pivot), np.zeros(self.horizon * len(self.ahead))
        seen = 0
        for block in blocks:
            values = block.astype(np.float64)
            if not count:
                pivot = values.mean(axis=(0, 1))
            away = values - (values[:, -1:] if self.horizon else pivot)
            first += away.sum(axis=(0, 1))
            second += (away**2).sum(axis=(0, 1))
            count += away.shape[0] * away.shape[1]
            seen += len(block)
            if self.horizon:
                steps += self._changes(values)
        mean = first / count
        deviation = np.sqrt(np.maximum(second / count - (0 if self.horizon else mean**2), 0))
        still = deviation <= STILL * np.maximum(np.abs(pivot + mean), 1e-30)
        scale = np.where(still, 0.0, 1 / np.where(still, 1.0, deviation))
        spread = np.sqrt(steps / max(1, seen))
        return replace(
            self,
            mean=tuple((pivot + mean).tolist()),
            scale=tuple(scale.tolist()),
            spread=tuple(np.where(spread > 0, spread, 1.0).tolist()),
        )

    def _changes(self, values: Array) -> Array:
        """The sums of squared changes over 1, 2, ... horizon steps of the channels to be forecast, (width,)."""
        lags = [min(step, self.window - 1) for step in range(1, self.horizon + 1)]
        chosen = values[:, :, list(self.ahead)]
        return np.concatenate([((chosen[:, -1] - chosen[:, -1 - lag]) ** 2).sum(axis=0) for lag in lags])

    def sketch(self, block: Array) -> Array:
        """Level, spread and roughness of each channel, (b, 3 channels), in steps of a 32nd deviation."""
        scale = np.array(self.scale or (1.0,) * len(self.channels))
        centred = (block - np.array(self.mean or (0.0,) * len(self.channels))) * scale
        rough = np.abs(np.diff(centred, axis=1)).mean(axis=1) if self.window > 1 else centred[:, 0]
        numbers = np.concatenate([centred.mean(axis=1), centred.std(axis=1), rough], axis=1)
        return np.asarray(np.clip(np.rint(128 + 32 * numbers), 0, 255), np.uint8)

    def changes(self, few: bool) -> Sequence[Sequence[Changes]]:
        """Noise as strong as the signal or less, another gain for each channel; with few examples another level too."""
        return CHANGES + (LEVELS if few else ())

    def augment(self, raw: Tensor, how: Changes, seed: int) -> Tensor:
        """Each window of a raw batch (batch, time, channels) changed in its own way."""
        import torch

        from smidgen.signals._series_layers import change

        scale = torch.tensor(self.scale)
        deviation = torch.where(scale > 0, 1 / scale.clamp_min(1e-30), torch.zeros(()))
        return change(raw, dict(how), deviation, torch.tensor(self.mean), seed)

    def to_json(self) -> dict[str, Json]:
        """The fields by name."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, state: Mapping[str, Json]) -> Self:
        """The inverse of `to_json`; raises BundleError where a field is missing or makes no sense."""
        channels = state.get("channels")
        if not _are(channels, str) or not 1 <= len(channels) <= MOST_CHANNELS:
            raise BundleError("signal.channels should be a list of names")
        for name, least in {"window": 1, "hop": 1, "horizon": 0}.items():
            value = state.get(name)
            if type(value) is not int or not least <= value <= _windows.LONGEST:
                raise BundleError(f"signal.{name} should be a whole number from {least} to {_windows.LONGEST}")
        ahead, width = state.get("ahead"), len(channels)
        if not _are(ahead, int) or not all(0 <= index < width for index in ahead):
            raise BundleError("signal.ahead should be a list of channels, by their numbers")
        for name, length in {"mean": width, "scale": width, "spread": len(ahead) * state["horizon"]}.items():
            values = state.get(name)
            if not _are(values, float) or len(values) != length or not all(map(math.isfinite, values)):
                raise BundleError(f"signal.{name} should be a list of {length} numbers")
        if type(state.get("padded")) is not bool or not _are([state.get("group"), state.get("time")], str):
            raise BundleError("signal.padded should be true or false, signal.group and signal.time names of columns")
        known: dict[str, Any] = {field.name: state[field.name] for field in fields(cls)}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**known | lists)


def _recognised(table: Columns, how: Reading) -> Match | None:
    group, time = structure(table, how)
    if how.task.target == "remaining":
        alone = bool(how.target) or not target_of(table, replace(how, task=replace(how.task, target="label")))
        runs = f"it holds runs: {group} with its {time}"
        return Match(0.85 if alone else 0.3, runs) if group and time else None
    if how.task.target == "future":
        dated = time and not group and not target_of(table, replace(how, task=replace(how.task, target="label")))
        once = len(set(table.text(time))) == len(table) if time else False
        return Match(0.8, f"it has one row for each {time}") if dated and once else None
    if not group or not time:
        return None
    target = target_of(table, how)
    if not target or (table.is_number(target) and len(np.unique(table.columns[target])) > len(table) // 10):
        return None
    alone = _alike(table, target)
    if how.task.target == "normal":
        return Match(SUITS[alone], f"what is for learning in it has one {target}")
    return Match(SUITS[not alone] - 0.1, f"it holds runs, {group} by {time}, and their {target}")


def _alike(table: Columns, target: str) -> bool:
    """Whether the rows for training, where the table says which these are, or all have one label."""
    part, labels = table.find("", PART), table.text(target)
    parts = [part_of(cell) for cell in table.text(part)] if part else ["train"] * len(labels)
    return len({label for label, one in zip(labels, parts, strict=True) if one in ("train", "") and label}) < 2


def _from_runs(cls: type[SeriesSignal], read: Runs, how: Reading, sensor: SeriesSignal | None) -> Collected:
    """Windows of runs."""
    runs, layout, notes = read.runs, read.layout, list(read.notes)
    if how.task.target == "remaining":
        runs = [run if run.targets is not None else _counting_down(run) for run in runs]
    elif how.task.target != "future" and any(run.targets is None for run in runs):
        runs = [replace(run, targets=np.full(len(run), "normal", object)) for run in runs]
    planned = _planned(runs, how, sensor)
    found = _windows.cut(runs, planned)
    store = Windows(runs, found, planned.window)
    ahead = _ahead(layout, how) if planned.horizon else ()
    labels: Labels
    if planned.horizon:
        labels = futures(runs, found, ahead, planned.horizon)
        notes += baselines(runs, found, ahead, planned.horizon, planned.window)
    else:
        each = [_targets_of(runs[run])[end] for run, end in zip(found.runs, found.ends, strict=True)]
        labels = np.array(each, np.float32).reshape(-1, 1) if how.task.answer == "values" else each
    signal = sensor or cls(
        planned.window, layout.channels, hop=planned.steps[0], padded=planned.padded, horizon=planned.horizon,
        ahead=ahead, group=layout.group, time=layout.time,
    )  # fmt: skip
    shown = np.linspace(0, len(store) - 1, min(WINDOWS, len(store))).astype(np.int64)
    learnt = signal.learn([store[shown]])  # from all parts, for the sketches of the report only: a fit learns again
    if still := [name for name, scale in zip(layout.channels, learnt.scale, strict=True) if not scale]:
        notes.append(f"Constant, and so of no use: {', '.join(still)}")
    given = any(found.parts) and not sensor
    return Collected(
        signal=sensor or learnt,
        store=store,
        labels=labels,
        names=[_name(runs[run], end) for run, end in zip(found.runs, found.ends, strict=True)],
        parts=found.parts if given else (),
        groups=() if planned.by_time else [runs[run].name for run in found.runs],
        rule=planned.rule if not sensor else "",
        sizes={_size(store.shape): len(store)},
        warnings=notes,
    )


def _planned(runs: Sequence[Run], how: Reading, sensor: SeriesSignal | None) -> Plan:
    """How to cut; as for `sensor` where there is one, without a split."""
    if not sensor:
        return _windows.plan(runs, how)
    step = max(sensor.hop, sensor.window) if how.task.target not in ("remaining", "future") else sensor.hop
    return Plan(sensor.window, (step, step), sensor.horizon, sensor.padded, by_time=False)


def _counting_down(run: Run) -> Run:
    """A run whose targets are the steps that are left to its end."""
    return replace(run, targets=np.arange(len(run) - 1, -1, -1, dtype=np.float64))


def _targets_of(run: Run) -> Array:
    if run.targets is None:
        raise DataError(f"{run.name} has no labels", "Say --target")
    return run.targets


def _ahead(layout: Layout, how: Reading) -> tuple[int, ...]:
    """The channels to be forecast: the one that the user named, or all."""
    if not how.target:
        return tuple(range(len(layout.channels)))
    if layout.target not in layout.channels:
        raise DataError(f"{how.target} holds no numbers", "Say another --target")
    return (layout.channels.index(layout.target),)


def _stacked(
    cls: type[SeriesSignal], found: Listing, pieces: Sequence[Rows], memory: Memory, sensor: SeriesSignal | None
) -> Collected:
    """Rows of arrays that are windows already: (n, window, channels), or (n, window)."""
    shapes = {(*rows.shape[1:], 1)[:2] for rows in pieces}
    if len(shapes) != 1 or any(len(rows.shape) not in (2, 3) for rows in pieces):
        raise DataError(f"{found.source} holds no windows of one shape", "Give arrays of (n, steps, channels)")
    window, width = shapes.pop()
    signal = sensor or cls(window, tuple(f"channel {index}" for index in range(width)), hop=window)
    writer = memory.writer(len(found.names), signal.input.shape, "float32")
    for rows in pieces:
        for block in rows.blocks():
            values = signal._fitting(block.reshape(len(block), window, width), found)
            if not np.isfinite(values).all():
                raise DataError(f"{rows.name} holds values that are no finite numbers", "Replace or remove them")
            writer.append(values)
    store = writer.store()
    return Collected(
        signal=signal,
        store=store,
        labels=found.labels,
        names=found.names,
        parts=found.parts,
        groups=found.groups,
        sizes={_size(signal.input.shape): len(store)},
    )


def _name(run: Run, end: int) -> str:
    """Where a window ends."""
    return run.where[end]


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _are(values: Json, kind: type) -> TypeGuard[list[Any]]:
    return isinstance(values, list) and all(type(value) is kind for value in values)


SIGNAL = SeriesSignal
