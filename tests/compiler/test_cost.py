import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from smidgen.compiler.cost import price, table
from smidgen.compiler.graph import capture, shape_of
from smidgen.compiler.network import build, example
from smidgen.families._layers import parameters
from smidgen.signals.image import ImageSignal
from tests.compiler.sample import FAMILIES, SIGNAL, classes

CASES = st.tuples(
    st.sampled_from(FAMILIES), st.integers(300, 30_000), st.sampled_from([1, 3]), st.integers(2, 30), st.integers(8, 40)
)


@given(CASES)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_the_price_bounds(case: tuple[str, int, int, int, int]) -> None:
    family, size, channels, count, side = case
    signal = ImageSignal(side, side + 3, channels)
    network = build(signal, classes(count), family, size)
    cost, graph = price(network, example(signal)), capture(network, example(signal))
    assert cost.parameters == parameters(network)
    steps = [node for node in graph.graph.nodes if node.op == "call_function"]
    held = [node for node in graph.graph.nodes if node.op in ("call_function", "placeholder")]
    size_of = {node: math.prod(shape_of(node)) for node in held}
    layers = [node for node in steps if "conv2d" in str(node.target) or "linear" in str(node.target)]
    assert cost.ram_bytes >= max(size_of[node] + size_of[node.args[0]] for node in layers)
    assert cost.ram_bytes <= sum(size_of.values())


def test_floats_cost_four_bytes() -> None:
    network = build(SIGNAL, classes(), "cnn", 900)
    small, large = price(network, example(SIGNAL)), price(network, example(SIGNAL), bits=32)
    assert large.flash_bytes == 4 * large.parameters
    assert large.ram_bytes == 4 * small.ram_bytes
    assert (large.parameters, large.macs) == (small.parameters, small.macs)
    assert small.flash_bytes < large.flash_bytes / 1.5


def test_a_convolution_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 5))
    cost = price(network, torch.zeros(1, 2, 4, 4))
    weights, biases = 2 * 3 * 9 + 3 * 16 * 5, 3 + 5
    assert cost.parameters == weights + biases
    assert cost.flash_bytes == weights + 8 * biases
    assert cost.macs == 2 * 3 * 9 * 16 + 3 * 16 * 5
    assert cost.ram_bytes == 2 * 16 + 3 * 16  # input and output of the convolution; the rest is in place or smaller


class Branches(nn.Module):
    """A residual graph where the first value must outlive two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(2, 7, 3, padding=1), nn.Conv2d(7, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.narrow(torch.relu(self.wide(x)))
        return y


def test_what_must_outlive_others_is_counted() -> None:
    x, y, place = 2 * 16, 7 * 16, 16
    rows = table(capture(Branches(), torch.zeros(1, 2, 4, 4)))
    assert [(row.operation, row.live // place) for row in rows] == [
        ("conv2d", (x + y) // place),
        ("relu", (x + y) // place),  # in place
        ("conv2d", (x + y + x) // place),
        ("add", (x + x) // place),  # in place
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_liveness_by_brute_force(family: str) -> None:
    """A value is live from when it is made to its last use; in-place steps can only need less than that."""
    graph = capture(build(SIGNAL, classes(), family, 3000), example(SIGNAL))
    nodes = list(graph.graph.nodes)
    rows = {row.name: row.live for row in table(graph)}
    tensors = [node for node in nodes if node.op in ("placeholder", "call_function")]
    for at, node in enumerate(nodes):
        if node.name not in rows:
            continue
        made = [other for other in tensors if nodes.index(other) <= at]
        live = {other for other in made if any(nodes.index(user) >= at for user in other.users)} | {node}
        assert rows[node.name] <= sum(math.prod(shape_of(other)) for other in live)
        assert rows[node.name] >= sum(math.prod(shape_of(other)) for other in live - {node})
