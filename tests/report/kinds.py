"""Facts of made-up models of every kind of input and answer; stand-ins for signals say what a bundle keeps of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from smidgen.answers.classes import Classes
from smidgen.answers.ranking import Ranking
from smidgen.answers.score import Score
from smidgen.answers.values import Values
from smidgen.evidence import Evidence, exact, fraction
from smidgen.report import showing
from smidgen.report.facts import Facts, Outcome
from smidgen.signals.table import TableSignal
from smidgen.types import Measure

if TYPE_CHECKING:
    from smidgen.types import Array, Json, Signal

FORM = "model.onnx"
SECONDS = np.arange(8000) / 8000


@dataclass(frozen=True)
class Stand:
    """What the report reads of a signal."""

    kind: str
    state: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return self.state


def signal(kind: str, **state: Json) -> Signal:
    return cast("Signal", Stand(kind, state))


def measure(name: str, value: float, low: float, high: float, n: int, unit: str = "fraction") -> Measure:
    return Measure(name, value, low, high, n, unit, "test", FORM, "bootstrap, 95 %", "smidgen evaluate model")


def facts(task: str, noun: str, answer: Any, outcome: Outcome, inputs: Array, given: Any, **more: Any) -> Facts:
    """What a fit would hand over."""
    measures = (
        *more.pop("measures"),
        exact("file_bytes", 3_912, "bytes", FORM),
        exact("parameters", 902, "count", FORM),
    )
    return Facts(
        name="model",
        task=task,
        evidence=Evidence(measures, "sha256:5f1e", (0,), host={}, created=""),
        metric=answer.metric,
        noun=noun,
        answer=answer,
        signal=given,
        outcome=outcome,
        mistakes=showing.mistakes(answer, outcome, cast("Any", inputs)),
        windows=showing.windows(given, answer, outcome, cast("Any", inputs)),
        **more,
    )


def disease(n: int = 400) -> Facts:
    """Rows of a table, two classes, one of them sought."""
    dice = np.random.default_rng(1)
    ill = (np.arange(n) % 3 == 0).astype(np.int64)
    logit = np.clip(3.0 * ill - 1.5 + dice.normal(0, 1.4, n), -8, 8)
    chance = 1 / (1 + np.exp(-logit))
    rows = dice.normal(20, 5, (n, 5)).astype(np.float32)
    rows[:, 3] = dice.integers(0, 3, n)
    rows[::7, 0] = np.nan
    rows = rows[:, [0, 1, 2, 4, 3]]
    table = TableSignal(("age", "pressure [mmHg]", "glucose", "radius"), (("blood type", ("A", "B", "<0>")),))
    answer = Classes(("benign", "malignant"), positive=1, threshold=0.31)
    output = np.stack([1 - chance, chance], 1).astype(np.float32)
    right = np.asarray((chance > 0.5) == ill, np.float64)
    measures = (
        fraction("accuracy", right, "test", FORM, "smidgen evaluate model"),
        measure("auc", 0.958, 0.93, 0.98, n),
    )
    outcome = Outcome(output, ill, [f"rows.csv:{k + 2}" for k in range(n)])
    return facts("tabular-classification", "rows", answer, outcome, rows, table, measures=measures)


def wear(n: int = 900) -> Facts:
    """Windows of sensors, one value in a unit."""
    dice = np.random.default_rng(2)
    truth = dice.uniform(0, 125, (n, 1)).astype(np.float32)
    output = (truth + dice.normal(0, 4 + truth / 12)).astype(np.float32)
    windows = dice.normal(0, 1, (n, 30, 4)).cumsum(1).astype(np.float32)
    answer = Values((60.0,), (36.0,), names=(), unit="cycles")
    measures = (
        measure("r2", 0.91, 0.9, 0.93, n),
        measure("rmse", 10.83, 10.2, 11.4, n, "cycles"),
        measure("mae", 8.31, 7.9, 8.8, n, "cycles"),
    )
    outcome = Outcome(output, truth, [f"engine {k // 9}, cycle {k % 9}" for k in range(n)])
    given = signal("series", channels=["a", "b", "c", "d"], window=30, horizon=0, ahead=[])
    return facts("series-regression", "windows", answer, outcome, windows, given, measures=measures)


def forecast(n: int = 60, horizon: int = 12) -> Facts:
    """Windows of one channel, and what comes after each."""
    dice = np.random.default_rng(3)
    series = 320 + np.sin(np.arange(n + 60) / 2) * 4 + np.arange(n + 60) * 0.2 + dice.normal(0, 0.4, n + 60)
    windows = np.stack([series[k : k + 36] for k in range(n)])[:, :, None].astype(np.float32)
    truth = np.stack([series[k + 36 : k + 36 + horizon] for k in range(n)]).astype(np.float32)
    output = (truth + dice.normal(0, np.arange(1, horizon + 1) / 6, truth.shape)).astype(np.float32)
    answer = Values((330.0,) * horizon, (8.0,) * horizon, unit="ppm")
    measures = (measure("r2", 0.83, 0.8, 0.86, n), measure("rmse", 1.2, 1.1, 1.3, n, "ppm"))
    given = signal("series", channels=["co2"], window=36, horizon=horizon, ahead=[0])
    outcome = Outcome(output, truth, [f"co2.csv:{k}" for k in range(n)])
    return facts("series-forecasting", "windows", answer, outcome, windows, given, measures=measures)


def anomaly() -> Facts:
    """Scores of three runs, two with a fault from row 160 on."""
    dice = np.random.default_rng(4)
    score = np.exp(dice.normal(-0.9, 0.35, (3, 960)))
    score[0, 170:] *= np.linspace(2, 60, 790)
    score[1, 300:] *= 4
    target = np.zeros((3, 960), np.int64)
    target[0, 160:], target[1, 160:] = 1, 2
    names = ("feed", "stuck", "normal")
    groups = [name for name in names for _ in range(960)]
    answer = Score(("normal", "feed", "stuck"))
    rows = dice.normal(0, 1, (2880, 1, 8)).astype(np.float32)
    outcome = Outcome(score.reshape(-1, 1), target.reshape(-1), [f"{g}:{k}" for k, g in enumerate(groups)], groups)
    measures = (
        measure("accuracy", 0.94, 0.93, 0.95, 2880),
        measure("detection_rate", 0.91, 0.9, 0.92, 1600),
        measure("false_alarm_rate", 0.011, 0.007, 0.017, 1280),
        measure("detection_delay", 12.5, 10, 140, 2, "rows"),
    )
    return facts("anomaly-detection", "rows", answer, outcome, rows, signal("series", horizon=0), measures=measures)


def tastes(people: int = 120, items: int = 300) -> Facts:
    """Histories of people, scores of all items, what they chose next."""
    dice = np.random.default_rng(5)
    popular = np.sort(dice.exponential(1, items))[::-1]
    target = np.full((people, 2), -1, np.int64)
    target[:, 0] = dice.choice(items, people, p=popular / popular.sum())
    scores = popular[None] + dice.normal(0, 1, (people, items))
    scores[np.arange(people), target[:, 0]] += 2
    history = dice.integers(0, items + 1, (people, 20)).astype(np.int32)
    titles = tuple(f"Film {k + 1} <1999>" for k in range(items))
    answer = Ranking(titles)
    measures = (
        measure("ndcg@10", 0.121, 0.1, 0.14, people),
        measure("ndcg@10_popularity", 0.061, 0.05, 0.07, people),
        measure("recall@10", 0.21, 0.19, 0.23, people),
        measure("recall@10_popularity", 0.11, 0.09, 0.13, people),
        measure("coverage", 0.55, 0.5, 0.6, people),
    )
    outcome = Outcome(scores.astype(np.float32), target, [f"user {k}" for k in range(people)])
    given = signal("interactions", items=list(titles))
    return facts("recommendation", "people", answer, outcome, history, given, measures=measures)


def messages(n: int = 200) -> Facts:
    """Texts as bytes, two classes."""
    answer = Classes(("ham", "spam"), positive=1, threshold=0.4)
    dice = np.random.default_rng(6)
    texts = [f"Message {k}: <b>WIN</b> £{k} now, 100 % free \N{PILE OF POO}" * (1 + k % 4) for k in range(n)]
    raw = np.stack([np.frombuffer(text.encode()[:96].ljust(96, b"\0"), np.uint8) for text in texts])
    target = (np.arange(n) % 5 == 0).astype(np.int64)
    chance = np.clip(0.6 * target + 0.2 + dice.normal(0, 0.2, n), 0, 1)
    measures = (fraction("accuracy", np.asarray((chance > 0.5) == target, np.float64), "test", FORM, "smidgen"),)
    outcome = Outcome(np.stack([1 - chance, chance], 1), target, [f"sms.tsv:{k}" for k in range(n)])
    return facts("text-classification", "messages", answer, outcome, raw, signal("text", length=96), measures=measures)


def digits(n: int = 60) -> Facts:
    """Sounds, three classes."""
    answer = Classes(("one", "two", "three"))
    dice = np.random.default_rng(7)
    sound = np.sin(SECONDS * 2 * np.pi * 440) * np.exp(-4 * SECONDS) * 12_000
    raw = np.stack([sound + dice.normal(0, 300, 8000) for _ in range(n)]).astype(np.int16)
    target = np.arange(n) % 3
    output = dice.dirichlet((0.4, 0.4, 0.4), n)
    measures = (fraction("accuracy", np.asarray(output.argmax(1) == target, np.float64), "test", FORM, "smidgen"),)
    outcome = Outcome(output, target, [f"{k}.wav" for k in range(n)])
    given = signal("audio", rate=8000, samples=8000)
    return facts("audio-classification", "sounds", answer, outcome, raw, given, measures=measures)


KINDS = {each.__name__: each for each in (disease, wear, forecast, anomaly, tastes, messages, digits)}


def hostile(found: Facts, name: str) -> Facts:
    """The same, with a hostile name wherever one comes from outside."""
    outcome = found.outcome
    assert outcome is not None
    bad = replace(outcome, names=[name] * len(outcome.target), groups=[name] * len(outcome.groups))
    mistakes = [replace(each, name=name, given=name, predicted=name) for each in found.mistakes]
    state = {**(found.signal.to_json() if found.signal else {}), "items": [name] * 300}
    if "numbers" in state:
        state |= {"numbers": [name] * 4, "categories": [[name, [name]]]}
    kind = found.signal.kind if found.signal else ""
    return replace(found, outcome=bad, mistakes=mistakes, signal=signal(kind, **state), units=name, noun=name)
