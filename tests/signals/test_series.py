import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.compiler.network import build, example
from smidgen.data.columns import parse
from smidgen.data.listing import Listing, Recordings, Rows
from smidgen.data.load import load
from smidgen.data.store import Memory
from smidgen.errors import BundleError, DataError
from smidgen.signals.series import SeriesSignal
from smidgen.types import Reading, silent
from tests.signals.sample import values

REMAINING = registry.find("tasks", "series-regression").TASK
LABEL = registry.find("tasks", "series-classification").TASK
FUTURE = registry.find("tasks", "series-forecasting").TASK
MEMORY = Memory(None, Path())


def learnt(window: int = 4, horizon: int = 0) -> SeriesSignal:
    signal = SeriesSignal(window, ("heat", "still"), horizon=horizon, ahead=(0,) if horizon else ())
    dice = np.random.default_rng(0)
    heat = 300 + 2 * dice.normal(size=(50, window, 1))
    return signal.learn([np.concatenate([heat, np.full_like(heat, 518.67)], axis=2).astype(np.float32)])


def test_features_are_standardised_by_channel_and_constants_are_nothing() -> None:
    signal = learnt()
    assert signal.mean == pytest.approx((300, 518.67), abs=0.2)
    assert signal.scale == pytest.approx((0.5, 0), abs=0.05)
    raw = torch.tensor([[[302.0, 518.67]] * 4])
    features = signal.frontend()(raw)
    assert features.shape == (1, *signal.feature_shape)
    assert features[0, 0].tolist() == pytest.approx([1.0] * 4, abs=0.2)
    assert features[0, 1].abs().max() == 0


@given(st.integers(1, 5))
def test_learning_does_not_depend_on_blocks(pieces: int) -> None:
    values = np.random.default_rng(1).normal(1000, 3, (40, 5, 2)).astype(np.float32)
    whole = SeriesSignal(5, ("a", "b")).learn([values])
    parts = SeriesSignal(5, ("a", "b")).learn(np.array_split(values, pieces))
    assert parts.mean == pytest.approx(whole.mean, rel=1e-9)
    assert parts.scale == pytest.approx(whole.scale, rel=1e-6)
    assert 1 / np.array(whole.scale) == pytest.approx(values.std(axis=(0, 1)), rel=1e-3)


@pytest.mark.parametrize("horizon", [0, 3])
def test_json_brings_a_signal_back(horizon: int) -> None:
    signal = learnt(horizon=horizon)
    assert SeriesSignal.from_json(json.loads(json.dumps(signal.to_json()))) == signal


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window", 0), ("window", True), ("channels", []), ("channels", [1, 2]), ("mean", [1.0]), ("scale", [1.0, "1"]),
        ("mean", [float("nan"), 1.0]), ("horizon", -1), ("ahead", [7]), ("spread", []), ("padded", 1), ("group", None),
    ],
)  # fmt: skip
def test_damaged_json_is_refused(field: str, value: object) -> None:
    with pytest.raises(BundleError, match=f"signal.{field}"):
        SeriesSignal.from_json({**learnt(horizon=2).to_json(), field: value})


def test_a_network_that_says_nothing_repeats_the_last_value() -> None:
    signal, answer = learnt(window=8, horizon=3), values(3, 250.0, 40.0)
    network = build(signal, answer, "filters", 500)
    for parameter in network.body.parameters():
        torch.nn.init.zeros_(parameter)
    raw = example(signal, 2)
    raw[:, -1, 0] = torch.tensor([311.0, 2990.0])  # the second far from anything seen
    told = network.eval().answers(raw)
    assert told.tolist() == [pytest.approx([311.0] * 3, abs=1e-3), pytest.approx([2990.0] * 3, abs=1e-3)]


