"""Every form of a model as one callable: named arrays in, named arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smidgen.errors import BundleError, DataError, MissingLibrary, UsageError
from smidgen.types import Array, Arrays, Runner, Store, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

FATAL = 4  # onnxruntime's log severity: what goes wrong reaches us as an exception, once
LARGEST = 2**31 - 1  # bytes; protobuf cannot hold more
DTYPES = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}


class OnnxRunner:
    """An ONNX graph in onnxruntime, on the CPU.

    Raises:
        BundleError: the model cannot be read or is damaged.
    """

    def __init__(self, model: Path | bytes, threads: int | None = None, form: str = "model.onnx") -> None:
        """`model`: file or content; `threads`: None is one for each core."""
        import onnxruntime

        self.form = form
        options = onnxruntime.SessionOptions()
        options.log_severity_level = FATAL
        options.intra_op_num_threads = threads or 0
        options.inter_op_num_threads = 1
        # From bytes, a graph cannot pull in other files of its folder.
        content = model if isinstance(model, bytes) else _content(model)
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  onnxruntime's exceptions share no other base
            raise BundleError(f"{form} is not a model that onnxruntime can run: {error}") from None
        self.inputs = [_spec(value) for value in self._session.get_inputs()]
        self.outputs = [_spec(value) for value in self._session.get_outputs()]

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """One batch of any size.

        Raises:
            UsageError: a missing or unknown input, or one of the wrong type or shape.
            BundleError: the graph itself fails on an input that suits it.
        """
        self._check(inputs)
        names = [spec.name for spec in self.outputs]
        try:
            return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))
        except Exception as error:  # noqa: BLE001  as above
            raise BundleError(f"{self.form} fails while it runs: {error}") from None

    def _check(self, inputs: Arrays) -> None:
        wanted = {spec.name: spec for spec in self.inputs}
        if inputs.keys() != wanted.keys():
            raise UsageError(f"{self.form} takes the inputs {sorted(wanted)}, not {sorted(inputs)}")
        for name, array in inputs.items():
            spec = wanted[name]
            shape = array.shape[1:]
            same = len(shape) == len(spec.shape) and all(w in (-1, s) for w, s in zip(spec.shape, shape, strict=True))
            if str(array.dtype) != spec.dtype or array.ndim == 0 or not same:
                raise UsageError(
                    f"Input {name!r} of {self.form} is {spec.dtype} of shape (batch, {_dims(spec.shape)}), "
                    f"not {array.dtype} of shape ({_dims(array.shape)})"
                )


class TorchRunner:
    """A torch module with one input and one output. It is left in eval mode; one thread, so that timings compare."""

    def __init__(self, module: nn.Module, input_name: str, output_name: str, form: str = "float") -> None:
        self.form = form
        self.module = module
        self.input_name = input_name
        self.output_name = output_name

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """One batch, on the device that holds the module's parameters."""
        import torch

        if inputs.keys() != {self.input_name}:
            raise UsageError(f"The {self.form} model takes the input {self.input_name!r}, not {sorted(inputs)}")
        tensor = torch.from_numpy(np.ascontiguousarray(inputs[self.input_name]))
        held = next(self.module.parameters(), tensor)
        self.module.eval()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                output: Array = self.module(tensor.to(held.device)).cpu().numpy()
        finally:
            torch.set_num_threads(threads)
        return {self.output_name: output}


class LiteRtRunner:
    """A .tflite file in LiteRT's reference kernels, one example at a time on one thread.

    Raises:
        MissingLibrary: the package ai-edge-litert is not installed.
        BundleError: LiteRT cannot read the file.
    """

    form = "model.tflite"

    def __init__(self, model: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """`inputs` and `outputs` are the names to call them by, in the order of the file."""
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise MissingLibrary("ai-edge-litert", "dev", "Running a .tflite file as LiteRT does") from None
        try:
            self._interpreter = Interpreter(
                model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{self.form} is not a model that LiteRT can run: {error}") from None
        self._inputs = dict(zip(inputs, self._interpreter.get_input_details(), strict=True))
        self._outputs = dict(zip(outputs, self._interpreter.get_output_details(), strict=True))

    def __call__(self, inputs: Arrays) -> dict[str, Array]:
        """A batch of any size; raises UsageError for a missing or unknown input."""
        if inputs.keys() != self._inputs.keys():
            raise UsageError(f"{self.form} takes the inputs {sorted(self._inputs)}, not {sorted(inputs)}")
        rows: dict[str, list[Array]] = {name: [] for name in self._outputs}
        for index in range(len(next(iter(inputs.values())))):
            for name, detail in self._inputs.items():
                self._interpreter.set_tensor(detail["index"], inputs[name][index].reshape(detail["shape"]))
            self._interpreter.invoke()
            for name, detail in self._outputs.items():
                rows[name].append(self._interpreter.get_tensor(detail["index"])[0])
        return {name: np.stack(found) for name, found in rows.items()}


def run_in_batches(runner: Runner, store: Store, input_name: str, batch: int = 256) -> dict[str, Array]:
    """All of `store` through `runner`; memory holds one batch of inputs at a time, and all outputs.

    Raises:
        DataError: the store is empty.
    """
    starts = range(0, len(store), batch)
    if not starts:
        raise DataError("There are no examples to run the model on")
    parts = [runner({input_name: store[np.arange(at, min(at + batch, len(store)))]}) for at in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise BundleError(f"{path} has {size} bytes; an ONNX model has at most {LARGEST}")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None


def _spec(value: Any) -> TensorSpec:
    """onnxruntime's NodeArg as a TensorSpec; -1 stands for a dimension of any size."""
    name = value.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else -1 for size in value.shape[1:])
    return TensorSpec(value.name, DTYPES.get(name, name), shape)


def _dims(shape: tuple[int, ...]) -> str:
    return ", ".join("any" if size == -1 else str(size) for size in shape)
