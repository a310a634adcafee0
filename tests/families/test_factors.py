import copy
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from smidgen import registry
from smidgen.compiler import reference
from smidgen.compiler.cost import price, shipped
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import Network, build, example
from smidgen.compression.quantize import quantize
from smidgen.data.choices import HIDDEN
from smidgen.data.load import load
from smidgen.errors import Unsupported
from smidgen.families import factors
from smidgen.families._alternating import alternating, encoder
from smidgen.families._histories import Bag, sparse
from smidgen.signals.image import ImageSignal
from smidgen.targets import onnx
from smidgen.training.loop import outputs
from smidgen.types import Dataset


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("generated-tastes")


@pytest.fixture(scope="module")
def network(data: Dataset) -> Network:
    made = build(data.signal, data.answer, "factors", 8_000)
    with torch.no_grad():
        factors.prepare(made.body, made, data)
    return made


def measured(network: torch.nn.Module, data: Dataset) -> dict[str, float]:
    output, target = outputs(network, data.test, data), data.test.targets
    found = {data.answer.metric: float(data.answer.correct(output, target).mean())}
    for statistic in data.answer.statistics():
        assert statistic.first is not None
        found[statistic.name] = statistic.of(statistic.first(output, target), target)
    return found


def test_after_the_last_choice_it_learns_from_the_validation_part_too(network: Network, data: Dataset) -> None:
    whole = copy.deepcopy(network)
    with torch.no_grad():
        factors.complete(whole.body, whole, data)
    part = data.validation
    before, after = (data.answer.standing(outputs(one, part, data), part.targets) for one in (network, whole))
    assert after > 1.1 * before
    with pytest.raises(TypeError, match="not prepared"):
        factors.complete(factors.Factors(3, 4, 1), whole, data)


def test_it_is_better_than_popularity_and_knows_new_items_by_their_titles(network: Network, data: Dataset) -> None:
    found = measured(network, data)
    assert found["ndcg@10"] > 2 * found["ndcg@10_popularity"]
    assert found["ndcg@10_new"] > 1.5 * found["ndcg@10_new_chance"]


def test_nothing_chosen_is_recommended_and_nobody_new_goes_without(network: Network, data: Dataset) -> None:
    output = outputs(network, data.test, data)
    histories = data.test.inputs[np.arange(len(data.test))]
    for row, codes in zip(output, histories, strict=True):
        assert (row[codes[codes > 0] - 1] < HIDDEN / 2).all()
    with torch.no_grad():
        (stranger,) = network.answers(example(data.signal)).numpy()
    popularity = np.array(data.answer.to_json()["popularity"])
    known = popularity > 0
    assert np.corrcoef(stranger[known], np.log(popularity[known]))[0, 1] > 0.99


def test_what_ships_is_what_was_made_in_onnxruntime_and_in_the_compiler(network: Network, data: Dataset) -> None:
    raw = data.test.inputs[np.arange(40)]
    raw[0] = 0
    graph = quantize(network, torch.from_numpy(data.train.inputs[np.arange(len(data.train))]))
    model = onnx.write(graph, data.signal, data.answer, {})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"history": raw})
    with torch.no_grad():
        simulated, trained = graph(torch.from_numpy(raw)).numpy(), network.answers(torch.from_numpy(raw)).numpy()
    assert np.allclose(given, simulated, rtol=1e-5, atol=1e-6)
    assert data.answer.same(given, trained).mean() > 0.9
    compiled = reference.run(read(model), {"history": raw})["scores"]
    assert np.allclose(given, compiled, rtol=1e-5, atol=1e-6)
    before, after = price(network, example(data.signal)), shipped(model)
    assert before.flash_bytes == pytest.approx(after.flash_bytes, rel=0.1)
    assert before.ram_bytes == pytest.approx(after.ram_bytes, rel=0.1)


