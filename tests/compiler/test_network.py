import torch

from smidgen.compiler.network import Answering, build, example
from tests.compiler.sample import SIGNAL, classes, network, pixels


def test_the_seed_decides_the_weights_and_nothing_else_changes() -> None:
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (build(SIGNAL, classes(), "cnn", 900, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_answers_are_raw_outputs_through_the_head() -> None:
    whole, raw = network("mlp"), torch.from_numpy(pixels(4))
    answers = whole.answers(raw)
    torch.testing.assert_close(answers, whole(raw).softmax(1))
    torch.testing.assert_close(answers, Answering(whole, classes().head())(raw))


def test_an_example_is_what_the_sensor_gives() -> None:
    raw = example(SIGNAL, batch=3)
    assert (tuple(raw.shape), raw.dtype) == ((3, 8, 8, 1), torch.uint8)
