import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smidgen import registry
from smidgen.answers.ranking import Ranking, best, gains, recalls, whole_gains
from smidgen.data.choices import HIDDEN
from smidgen.errors import BundleError, DataError, UsageError
from smidgen.types import Reading

HOW = Reading(registry.find("tasks", "recommendation").TASK)
LABELS = ["pear\napple", "fig", "apple\nfig\nkiwi"]


def prepared() -> Ranking:
    answer, targets = Ranking.prepare(LABELS, HOW, "fruit.csv")
    return answer.learn(targets)


def test_items_are_all_that_is_chosen_and_targets_are_filled_up() -> None:
    answer, targets = Ranking.prepare(LABELS, HOW, "fruit.csv")
    assert answer.items == ("apple", "fig", "kiwi", "pear")
    assert targets.tolist() == [[3, 0, -1], [1, -1, -1], [0, 1, 2]]
    assert answer.learn(targets).popularity == (2, 2, 1, 1)


def test_what_cannot_be_ranked_is_said() -> None:
    with pytest.raises(DataError, match="fewer than two items"):
        Ranking.prepare(["fig", "fig"], HOW, "fruit.csv")
    with pytest.raises(DataError, match="plum"):
        prepared().targets(["plum"], "other.csv")


def test_a_list_is_worth_what_its_places_are() -> None:
    lists = np.array([[4, 2, 0], [1, 3, 2]])
    target = np.array([[2, 0], [1, -1]])
    half, third = 1 / np.log2(3), 1 / np.log2(4)
    assert gains(lists, target) == pytest.approx([(half + third) / (1 + half), 1])
    assert recalls(np.array([[4, 2, 1]]), np.array([[2, 0]])) == pytest.approx([0.5])


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_measures_agree_with_sorting_everything(seed: int, items: int) -> None:
    dice = np.random.default_rng(seed)
    output = dice.permuted(np.tile(np.arange(items, dtype=np.float32), (3, 1)), axis=1)
    target = np.full((3, items), -1)
    for row in target:
        count = dice.integers(1, items + 1)
        row[:count] = dice.permutation(items)[:count]
    order = np.argsort(-output, axis=1)
    assert (best(output) == order[:, :10]).all()
    rank = np.argsort(order, axis=1)
    for row, chosen, whole, cut in zip(
        rank, target, whole_gains(output, target), gains(best(output), target), strict=True
    ):
        places = row[chosen[chosen >= 0]]
        ideal = 1 / np.log2(np.arange(len(places)) + 2)
        assert whole == pytest.approx((1 / np.log2(places + 2)).sum() / ideal.sum())
        assert cut == pytest.approx((1 / np.log2(places[places < 10] + 2)).sum() / ideal[:10].sum())


def test_ties_are_decided_by_the_order_of_items() -> None:
    assert best(np.zeros((1, 50))).tolist() == [[*range(10)]]


def test_the_loss_is_over_what_is_not_hidden() -> None:
    answer = prepared()
    raw = torch.tensor([[0.0, 1.0, HIDDEN, 0.0]], requires_grad=True)
    loss = answer.loss(raw, torch.tensor([[1, 2, -1]]))
    assert loss.item() == pytest.approx(float(np.log(np.e + 2) - 1), rel=1e-5)
    assert torch.autograd.grad(loss, raw)[0].isfinite().all()
    assert answer.loss(raw, torch.tensor([[2, -1, -1]])).item() == 0
    with pytest.raises(UsageError, match="multinomial"):
        answer.loss(raw, torch.tensor([[1]]), "mse")
    assert answer.imitation(raw, raw).item() == pytest.approx(0, abs=1e-6)


def test_popularity_hides_what_the_model_hides() -> None:
    answer = prepared()
    output, target = np.array([[HIDDEN, 0.5, 0.1, 0.7]]), np.array([[1, -1, -1]])
    values = {}
    for statistic in answer.statistics():
        reduced = statistic.first(output, target) if statistic.first else output
        values[statistic.name] = statistic.of(reduced, target)
    assert values["ndcg@10_popularity"] == pytest.approx(1)  # apple is hidden, fig is the most popular of the others
    assert answer.correct(output, target) == pytest.approx([1 / np.log2(3)])
    assert values["coverage@10"] == 1
    assert "ndcg@10_new" not in values


def test_new_items_are_ranked_among_themselves_beside_chance() -> None:
    answer = Ranking(tuple(f"i{number:02}" for number in range(40)), (1,) * 20 + (0,) * 20)
    output = np.tile(np.arange(40.0, 0, -1), (2, 1))
    target = np.array([[20, 3], [5, -1]])  # the second chose nothing new
    values = {s.name: s.of(s.first(output, target), target) for s in answer.statistics() if s.first}
    assert values["ndcg@10_new"] == 1
    assert values["ndcg@10_new_chance"] == pytest.approx((1 / np.log2(np.arange(2, 12))).sum() / 20)


def test_the_best_items_are_named_without_hidden_ones() -> None:
    (found,) = prepared().decode(np.array([[HIDDEN, 0.5, 0.1, 0.7]], np.float32))
    assert list(found["recommended"]) == ["pear", "fig", "kiwi"]
    assert json.dumps(found)


def test_top_lists_that_share_most_items_are_the_same() -> None:
    answer = Ranking(tuple("abcdefghijklmnopqrstuvwxyz"))
    one = np.arange(26.0)[None]
    nearly, apart = one.copy(), one.copy()
    nearly[0, 0], apart[0, :3] = 99, (97, 98, 99)
    assert answer.same(one, nearly).tolist() == [True]
    assert answer.same(one, apart).tolist() == [False]


def test_it_comes_back_from_json_and_damage_is_named() -> None:
    answer = prepared()
    state = answer.to_json()
    assert Ranking.from_json(json.loads(json.dumps(state))) == answer
    for change in ({"items": ["a", "a"]}, {"items": "ab"}, {"popularity": [1]}, {"popularity": [1, -1, 0, 0]}):
        with pytest.raises(BundleError, match=next(iter(change))):
            Ranking.from_json({**state, **change})
