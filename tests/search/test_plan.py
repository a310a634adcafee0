import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from smidgen.search.plan import FEWEST, HIGHEST, MOST, ORDINARY, ROUND, Forecast, epochs, sprint, suited
from smidgen.training.optimizers import OPTIMIZERS
from smidgen.training.recipe import Recipe
from smidgen.types import Event, silent


@given(st.integers(3, 10_000_000), st.integers(0, 1_000_000_000))
def test_epochs_are_bounded_and_small_work_gets_more(examples: int, macs: int) -> None:
    found = epochs(examples, macs)
    assert FEWEST <= found <= MOST
    assert epochs(examples * 2, macs) <= found
    assert epochs(examples, macs * 2 + 1) <= found


@given(st.integers(3, 1_000_000), st.integers(1, 4), st.integers(1, 512))
def test_a_sprint_is_as_long_whatever_the_data(examples: int, rounds: int, batch: int) -> None:
    recipe = sprint(Recipe(batch_size=batch), examples, rounds)
    an_epoch = min(recipe.steps, max(1, examples // batch))
    assert an_epoch == recipe.steps
    assert abs(recipe.epochs * an_epoch - ROUND * rounds) <= max(an_epoch / 2, 1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_small_networks_get_more_rate_and_less_regularisation(name: str) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    small, large, huge = (suited(Recipe(optimizer=name), network, n, {}) for n in (700, ORDINARY, 40 * ORDINARY))
    assert large == huge
    assert HIGHEST >= small.learning_rate >= large.learning_rate or name != "adamw"
    assert small.weight_decay < large.weight_decay
    assert small.smoothing < large.smoothing
    bare = suited(Recipe(optimizer=name), nn.Linear(2, 2), 700, {})
    assert bare.learning_rate == (small.learning_rate if name == "adam" else small.learning_rate / 8)


def test_wishes_win() -> None:
    found = suited(Recipe(), nn.Linear(2, 2), 700, {"learning_rate": 0.3, "weight_decay": 0.0, "smoothing": None})
    assert (found.learning_rate, found.weight_decay) == (0.3, 0.0)
    assert found.smoothing == suited(Recipe(), nn.Linear(2, 2), 700, {}).smoothing


def test_the_time_left_is_what_is_planned_at_the_speed_so_far() -> None:
    heard: list[Event] = []
    now = [100.0]
    forecast = Forecast(heard.append, clock=lambda: now[0])
    recipe = Recipe(epochs=2)
    forecast.plan("race", recipe, 1000, 0)
    forecast.plan("train", recipe.with_(epochs=6), 1000, 0)  # three times the work
    forecast(Event("race", 0, 10))
    assert math.isnan(heard[-1].left)
    now[0] = 110.0
    forecast(Event("race", 5, 10, message="m"))  # half of the race took 10 s: the rest takes 10, the training 60
    assert heard[-1].left == pytest.approx(70)
    assert (heard[-1].stage, heard[-1].done, heard[-1].total, heard[-1].message) == ("race", 5, 10, "m")
    now[0] = 120.0
    forecast.finish("race")
    forecast(Event("train", 0, 4))
    assert heard[-1].left == pytest.approx(60)
    now[0] = 180.0
    forecast(Event("train", 4, 4))
    assert heard[-1].left == pytest.approx(0)


def test_a_stage_that_falls_away_shortens_the_rest() -> None:
    heard: list[Event] = []
    now = [0.0]
    forecast = Forecast(heard.append, clock=lambda: now[0])
    for stage in ("a", "b", "c"):
        forecast.plan(stage, Recipe(epochs=1), 500, 0)
    forecast(Event("a", 0, 1))  # the clock starts with the first stage
    forecast.finish("a")
    now[0] = 8.0
    forecast(Event("b", 0, 1))
    assert heard[-1].left == pytest.approx(16)
    forecast.drop("c", "unknown")
    forecast(Event("b", 0, 1))
    assert heard[-1].left == pytest.approx(8)


def test_fewer_steps_an_epoch_are_less_work() -> None:
    forecast = Forecast(silent)
    forecast.plan("short", Recipe(epochs=1, steps=2, batch_size=10), 1000, 5)
    forecast.plan("long", Recipe(epochs=1, batch_size=10), 1000, 5)
    assert forecast.planned["long"] == pytest.approx(50 * forecast.planned["short"])
