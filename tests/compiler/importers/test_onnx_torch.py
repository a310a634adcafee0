"""Networks as torch exports them: what is read computes what onnxruntime does, in the reference and in C."""

import random
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.reference import run
from smidgen.compiler.toolchain import CRunner
from smidgen.errors import BundleError, Unsupported
from tests.compiler.importers.graphs import exported


class Called(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Classifier(nn.Module):
    """A transformer that reads the numbers of words."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 16), nn.Parameter(torch.randn(8, 16))
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0, activation="gelu", batch_first=True)
        self.last, self.causal = nn.Linear(16, 3), causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(8) if self.causal else None
        hidden = self.layer(self.words(x) + self.places, src_mask=mask, is_causal=self.causal)
        return torch.as_tensor(self.last(hidden.mean(1)))


class Recurrent(nn.Module):
    """A recurrent layer, of whose sequence the last state is used."""

    def __init__(self, layer: nn.Module, units: int) -> None:
        super().__init__()
        self.layer, self.last = layer, nn.Linear(units, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.last(self.layer(x)[0][:, -1]))


def log_mel(x: torch.Tensor) -> torch.Tensor:
    """Spectra of windows, in bands, as logarithms."""
    spectrum = torch.stft(x, 32, 16, window=torch.hann_window(32), center=False, return_complex=True)
    bands = torch.arange(8 * 17).reshape(8, 17).remainder(5).float()
    return torch.log(torch.clamp(bands @ spectrum.abs() ** 2, min=1e-6))


def odds(x: torch.Tensor) -> torch.Tensor:
    """Parts, powers, comparisons and broadcasting."""
    parts = torch.cat([part * 2 for part in x.chunk(3, 1)], 2) + x[:, ::3, 1:].sum(-1, keepdim=True)
    chosen = torch.where(parts > 0.1, parts, parts.abs().sqrt()) / (parts.exp() + 1)
    return chosen + functional.relu6(parts).pow(3) - parts.amax(-1, keepdim=True) + torch.maximum(parts, parts[:, :1])


def resized(x: torch.Tensor) -> torch.Tensor:
    image = x[:, None]
    mixed = functional.interpolate(image, scale_factor=2, mode="bilinear")
    return functional.interpolate(mixed, scale_factor=2, mode="nearest").squeeze(1)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "transformer": (lambda: Classifier(causal=False), (1, 8)),
    "causal transformer": (lambda: Classifier(causal=True), (1, 8)),
    "attention": (lambda: Called(lambda x: functional.scaled_dot_product_attention(x, x, x)), (1, 2, 6, 4)),
    "gru": (lambda: Recurrent(nn.GRU(5, 7, batch_first=True), 7), (1, 6, 5)),
    "lstm": (lambda: Recurrent(nn.LSTM(5, 7, batch_first=True, bidirectional=True), 14), (1, 6, 5)),
    "log mel": (lambda: Called(log_mel), (1, 200)),
    "odds": (lambda: Called(odds), (1, 6, 10)),
    "resized": (lambda: Called(resized), (1, 6, 5)),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(10), nn.GroupNorm(2, 6), nn.RMSNorm(10)), (1, 6, 10)),
    "sequence": (
        lambda: nn.Sequential(nn.Conv1d(6, 4, 3, padding=1), nn.MaxPool1d(2), nn.ConvTranspose1d(4, 3, 3, 2, 1, 1)),
        (1, 6, 10),
    ),
    "activations": (
        lambda: nn.Sequential(nn.SiLU(), nn.ELU(), nn.Softplus(), nn.SELU(), nn.LogSoftmax(-1), nn.PReLU(6)),
        (1, 6, 10),
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_network_of_torch_computes_what_it_did(case: str) -> None:
    make, shape = NETWORKS[case]
    torch.manual_seed(0)
    words = "transformer" in case
    x = torch.randint(0, 20, shape) if words else torch.randn(shape)
    model = exported(make(), x)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    program, expected = read(model), session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    raw = {program.inputs[0]: x.numpy().astype(np.int32) if words else x.numpy()}
    for found in (run(program, raw), CRunner(emit.write(program, "net"), program)(raw)):
        np.testing.assert_allclose(found[program.outputs[0]], expected, rtol=1e-4, atol=1e-5)


NUMBERS = (-(2**63), -1, 0, 1, 2, 3, 7, 100, 2**16, 2**31, 2**62)


@pytest.mark.parametrize("case", ["transformer", "lstm", "log mel", "odds", "sequence"])
def test_numbers_and_names_that_make_no_sense_end_in_an_error_of_ours(case: str) -> None:
    make, shape = NETWORKS[case]
    x = torch.zeros(shape, dtype=torch.int64) if "transformer" in case else torch.randn(shape)
    whole, dice, refused = onnx.load_model_from_string(exported(make(), x)), random.Random(0), 0  # noqa: S311
    for _ in range(60):
        proto = onnx.ModelProto()
        proto.CopyFrom(whole)
        node, constant = dice.choice(proto.graph.node), dice.choice(proto.graph.initializer)
        names = [one.name for one in proto.graph.initializer] + [
            name for one in proto.graph.node for name in one.output
        ]
        node.input[dice.randrange(len(node.input))] = dice.choice(names)
        for attribute in node.attribute:
            attribute.i = dice.choice(NUMBERS)
        if constant.data_type == onnx.TensorProto.INT64:
            count = len(constant.raw_data) // 8
            constant.raw_data = np.array(dice.choices(NUMBERS, k=count), np.int64).tobytes()
        try:
            program = read(proto.SerializeToString())
        except (BundleError, Unsupported):
            refused += 1
            continue
        inputs = {
            name: np.zeros((1, *program.values[name].shape), program.values[name].dtype) for name in program.inputs
        }
        with np.errstate(all="ignore"):
            run(program, inputs)
    assert refused > 5
