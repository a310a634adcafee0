"""Recurrent layers from torch to the file, to the program and to C: all forms compute the same."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from smidgen.compiler import cells
from smidgen.compiler._reference_recurrent import _logistic, _tanh
from smidgen.compiler.compilation import Compilation, compiled
from smidgen.compiler.cost import price, shipped
from smidgen.compiler.graph import capture
from smidgen.compiler.ir import RECURRENT, Quantization, Value
from smidgen.compiler.model import load
from smidgen.compiler.network import Answering, Network
from smidgen.compiler.recurrent import Coded, QuantizedRecurrent
from smidgen.compiler.toolchain import FLAGS, CRunner
from smidgen.compression.quantize import quantize
from smidgen.errors import Unsupported
from smidgen.runner import OnnxRunner
from smidgen.signals.image import ImageSignal
from smidgen.targets import c
from smidgen.targets.onnx import write
from smidgen.types import Array
from tests.compiler.boards import needs_boards
from tests.compiler.kernels.layers import runs
from tests.compiler.sample import classes, pixels

SIGNAL = ImageSignal(5, 9, 1, zero_point=120, scale=1 / 60)
CELLS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Body(nn.Module):
    """An image as a sequence of its columns, and what a recurrent layer says of it: the last state, or the mean."""

    def __init__(self, cell: str, both: bool, how: str, layers: int = 1, time_second: bool = True) -> None:
        super().__init__()
        self.how, self.both, self.time_second = how, both, time_second
        self.cell = CELLS[cell](5, 6, layers, batch_first=time_second, bidirectional=both, bias=time_second)
        self.last = nn.Linear(12 if both else 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, 5, 9) -> (batch, 3)."""
        rows = x.squeeze(1).transpose(1, 2)
        y, state = self.cell(rows if self.time_second else rows.transpose(0, 1))
        state = state[0] if isinstance(state, tuple) else state
        if self.how == "states":
            return cast("Tensor", state)
        if self.how == "last":
            return cast("Tensor", self.last(torch.cat([state[-2], state[-1]], 1) if self.both else state[-1]))
        mean = y.mean(1 if self.time_second else 0)
        mixed = mean + torch.cat([state[0], state[1]], 1) if self.how == "mixed" else mean
        return cast("Tensor", self.last(mixed))


def network(cell: str, both: bool, how: str) -> Network:
    torch.manual_seed(0)
    return Network(SIGNAL, classes(), Body(cell, both, how)).eval()


FORMS = [
    ("gru", True, "mean", 1, True),
    ("rnn", True, "states", 1, False),
    ("lstm", True, "last", 2, False),
]


@pytest.mark.parametrize(("cell", "both", "how", "layers", "time_second"), FORMS)
def test_the_graph_computes_what_the_network_does(
    cell: str, both: bool, how: str, layers: int, time_second: bool
) -> None:
    body, x = Body(cell, both, how, layers, time_second).eval(), torch.randn(4, 1, 5, 9)
    graph = capture(body, x)
    torch.testing.assert_close(graph(x), body(x))
    names = [str(node.target) for node in graph.graph.nodes]
    assert not any(name.startswith("aten.") and name.split(".")[1] in ("gru", "lstm", "rnn_tanh") for name in names)


def test_a_sequence_and_its_last_state_can_both_be_used() -> None:
    body, x = Body("gru", True, "mixed").eval(), torch.randn(3, 1, 5, 9)
    torch.testing.assert_close(capture(body, x)(x), body(x))


class Given(nn.Module):
    """Forms of a layer that have no place in a graph of ours."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.cell = nn.LSTM(5, 6, batch_first=True, proj_size=2 if form == "projected" else 0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, 5) -> (batch, time, 6)."""
        first = torch.ones(1, x.shape[0], 6)
        y, (_, cell) = self.cell(x, (first, first)) if self.form == "state" else self.cell(x)
        return cast("Tensor", cell[0] if self.form == "cell" else y)


@pytest.mark.parametrize("form", ["projected", "state", "cell"])
def test_what_has_no_form_is_named(form: str) -> None:
    with pytest.raises(Unsupported, match=r"aten\.lstm"):
        capture(Given(form), torch.randn(2, 4, 5))


def test_integer_weights_are_close_and_can_be_trained() -> None:
    trained, raw = network("lstm", True, "last"), torch.from_numpy(pixels(64, SIGNAL))
    graphs = [quantize(trained, raw, bits) for bits in (8, 4, 2)]
    with torch.no_grad():
        errors = [float((graph(raw) - trained(raw)).square().mean()) for graph in graphs]
        assert errors[0] < 1e-3 * float(trained(raw).square().mean())
    assert errors[0] < errors[1] < errors[2]
    layers = [module for module in graphs[0].modules() if isinstance(module, QuantizedRecurrent)]
    assert [layer.reverse for layer in layers] == [False, True]
    for coded in (module for module in graphs[0].modules() if isinstance(module, Coded)):
        assert torch.equal(coded.codes(), coded.codes().round())
        assert int(coded.codes().abs().max()) == 127
    graphs[0].train()(raw).square().mean().backward()
    gradients = [parameter.grad for layer in layers for parameter in layer.parameters()]
    assert len(gradients) == 12
    assert all(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients)