def test_size_decides_how_many_factors_there_are(data: Dataset) -> None:
    for size in (2_000, 20_000):
        made = build(data.signal, data.answer, "factors", size)
        assert sum(weight.numel() for weight in made.parameters()) <= size
    with pytest.raises(Unsupported, match="histories"):
        factors.build(ImageSignal(8, 8, 1), data.answer, 2_000)


def test_a_bag_weighs_the_latest_choice_most() -> None:
    bag = Bag(4, 5)
    bag.forget(1.0)
    row = bag(torch.tensor([[0, 5, 1, 3]], dtype=torch.int32))
    assert row[0].numpy() == pytest.approx(np.array([0.5, 0, 1, 0, 0.25]) / np.sqrt(2.75))
    bag.forget(None)
    assert not bag(torch.zeros(1, 4, dtype=torch.int32)).any()


def choices(users: int, items: int) -> torch.Tensor:
    """Users and items of two kinds; each likes most of its own."""
    dice = np.random.default_rng(4)
    liked = (np.arange(users)[:, None] % 2 == np.arange(items) % 2) & (dice.random((users, items)) < 0.6)
    return sparse(torch.from_numpy(np.stack(np.nonzero(liked))), torch.ones(1), (users, items))


@pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
def test_squared_singular_values_and_vectors_are_those_of_the_weighted_matrix(shape: tuple[int, int]) -> None:
    made = choices(*shape)
    squares, sides = factors.decomposed(made, (0.25, 0.5), 3)
    dense = made.to_dense().double()
    weighted = dense / dense.sum(0).clamp(min=1) ** 0.25 / dense.sum(1, keepdim=True).clamp(min=1) ** 0.5
    weighted *= (dense.sum() / (weighted**2).sum()).sqrt()
    _, s, v = torch.linalg.svd(weighted, full_matrices=False)
    assert squares.numpy() == pytest.approx((s[:3] ** 2).numpy(), rel=1e-4)
    assert (sides.double().T @ v[:3].T).abs().diagonal().numpy() == pytest.approx(1, abs=1e-3)


def test_alternating_least_squares_ends_where_neither_side_can_do_better() -> None:
    made = choices(20, 15)
    users, items = alternating(made, 2, 1.0, 4.0)
    dense = made.to_dense()
    weights = 1 + 4 * dense
    for item in range(15):
        left = users.T @ (weights[:, item, None] * users) + torch.eye(2)
        exact = torch.linalg.solve(left, users.T @ (weights[:, item] * dense[:, item]))
        assert items[item].numpy() == pytest.approx(exact.numpy(), abs=2e-3)
    guessed = (dense @ encoder(made, users)) @ items.T
    kinds = torch.arange(20)[:, None] % 2 == torch.arange(15) % 2
    assert guessed[kinds].mean() > guessed[~kinds].mean() + 0.2


def test_turning_the_factors_changes_no_answer_and_spares_integers(network: Network, data: Dataset) -> None:
    body = network.body
    assert isinstance(body, factors.Factors)
    raw = torch.from_numpy(data.test.inputs[np.arange(20)])
    with torch.no_grad():
        before = body(raw)
        factors.spread(body)
        after = body(raw)
    assert torch.allclose(before, after, atol=1e-4 * before.abs().max().item())
    hidden = body.taste(body.bag(raw)).detach().abs().amax(0)
    assert hidden.max() < 20 * hidden.median()


def test_items_without_attributes_or_choices_do_not_break_integers(data: Dataset) -> None:
    bare = replace(data, signal=replace(data.signal, attributes=None))  # type: ignore[type-var]
    made = build(bare.signal, bare.answer, "factors", 3_000)
    with torch.no_grad():
        factors.prepare(made.body, made, bare)
    graph = quantize(made, torch.from_numpy(bare.train.inputs[np.arange(100)]))
    read(onnx.write(graph, bare.signal, bare.answer, {}))


def test_the_task_names_what_there_is() -> None:
    task = registry.find("tasks", "recommendation").TASK
    assert registry.find("signals", task.signal).SIGNAL.kind == task.signal
    assert task.families == ("factors",)
