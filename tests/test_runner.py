from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from smidgen.errors import BundleError, DataError, UsageError
from smidgen.runner import OnnxRunner, TorchRunner, run_in_batches
from smidgen.types import Array, Arrays, TensorSpec


def doubler(reshape: bool = False) -> bytes:
    """y = x + x, where x is float32 (batch, 2); with `reshape` it can only do batches of 3."""
    nodes = [helper.make_node("Add", ["x", "x"], ["double" if reshape else "y"])]
    constants = []
    if reshape:
        constants = [helper.make_tensor("shape", TensorProto.INT64, [2], [3, 2])]
        nodes.append(helper.make_node("Reshape", ["double", "shape"], ["y"]))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "doubler", values[:1], values[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


class Spy:
    """A model and a store that remember how large their batches were."""

    form = "spy"
    shape: tuple[int, ...] = (2,)
    dtype = "float32"

    def __init__(self, n: int) -> None:
        self.array = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: Array) -> Array:
        self.read.append(len(indices))
        return np.asarray(self.array[indices])

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        return {"y": inputs["x"] * 2}


@pytest.mark.parametrize("batch", [1, 7])
def test_an_onnx_model_runs_batches_of_any_size(batch: int) -> None:
    runner = OnnxRunner(doubler(), threads=1)
    assert runner.form == "model.onnx"
    assert runner.inputs == [TensorSpec("x", "float32", (2,))]
    x = np.random.default_rng(0).random((batch, 2), np.float32)
    np.testing.assert_array_equal(runner({"x": x})["y"], x * 2)


def test_an_onnx_model_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(doubler())
    assert OnnxRunner(path)({"x": np.ones((1, 2), np.float32)})["y"].tolist() == [[2.0, 2.0]]


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"z": np.ones((1, 2), np.float32)},
        {"x": np.ones((1, 2), np.float64)},
        {"x": np.ones((1, 3), np.float32)},
        {"x": np.ones((2,), np.float32)},
        {"x": np.float32(1.0)},
    ],
)
def test_wrong_inputs_are_named(inputs: dict[str, Array]) -> None:
    with pytest.raises(UsageError, match="x"):
        OnnxRunner(doubler())(inputs)


@pytest.mark.parametrize("content", [b"", b"not a model", doubler()[:40], doubler()[:-30]])
def test_a_damaged_model_is_a_bundle_error_and_silent(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx"):
        OnnxRunner(content)
    assert capfd.readouterr() == ("", "")


def test_a_model_that_fails_while_it_runs_is_a_bundle_error_and_silent(capfd: pytest.CaptureFixture[str]) -> None:
    runner = OnnxRunner(doubler(reshape=True))
    with pytest.raises(BundleError, match="while it runs"):
        runner({"x": np.ones((2, 2), np.float32)})
    assert capfd.readouterr() == ("", "")


def test_a_missing_model_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        OnnxRunner(tmp_path / "none.onnx")


def test_a_torch_module_is_a_runner() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Dropout(0.9), torch.nn.Linear(2, 1))
    runner = TorchRunner(module.train(), "x", "y")
    x = np.ones((4, 2), np.float32)
    first = runner({"x": x})["y"]
    assert first.shape == (4, 1)
    assert not module.training
    np.testing.assert_array_equal(first, runner({"x": x})["y"])
    with pytest.raises(UsageError, match="'x'"):
        runner({"y": x})


def test_run_in_batches_reads_one_batch_at_a_time() -> None:
    spy = Spy(10)
    output = run_in_batches(spy, spy, "x", batch=4)
    np.testing.assert_array_equal(output["y"], spy.array * 2)
    assert spy.read == [4, 4, 2]


def test_run_in_batches_needs_an_example() -> None:
    with pytest.raises(DataError):
        run_in_batches(Spy(0), Spy(0), "x")