def answers(network: nn.Module, raw: Array) -> Array:
    with torch.no_grad():
        found: Array = network(torch.from_numpy(raw)).softmax(1).numpy()
    return found


@pytest.mark.parametrize(("cell", "both", "how"), [("rnn", True, "mean"), ("lstm", False, "last")])
def test_a_float_file_computes_what_the_network_does(cell: str, both: bool, how: str) -> None:
    trained, raw = network(cell, both, how), pixels(9, SIGNAL)
    model = write(trained, SIGNAL, classes(), {})
    assert [node.op_type for node in onnx.load_model_from_string(model).graph.node].count(cell.upper()) == 1 + both
    found = OnnxRunner(model, threads=1)({"image": raw})["probabilities"]
    np.testing.assert_allclose(found, answers(trained, raw), atol=1e-5)


def compile_(model: bytes, tmp_path: Path) -> Compilation:
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    return compiled(load(path, "net"))


SHIPPED = [("rnn", "mean", "last"), ("gru", "last", "mean"), ("lstm", "mean", "last")]


@pytest.mark.parametrize(
    ("cell", "both", "how"), [(cell, both, how[both]) for cell, *how in SHIPPED for both in (0, 1)]
)
def test_the_file_and_its_c_compute_what_the_quantised_network_does(
    cell: str, both: int, how: str, tmp_path: Path
) -> None:
    raw = pixels(200, SIGNAL)
    graph = quantize(network(cell, bool(both), how), torch.from_numpy(raw))
    model = write(graph, SIGNAL, classes(), {})
    onnx.checker.check_model(onnx.load_model_from_string(model), full_check=True)
    found = OnnxRunner(model, threads=1)({"image": raw})["probabilities"]
    assert np.median(np.abs(found - answers(graph, raw)).max(1)) < 1e-5
    assert np.abs(found - answers(graph, raw)).max() < 0.01
    made = compile_(model, tmp_path)
    layers = [operation for operation in made.program.operations if operation.kind in RECURRENT]
    assert [operation.attributes["reverse"] for operation in layers] == [False, True][: 1 + both]
    for operation in layers:
        given, (y,) = made.program.of(operation)
        assert [value.dtype for value in given[:3] if value] == ["uint8", "int8", "int8"]
        assert y.shape == ((6,) if how == "last" else (9, 6))
    assert "it decides as" in c.prove(made, CRunner(made.source, made.model.program, FLAGS))


@needs_boards
def test_a_layer_runs_on_a_board(tmp_path: Path) -> None:
    raw = pixels(64, SIGNAL)
    graph = quantize(network("gru", True, "last"), torch.from_numpy(raw))
    program = compile_(write(graph, SIGNAL, classes(), {}), tmp_path).program
    runs(program, "armv7em", "cortex-m4", "-O2")


@pytest.mark.parametrize("cell", ["lstm"])
def test_the_price_is_what_ships(cell: str) -> None:
    made, raw = network(cell, False, "last"), torch.from_numpy(pixels(64, SIGNAL))
    before = price(Answering(made, classes().head()), raw[:1])
    after = shipped(write(quantize(made, raw), SIGNAL, classes(), {}))
    assert before.macs == after.macs
    assert abs(before.ram_bytes - after.ram_bytes) <= 64
    assert abs(before.flash_bytes - after.flash_bytes) < 0.05 * after.flash_bytes


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=50))
def test_the_fast_functions_are_near_the_exact_ones(numbers: list[float]) -> None:
    x = np.asarray(numbers, np.float32)
    np.testing.assert_allclose(_tanh(x), np.tanh(x.astype(np.float64)), atol=4e-7)
    np.testing.assert_allclose(_logistic(x), 1 / (1 + np.exp(-x.astype(np.float64))), atol=4e-7)
    assert np.abs(_tanh(x)).max() <= 1


def test_biases_take_in_the_zero_point() -> None:
    dice = np.random.default_rng(0)
    codes, data = dice.integers(0, 256, 7), dice.integers(-127, 128, (4, 7)).astype(np.int8)
    x = Value("x", "uint8", (1, 7), Quantization((0.1,), (93,)))
    weight = Value("w", "int8", (4, 7), Quantization((0.5, 1.0, 2.0, 3.0), (0,) * 4, 0), data)
    bias = dice.normal(size=4).astype(np.float32)
    found = cells.bias_less_zero(bias, x, weight) + (data @ codes) * cells.scales(weight, 0.1)
    real = (data * np.array([[0.5], [1], [2], [3]])) @ (0.1 * (codes - 93.0)) + bias
    np.testing.assert_allclose(found, real, rtol=1e-5)


def test_a_state_is_in_codes_only_where_it_cannot_leave_them() -> None:
    weight = Value("w", "int8", (4, 4), None, np.zeros((4, 4), np.int8))
    known = [weight] * 5
    assert cells.state_in_codes({}, [*known, None])
    assert not cells.state_in_codes({"activation": "relu"}, [*known, None])
    assert not cells.state_in_codes({}, [*known, weight])
    assert not cells.state_in_codes({}, [*known[:2], Value("w", "float32", (4, 4)), *known[:2], None])
    wide = Value("w", "int8", (4, cells.MOST_STATES + 1))
    assert not cells.state_in_codes({}, [*known[:2], wide, *known[:2], None])