@pytest.mark.parametrize("how", [{"noise": 0.5}, {"gain": 0.3}, {"offset": 0.2}, {"drop": 0.5}])
def test_changes_repeat_and_leave_constant_channels(how: dict[str, float]) -> None:
    signal = learnt()
    raw = torch.full((6, 4, 2), 518.67)
    raw[:, :, 0] = 300 + torch.arange(24.0).reshape(6, 4)
    once, again, other = (signal.augment(raw, how, seed) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert not torch.equal(once[..., 0], raw[..., 0])
    assert torch.allclose(once[..., 1], raw[..., 1])
    assert once.dtype == raw.dtype


def test_noise_of_1_is_at_most_as_strong_as_the_signal() -> None:
    raw = torch.randn(400, 256, 1)
    noise = (SeriesSignal(256, ("x",), (0.0,), (1.0,)).augment(raw, {"noise": 1.0}, 0) - raw).std(dim=1)
    assert 0.9 < float(noise.max()) < 1.2
    assert float(noise.min()) < 0.1


def engines(count: int = 8, cycles: int = 12) -> str:
    rows = [f"{e},{c},{c * c + e}" for e in range(1, count + 1) for c in range(1, cycles + e)]
    return "engine,cycle,heat\n" + "\n".join(rows) + "\n"


def collect(text: str, how: Reading, sensor: SeriesSignal | None = None):  # type: ignore[no-untyped-def]
    table = parse(text, "data.csv")
    return SeriesSignal.collect(Listing("data.csv", "csv", table.lines, [], table), how, MEMORY, silent, sensor)


def test_what_remains_counts_down_and_engines_stay_whole() -> None:
    found = collect(engines(), Reading(REMAINING, window=5))
    labels = np.asarray(found.labels)
    assert labels[:12, 0].tolist() == list(range(11, -1, -1))
    assert len(found.store) == len(labels) == len(found.names) == sum(11 + e for e in range(1, 9))
    assert found.parts == ()
    assert set(found.groups) == {f"engine {e}" for e in range(1, 9)}
    assert found.store[np.array([0])][0, :, 0].tolist() == [1] * 5  # the clock is a channel; the start is padded


def test_the_future_is_what_comes_next() -> None:
    rows = "".join(f"{step},{10 * step}\n" for step in range(200))
    found = collect("time,price\n" + rows, Reading(FUTURE, window=4, horizon=2))
    windows, labels = found.store[np.arange(len(found.store))], np.asarray(found.labels)
    assert np.array_equal(labels, windows[:, -1] + [[10, 20]])
    assert set(found.parts) == {"train", "validation", "test"}
    assert any("last value errs by 15.81" in note for note in found.warnings)  # the root of (10^2 + 20^2) / 2


def test_a_target_of_a_forecast_is_one_of_the_channels() -> None:
    rows = "".join(f"{step},{step % 7},{step % 5}\n" for step in range(200))
    found = collect("time,a,b\n" + rows, Reading(FUTURE, target="b", window=8, horizon=1))
    assert found.signal.ahead == (1,)
    assert np.asarray(found.labels).shape[1] == 1


def test_other_data_is_read_as_the_model_was() -> None:
    how = Reading(REMAINING, window=5)
    signal = collect(engines(), how).signal
    found = collect(engines(3), Reading(REMAINING), signal)
    assert found.signal is signal
    assert found.store.shape == (5, 2)
    assert found.rule == ""


def test_stacks_of_windows_are_read_as_they_are() -> None:
    x = np.random.default_rng(0).normal(size=(9, 16, 3)).astype(np.float32)
    found = Listing("x.npz", "npz", [str(i) for i in range(9)], list("abc" * 3), [Rows.of("x", x)])
    made = SeriesSignal.collect(found, Reading(LABEL), MEMORY, silent)
    assert made.signal.input.shape == (16, 3)
    assert np.array_equal(made.store[np.arange(9)], x)
    with pytest.raises(DataError, match="16x3"):
        SeriesSignal.collect(found, Reading(LABEL), MEMORY, silent, learnt())


def test_recordings_are_divided_by_time() -> None:
    arrays = [np.random.default_rng(i).normal(size=(600, 1)).astype(np.float32) for i in range(2)]
    found = Listing("r.npz", "npz", ["r:a", "r:b"], ["a", "b"], Recordings(arrays, ("channel 0",)))
    made = SeriesSignal.collect(found, Reading(LABEL, window=8), MEMORY, silent)
    assert "by time" in made.rule
    assert {(label, part) for label, part in zip(made.labels, made.parts, strict=True)} == {
        (label, part) for label in "ab" for part in ("train", "validation", "test")
    }


@pytest.mark.parametrize(
    ("text", "task", "suits"),
    [
        (engines(), REMAINING, True),
        (engines(), FUTURE, False),
        (engines().replace("heat", "heat,fault").replace("\n", ",a\n"), LABEL, False),
        ("date,price\n" + "".join(f"2026-01-{d:02},{d}\n" for d in range(1, 29)), FUTURE, True),
        ("age,weight\n" + "".join(f"{d},{d}\n" for d in range(30)), FUTURE, False),
    ],
)
def test_sources_are_recognised(text: str, task: object, suits: bool) -> None:
    try:
        table = parse(text, "data.csv")
    except DataError:
        return
    match = SeriesSignal.recognise(Listing("data.csv", "csv", table.lines, [], table), Reading(task))  # type: ignore[arg-type]
    assert (match is not None) == suits


def test_predict_takes_the_newest_window_of_each_engine(tmp_path: Path) -> None:
    (tmp_path / "now.csv").write_text(engines(3), encoding="utf-8")
    signal = collect(engines(), Reading(REMAINING, window=5)).signal
    found = list(signal.examples(str(tmp_path / "now.csv")))
    assert [name for name, _ in found] == ["now.csv:13", "now.csv:26", "now.csv:40"]
    assert [window[:, 0].tolist() for _, window in found] == [
        [8, 9, 10, 11, 12],
        [9, 10, 11, 12, 13],
        [10, 11, 12, 13, 14],
    ]


@pytest.mark.parametrize(("sample", "task"), [("generated-machines", LABEL), ("generated-wear", REMAINING)])
def test_samples_load(sample: str, task: object) -> None:
    data = load(sample, task=task)  # type: ignore[arg-type]
    assert min(len(data.train), len(data.validation), len(data.test)) >= 20
    assert data.signal.kind == "series"
