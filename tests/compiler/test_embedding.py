"""Hashes, tables and attention: what ships answers as its simulation does, in onnxruntime and in C."""

from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from smidgen.compiler import emit
from smidgen.compiler.embedding import QuantizedEmbedding
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import Network, build
from smidgen.compiler.reference import run
from smidgen.compiler.sketch import sketch
from smidgen.compiler.toolchain import CRunner
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported
from smidgen.signals.text import TextSignal
from smidgen.targets.onnx import write
from tests.compiler.importers.graphs import UINT8, Graph, theirs
from tests.compiler.sample import classes

SIGNAL = TextSignal(40)
FAMILIES = {"ngrams": 4000, "textcnn": 4000, "transformer": 6000}


def texts(count: int = 24) -> Tensor:
    dice = np.random.default_rng(5)
    raw = dice.integers(1, 256, (count, 40)).astype(np.uint8)
    raw[dice.random(count) < 0.5, 25:] = 0
    return torch.from_numpy(raw)


def made(family: str) -> Network:
    network = build(SIGNAL, classes(3), family, FAMILIES[family])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.05)
    return network.eval()


@cache
def shipped(family: str) -> tuple[nn.Module, bytes]:
    """The quantised network and its file."""
    graph = quantize(made(family), texts())
    return graph, write(graph, SIGNAL, classes(3), {})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_its_simulation_and_c_agree(family: str) -> None:
    (graph, model), raw = shipped(family), texts()
    (found,) = onnxruntime.InferenceSession(model).run(None, {"text": raw.numpy()})
    with torch.no_grad():
        simulated = classes(3).head()(graph(raw)).numpy()
    assert np.abs(found - simulated).max() < 0.02
    program = read(model)
    built = CRunner(emit.write(program, "m"), program)({"text": raw.numpy()})["probabilities"]
    assert np.abs(built - found).max() < 0.02
    assert np.abs(built - run(program, {"text": raw.numpy()})["probabilities"]).max() < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_the_price_is_that_of_what_ships(family: str) -> None:
    planned = sketch(nn.Sequential(made(family), classes(3).head()), texts()[:1])
    programs = planned, read(shipped(family)[1])
    sizes = [sum(value.bytes for value in program.constants() if value.count > 16) for program in programs]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
    views = ("reshape", "transpose")
    kinds = [[step.kind for step in program.operations if step.kind not in views] for program in programs]
    assert kinds[0] == kinds[1]


def test_a_table_becomes_integers_and_padding_stays_nothing() -> None:
    table = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    table[0] = 0
    module = QuantizedEmbedding(table, 0, 8)
    assert not module(torch.tensor([0])).any()
    codes = module.codes()
    assert torch.equal(codes, codes.round())
    assert codes.abs().max() <= 127
    assert (module(torch.arange(50)) - table).abs().max() < 0.03
    module(torch.arange(50)).sum().backward()
    assert module.weight.grad is not None
    assert not module.weight.grad[0].any()


@given(st.integers(-(2**31), 2**31 - 1), st.integers(1, 2**31 - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_whole_numbers_wrap_around_as_in_onnxruntime(factor: int, divisor: int, seed: int) -> None:
    graph = Graph((9,), UINT8)
    table = np.random.default_rng(seed).integers(-(2**31), 2**31, (256, 1), dtype=np.int64).astype(np.int32)
    x = graph.add("Squeeze", graph.add("Gather", table, graph.add("Cast", "x", to=6)), np.array([2]))
    first, second = (graph.add("Slice", x, np.array([s]), np.array([s + 8]), np.array([1])) for s in (0, 1))
    mixed = graph.add("Add", graph.add("Mul", first, np.int32(factor)), second)
    both = graph.add("Concat", mixed, second, axis=1)
    rest = graph.add("Mod", both, np.int32(divisor))
    y = graph.add("Cast", rest, to=1)
    model = graph.bytes()
    inputs = np.random.default_rng(seed).integers(0, 256, (3, 9)).astype(np.uint8)
    (wanted,) = theirs(model, inputs)
    assert np.array_equal(run(read(model), {"x": inputs})[y], wanted)


def test_whole_numbers_in_c() -> None:
    graph = Graph((9,), UINT8)
    table = np.array([[-(2**31)], [2**31 - 1], [-7], [7], [123456789]] * 52, np.int32)[:256]
    x = graph.add("Squeeze", graph.add("Gather", table, graph.add("Cast", "x", to=6)), np.array([2]))
    mixed = graph.add("Add", graph.add("Mul", x, np.int32(-1640531535)), x)
    y = graph.add("Cast", graph.add("Mod", mixed, np.int32(65521)), to=1)
    model = graph.bytes()
    inputs = np.arange(27).reshape(3, 9).astype(np.uint8)
    program = read(model)
    assert np.array_equal(CRunner(emit.write(program, "m"), program)({"x": inputs})[y], theirs(model, inputs)[0])


@pytest.mark.parametrize("divisor", [np.int32(0), np.int32(-3), np.array([3, 4] * 4, np.int32)])
def test_remainders_of_other_numbers_are_refused(divisor: np.ndarray) -> None:
    graph = Graph((8,), UINT8)
    table = np.arange(256, dtype=np.int32)[:, None]
    x = graph.add("Squeeze", graph.add("Gather", table, graph.add("Cast", "x", to=6)), np.array([2]))
    graph.add("Cast", graph.add("Mod", x, divisor), to=1)
    with pytest.raises(Unsupported, match="Mod"):
        read(graph.bytes())
