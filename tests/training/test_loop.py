import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from smidgen.data.store import FileStore
from smidgen.errors import DataError
from smidgen.training.checkpoint import Journal
from smidgen.training.loop import LEAST, Run, Training, measure, outputs
from smidgen.training.recipe import Recipe
from smidgen.types import Dataset, Event
from tests.compiler.sample import digits, network

QUICK = Recipe(epochs=3, steps=6, batch_size=64)


@pytest.fixture
def data() -> Dataset:
    return digits()


def fresh(data: Dataset, seed: int = 0) -> nn.Module:
    from smidgen.compiler.network import build

    return build(data.signal, data.answer, "cnn", 900, seed=seed)


def trained(data: Dataset, recipe: Recipe, journal: Journal | None = None) -> tuple[nn.Module, Run]:
    network = fresh(data)
    return network, Training(network, data, recipe, journal=journal)()


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_digits_are_learnt(data: Dataset) -> None:
    heard: list[Event] = []
    network = fresh(data)
    run = Training(network, data, Recipe(epochs=8, batch_size=64), progress=heard.append)()
    assert run.metric > 0.8
    assert run.metric == measure(network, data.validation, data)
    assert not network.training
    losses = [point.loss for point in run.curve]
    assert losses[-1] < losses[0] / 2
    assert [point.epoch for point in run.curve] == list(range(1, 9))
    assert [event.done for event in heard] == sorted(event.done for event in heard)
    assert {event.total for event in heard} == {8 * (len(data.train) // 64)}


def test_the_seed_decides_every_bit(data: Dataset) -> None:
    how = QUICK.with_(augmentation={"rotate": 10, "flip": 1, "cutout": 0.2}, ema=0.9)
    first, again, other = (trained(data, how.with_(seed=seed))[0] for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_chance_outside_is_left_alone(data: Dataset) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    trained(data, QUICK)
    assert torch.equal(torch.rand(3), wanted)


def test_examples_in_a_file_teach_the_same(data: Dataset, tmp_path: Path) -> None:
    store = FileStore(tmp_path, data.train.inputs.shape, "uint8")
    store.append(data.train.inputs[np.arange(len(data.train))])
    streamed = replace(data, train=replace(data.train, inputs=store))
    assert same(trained(data, QUICK)[0], trained(streamed, QUICK)[0])


def test_an_epoch_is_a_permutation(data: Dataset) -> None:
    training = Training(fresh(data), data, Recipe(batch_size=100))
    for epoch in range(2):
        first = epoch * training.run.steps_an_epoch
        seen = np.concatenate([training._batch(first + step) for step in range(training.run.steps_an_epoch)])
        assert len(set(seen.tolist())) == len(seen) == 100 * training.run.steps_an_epoch
    assert not np.array_equal(training._batch(0), training._batch(training.run.steps_an_epoch))


def test_stopping_early_keeps_the_best_epoch(data: Dataset) -> None:
    how = Recipe(epochs=30, steps=2, patience=2, learning_rate=0.15, schedule="constant")
    network, run = trained(data, how)
    metrics = [point.metric or 0.0 for point in run.curve]
    assert len(metrics) < 30
    assert metrics.index(max(metrics)) == len(metrics) - 3
    assert run.metric == max(metrics) == measure(network, data.validation, data)


def test_the_moving_average_is_what_ships(data: Dataset) -> None:
    how = Recipe(epochs=1, steps=5, ema=0.5)
    network = fresh(data)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    training = Training(network, data, how)
    follow = training._follow

    def watched(step: int) -> None:
        follow(step)
        share = 1 - min(0.5, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            average[name] = average[name] + share * (value - average[name]) if value.is_floating_point() else value

    training._follow = watched  # type: ignore[method-assign]
    training()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, average[name])


def test_a_run_that_diverges_says_so(data: Dataset) -> None:
    with pytest.raises(DataError, match=r"diverged.*loss is (nan|inf).*--learning-rate"):
        trained(data, Recipe(epochs=3, optimizer="sgd", learning_rate=1e30, schedule="constant"))


def test_a_teacher_is_imitated(data: Dataset) -> None:
    class Wise(nn.Module):
        """Is sure that everything is a 3."""

        def forward(self, raw: Tensor) -> Tensor:
            return torch.eye(10)[3].expand(len(raw), 10) * 9

    student = fresh(data)
    Training(student, data, Recipe(epochs=2, imitation=0.99, steps=15), teacher=Wise())()
    taken = outputs(student, data.validation, data).argmax(1)
    assert (taken == 3).mean() > 0.5


@pytest.mark.parametrize("how", [QUICK.with_(ema=0.8), QUICK.with_(patience=3), QUICK.with_(optimizer="momentum")])
def test_a_run_goes_on_after_any_step(
    how: Recipe, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smidgen.training.loop.SAVE_EVERY", 0.0)
    whole, unbroken = trained(data, how)
    journal = Journal(tmp_path / "journal")
    journal.open({}, resume=False)
    network, run = fresh(data), Run("train")
    for stop in (1, 7, 11, 17):
        training = Training(fresh(data), data, how, journal=journal)
        step = training._step

        def interrupted(
            *arguments: object, step: object = step, training: Training = training, stop: int = stop
        ) -> float:
            if training.run.step == stop:
                raise KeyboardInterrupt
            return step(*arguments)  # type: ignore[operator, no-any-return]

        training._step = interrupted  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyboardInterrupt):
            training()
    run = Training(network, data, how, journal=journal)()
    assert same(network, whole)
    assert (run.metric, run.step) == (unbroken.metric, unbroken.step)
    assert [point.loss for point in run.curve] == [point.loss for point in unbroken.curve]
    finished = fresh(data)
    assert Training(finished, data, how, journal=journal)().step == run.step
    assert same(finished, whole)


def test_a_run_is_json(data: Dataset) -> None:
    _, run = trained(data, QUICK)
    assert Run.from_json(run.to_json()) == replace(run, best=LEAST)
    assert math.isfinite(run.to_json()["best"])


def test_the_network_of_an_untrained_family_guesses(data: Dataset) -> None:
    assert measure(network("cnn", data.signal, data.answer), data.validation, data) < 0.4  # type: ignore[arg-type]
