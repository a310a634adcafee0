"""Rows with gaps and categories: priced before training, and the C of the shipped file decides as onnxruntime does."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from smidgen.compiler import emit
from smidgen.compiler.cost import price, shipped
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.network import build, example
from smidgen.compiler.reference import run
from smidgen.compiler.sketch import sketch
from smidgen.compiler.toolchain import CRunner
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported
from smidgen.signals.table import TableSignal
from smidgen.targets.onnx import write
from smidgen.types import Array
from tests.compiler.sample import classes

CITIES = ("city", ("Lima", "Oslo", "Rome"))


def rows(count: int, columns: int = 5) -> Array:
    """Numbers of several sizes with gaps, a flag in front, codes of two categories behind."""
    dice = np.random.default_rng(0)
    made = dice.normal(100, 30, (count, columns)) * 10.0 ** np.arange(-2, columns - 2)
    made[:, 0] = dice.integers(0, 2, count)
    made[dice.random(made.shape) < 0.1] = np.nan
    return np.concatenate([made, dice.integers(-1, 3, (count, 1)), dice.integers(-1, 2, (count, 1))], 1).astype(
        np.float32
    )


def learnt(count: int) -> TableSignal:
    numbers = ("flag", *(f"x{index}" for index in range(4)))
    return TableSignal(numbers, (CITIES, ("smoker", ("no", "yes"))), 1).learn([rows(count)])


@pytest.mark.parametrize("count", [300, 1500])
def test_what_ships_costs_what_was_priced_and_computes_the_same_everywhere(count: int) -> None:
    signal, answer, raw = learnt(count), classes(3), rows(200)
    network = build(signal, answer, "student", 900)
    graph = quantize(network, torch.from_numpy(raw)).eval()
    model = write(graph, signal, answer, {})
    before, after = price(nn.Sequential(network, answer.head()), example(signal)), shipped(model)
    assert before.macs == after.macs
    assert before.ram_bytes == pytest.approx(after.ram_bytes, rel=0.1)
    assert before.flash_bytes == pytest.approx(after.flash_bytes, rel=0.1)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"row": raw})
    program = read(model)
    (computed,) = run(program, {"row": raw}).values()
    np.testing.assert_allclose(computed, expected, atol=0.03)
    np.testing.assert_allclose(
        CRunner(emit.write(program, "rows"), program)({"row": raw})["probabilities"], computed, atol=1e-5
    )


class Part(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, [0, 2]]


def test_places_at_random_have_no_price() -> None:
    with pytest.raises(Unsupported, match="a part of a tensor"):
        sketch(Part(), torch.zeros(1, 4))


class Comparing(nn.Module):
    """The same comparison, once with the computed operand first and once second."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = torch.eq(x[:, :1], torch.arange(3.0)).to(torch.float32)
        return torch.cat([wide, torch.eq(x, x).to(torch.float32)], dim=1)


def test_equal_is_one_function_whichever_operand_is_repeated() -> None:
    from tests.compiler.importers.graphs import exported

    x = torch.tensor([[1.0, float("nan")]])
    program = read(exported(Comparing(), x))
    made = CRunner(emit.write(program, "equal"), program)({"x": x.numpy()})
    assert next(iter(made.values())).tolist() == [[0, 1, 0, 1, 0]]
