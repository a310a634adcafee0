import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from smidgen.answers.classes import Classes
from smidgen.errors import UsageError
from smidgen.training.optimizers import OPTIMIZERS, SCHEDULES, optimizer, rate
from smidgen.training.recipe import Recipe

GRADIENTS = torch.tensor([[[1.0, -2.0]], [[0.5, 3.0]], [[-4.0, 0.25]], [[0.0, 1.0]]])  # (steps, 1, 2)


def descend(recipe: Recipe) -> list[Tensor]:
    """The weights after each step along `GRADIENTS`, from (1, -1)."""
    layer = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1.0]]))
    steps, found = optimizer(layer, recipe), []
    for gradient in GRADIENTS:
        layer.weight.grad = gradient.clone()
        steps.step()
        found.append(layer.weight.detach().clone())
    return found


def recipe(name: str, decay: float = 0.0) -> Recipe:
    return Recipe(optimizer=name, learning_rate=0.1, momentum=0.75, weight_decay=decay)


def test_sgd_by_hand() -> None:
    w = torch.tensor([[1.0, -1.0]])
    for found, g in zip(descend(recipe("sgd")), GRADIENTS, strict=True):
        w = w - 0.1 * g
        torch.testing.assert_close(found, w)


def test_momentum_by_hand() -> None:
    """v = b v + (1 - b) g from v = 0; w = w - a v."""
    w, v = torch.tensor([[1.0, -1.0]]), torch.zeros(1, 2)
    for found, g in zip(descend(recipe("momentum")), GRADIENTS, strict=True):
        v = 0.75 * v + 0.25 * g
        w = w - 0.1 * v
        torch.testing.assert_close(found, w)


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.0), ("adamw", 0.3)])
def test_adam_by_its_formula(name: str, decay: float) -> None:
    w, m, v = torch.tensor([[1.0, -1.0]]), torch.zeros(1, 2), torch.zeros(1, 2)
    for t, (found, g) in enumerate(zip(descend(recipe(name, decay)), GRADIENTS, strict=True), 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w * (1 - 0.1 * decay) - 0.1 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        torch.testing.assert_close(found, w)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_matrices_decay_and_frozen_weights_are_left_out(name: str) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    network[2].weight.requires_grad_(False)
    groups = optimizer(network, recipe(name, 0.3)).param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays[id(network[0].weight)] == 0.3
    assert decays[id(network[0].bias)] == decays[id(network[1].weight)] == 0
    assert id(network[2].weight) not in decays


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"'rmsprop'.*momentum"):
        optimizer(nn.Linear(1, 1), recipe("rmsprop"))
    with pytest.raises(UsageError, match=r"'steps'.*cosine"):
        rate(Recipe(schedule="steps"), 0, 10)


@given(st.sampled_from(SCHEDULES), st.integers(1, 400), st.floats(0, 0.9))
def test_rates_stay_between_zero_and_the_peak(schedule: str, steps: int, warmup: float) -> None:
    how = Recipe(schedule=schedule, learning_rate=0.5, warmup=warmup)
    rates = [rate(how, step, steps) for step in range(steps)]
    assert all(0 < value <= 0.5 for value in rates)
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_the_shapes_of_the_schedules() -> None:
    constant, cosine, cycle = (Recipe(schedule=name, learning_rate=1.0, warmup=0.2) for name in
                               ("constant", "cosine", "one-cycle"))  # fmt: skip
    assert {rate(constant, step, 100) for step in range(100)} == {1.0}
    assert [rate(cosine, step, 100) for step in (0, 50, 100)] == pytest.approx([1.0, 0.5, 0.0])
    assert rate(cycle, 20, 100) == 1.0
    assert rate(cycle, 9, 100) == pytest.approx(10 / 21)
    assert rate(cycle, 60, 100) == pytest.approx(0.5)
    assert rate(cycle, 99, 100) < 0.001


@pytest.mark.parametrize(
    "options",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": -1.0}, {"learning_rate": math.nan}, {"momentum": 1.0},
     {"ema": 1.0}, {"smoothing": -0.1}, {"weight_decay": -1.0}, {"patience": -1}],
)  # fmt: skip
def test_a_recipe_that_makes_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="--" + next(iter(options)).replace("_", "-")):
        Recipe(**options)  # type: ignore[arg-type]


def test_a_changed_recipe_leaves_the_old() -> None:
    old = Recipe()
    assert old.with_(epochs=3).epochs == 3
    assert old == Recipe()
    with pytest.raises(UsageError):
        old.with_(epochs=0)


class Article(nn.Module):
    """The worked example of article 4.3: two inputs, one dense ReLU layer, one sigmoid output."""

    def __init__(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(2, len(b1)), nn.Linear(len(b1), 1)
        with torch.no_grad():
            for target, value in ((self.hidden.weight, w1), (self.hidden.bias, b1), (self.out.weight, w2),
                                  (self.out.bias, b2)):  # fmt: skip
                target.copy_(value)

    def forward(self, x: Tensor) -> Tensor:
        """Two logits whose softmax is (1 - sigmoid(z), sigmoid(z))."""
        z = self.out(torch.relu(self.hidden(x)))
        return torch.cat([torch.zeros_like(z), z], 1)


def test_the_worked_example_learns_as_its_formulas_say() -> None:
    """Mean squared error and gradient descent on binary classes, against gradients derived by hand."""
    x = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.5, -1.5], [2.0, 1.0]])
    y = torch.tensor([1, 0, 0, 1])
    w1, b1 = torch.tensor([[0.3, -0.2], [0.5, 0.4], [-0.6, 0.1]]), torch.tensor([0.1, -0.1, 0.2])
    w2, b2 = torch.tensor([[0.7, -0.4, 0.2]]), torch.tensor([0.05])
    network = Article(w1, b1, w2, b2)
    how = Recipe(optimizer="sgd", learning_rate=0.5, weight_decay=0.0, schedule="constant")
    steps, answer, losses = optimizer(network, how), Classes(("no", "yes")), []
    for step in range(40):
        steps.param_groups[0]["lr"] = rate(how, step, 40)
        steps.zero_grad()
        loss = answer.loss(network(x), y, "mse", 0.0)
        loss.backward()  # type: ignore[no-untyped-call]
        steps.step()
        losses.append(loss.item())
        h = torch.relu(x @ w1.T + b1)  # (4, 3)
        a = torch.sigmoid(h @ w2.T + b2)  # (4, 1)
        dz = 2 * (a - y[:, None]) * a * (1 - a) / len(x)  # both probabilities err alike: the mean is (a - y)^2
        dh = (dz @ w2) * (h > 0)
        w1, b1, w2, b2 = w1 - 0.5 * dh.T @ x, b1 - 0.5 * dh.sum(0), w2 - 0.5 * dz.T @ h, b2 - 0.5 * dz.sum(0)
    for found, wanted in zip(network.parameters(), (w1, b1, w2, b2), strict=True):
        torch.testing.assert_close(found.detach(), wanted, rtol=1e-4, atol=1e-5)
    assert losses == sorted(losses, reverse=True)
    assert network(x).argmax(1).tolist() == y.tolist()
