"""Spectrograms in ONNX files become one operation that computes the same; other transforms stay as they are."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from smidgen.compiler import emit, reference
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.passes import lower
from smidgen.compiler.toolchain import CRunner
from smidgen.runner import OnnxRunner
from smidgen.types import Array

COUNT, SIZE, STEP, BANDS = 700, 64, 24, 5
DICE = np.random.default_rng(0)
WINDOWS = {"hann": np.hanning(SIZE + 1)[:-1], "hamming": np.hamming(SIZE + 1)[:-1], "other": DICE.uniform(0, 1, SIZE)}


def spectrogram(window: Array, *, last: str = "MatMul", dtype: int = TensorProto.INT16) -> bytes:
    """A file that sums up powers; `last`: how, or "" for the powers themselves."""
    weights = np.maximum(DICE.normal(size=(SIZE // 2 + 1, BANDS)), 0).astype(np.float32)
    constants = {
        "step": np.array(STEP), "size": np.array(SIZE), "last": np.array([-1]),
        "window": window.astype(np.float32), "weights": weights,
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["real", "last"], ["column"]),
        helper.make_node("STFT", ["column", "step", "window", "size"], ["spectrum"]),
        helper.make_node("ReduceSumSquare", ["spectrum", "last"], ["power" if last else "y"], keepdims=0),
        *([helper.make_node(last, ["power", "weights"], ["y"])] if last else []),
    ]
    graph = helper.make_graph(
        nodes,
        "spectrogram",
        [helper.make_tensor_value_info("x", dtype, ["batch", COUNT])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(data, name) for name, data in constants.items() if name != "weights" or last],
    )
    opset = [helper.make_opsetid("", 18)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())


@pytest.mark.parametrize("name", WINDOWS)
def test_a_spectrogram_is_one_operation_that_computes_the_same(name: str) -> None:
    model = spectrogram(WINDOWS[name])
    program = read(model)
    assert [operation.kind for operation in program.operations if operation.kind != "reshape"] == ["band_powers"]
    raw = {"x": DICE.integers(-(2**15), 2**15, (4, COUNT), np.int16)}
    expected = OnnxRunner(model, threads=1)(raw)["y"]
    near = 1e-5 * float(expected.max())
    np.testing.assert_allclose(reference.run(program, raw)["y"], expected, rtol=1e-4, atol=near)
    source = emit.write(lower(program), "net")
    np.testing.assert_allclose(CRunner(source, program)(raw)["y"], expected, rtol=1e-4, atol=near)
    assert source.plan.arena_bytes == 2 * COUNT + 4 * SIZE  # bands take the place of samples


def test_powers_that_are_not_summed_up_are_still_computed() -> None:
    model = spectrogram(WINDOWS["hann"], last="")
    program = read(model)
    assert "band_powers" not in {operation.kind for operation in program.operations}
    raw = {"x": DICE.integers(-(2**15), 2**15, (2, COUNT), np.int16)}
    expected = OnnxRunner(model, threads=1)(raw)["y"]
    found = CRunner(emit.write(lower(program), "net"), program)(raw)["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * float(expected.max()))
    assert not any("window" in operation.attributes for operation in program.operations)


def test_float_samples_are_taken_too() -> None:
    model = spectrogram(WINDOWS["hann"], dtype=TensorProto.FLOAT)
    program = read(model)
    assert "band_powers" in {operation.kind for operation in program.operations}
    raw = {"x": DICE.normal(size=(3, COUNT)).astype(np.float32)}
    found = CRunner(emit.write(lower(program), "net"), program)(raw)["y"]
    np.testing.assert_allclose(found, OnnxRunner(model, threads=1)(raw)["y"], rtol=1e-4, atol=1e-3)
