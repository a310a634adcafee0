"""Small .tflite files by hand, and what LiteRT's reference kernels make of them."""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from smidgen.types import Array

ONES = ("ABS", "EXP", "FLOOR", "LOG", "NEG", "POW", "SQRT")  # have one version only, or all that we need
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int8": 9}


class Model:
    """Collects tensors and operators; tensors are known by their index."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)
        self.tensors: list[int] = []
        self.buffers: list[int] = [self._table("Buffer")]
        self.codes: list[str] = []
        self.operators: list[int] = []
        self.inputs: list[int] = []
        self.last = -1

    def input(self, shape: Sequence[int], dtype: str = "int8", scale: float = 0.05, zero: int = 3) -> int:
        """An input of the graph."""
        self.inputs.append(self.tensor(shape, dtype, scale, zero))
        return self.inputs[-1]

    def constant(self, data: Any, scales: Any = (), axis: int = 0, zero: int = 0) -> int:
        """A tensor of the file; of scales where it has codes."""
        array = np.asarray(data)
        content = self.builder.CreateNumpyVector(np.frombuffer(array.tobytes(), np.uint8))
        self.buffers.append(self._table("Buffer", Data=content))
        return self._tensor(array.shape, str(array.dtype), scales, zero, axis, len(self.buffers) - 1)

    def tensor(self, shape: Sequence[int], dtype: str = "int8", scale: float = 0.05, zero: int = -5) -> int:
        """A tensor that an operator computes."""
        return self._tensor(shape, dtype, [scale] if dtype in ("int8", "uint8") else [], zero, 0, 0)

    def add(self, op: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **fields: Any) -> None:
        """An operator with options of this name and fields."""
        if op not in self.codes:
            self.codes.append(op)
        chosen = self._table(options, **fields) if options else 0
        given, wanted = (self.builder.CreateNumpyVector(np.array(side, np.int32)) for side in (inputs, outputs))
        parts = {"OpcodeIndex": self.codes.index(op), "Inputs": given, "Outputs": wanted}
        if options:
            parts |= {"BuiltinOptionsType": getattr(tflite.BuiltinOptions, options), "BuiltinOptions": chosen}
        self.operators.append(self._table("Operator", **parts))
        self.last = outputs[0]

    def bytes(self, *outputs: int) -> bytes:
        """The file, with the outputs of the last operator as outputs if none are named."""
        codes = [
            self._table(
                "OperatorCode",
                DeprecatedBuiltinCode=min(getattr(tflite.BuiltinOperator, op), 127),
                BuiltinCode=getattr(tflite.BuiltinOperator, op),
                Version=1 if op in ("RESHAPE", "GELU", "HARD_SWISH", *ONES) else 2,
            )
            for op in self.codes
        ]
        ends = {"Inputs": self.inputs, "Outputs": outputs or [self.last]}
        graph = self._table(
            "SubGraph",
            **{side: self.builder.CreateNumpyVector(np.array(given, np.int32)) for side, given in ends.items()},
            Tensors=self._list(self.tensors),
            Operators=self._list(self.operators),
        )
        vectors = {
            "OperatorCodes": self._list(codes),
            "Subgraphs": self._list([graph]),
            "Buffers": self._list(self.buffers),
        }
        self.builder.Finish(self._table("Model", Version=3, **vectors), file_identifier=b"TFL3")
        return bytes(self.builder.Output())

    def _tensor(self, shape: Sequence[int], dtype: str, scales: Any, zero: int, axis: int, buffer: int) -> int:
        name = self.builder.CreateString(f"t{len(self.tensors)}")
        sizes = self.builder.CreateNumpyVector(np.array(shape, np.int32))
        parts: dict[str, Any] = {"Name": name, "Shape": sizes, "Type": TYPES[dtype], "Buffer": buffer}
        if len(scales):
            parts["Quantization"] = self._table(
                "QuantizationParameters",
                Scale=self.builder.CreateNumpyVector(np.array(scales, np.float32)),
                ZeroPoint=self.builder.CreateNumpyVector(np.full(len(scales), zero, np.int64)),
                QuantizedDimension=axis,
            )
        self.tensors.append(self._table("Tensor", **parts))
        return len(self.tensors) - 1

    def _table(self, kind: str, **fields: Any) -> int:
        getattr(tflite, f"{kind}Start")(self.builder)
        for name, value in fields.items():
            getattr(tflite, f"{kind}Add{name}")(self.builder, value)
        return int(getattr(tflite, f"{kind}End")(self.builder))

    def _list(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())


def theirs(model: bytes, *inputs: Array) -> list[Array]:
    """What LiteRT's reference kernels compute for a batch (n, ...) of each input: the outputs, (n, ...)."""
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    found: list[list[Array]] = [[] for _ in interpreter.get_output_details()]
    for example in zip(*inputs, strict=True):
        for detail, x in zip(interpreter.get_input_details(), example, strict=True):
            interpreter.set_tensor(detail["index"], x.reshape(detail["shape"]))
        interpreter.invoke()
        for outputs, detail in zip(found, interpreter.get_output_details(), strict=True):
            outputs.append(interpreter.get_tensor(detail["index"]).copy())
    return [np.stack(outputs) for outputs in found]


def codes(*shape: int, seed: int = 0) -> Array:
    """Random int8 codes."""
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


HYBRID = np.maximum(codes(3, 16), -127)  # weights of this format are symmetric


def hybrid_file(scales: Sequence[float]) -> bytes:
    """A dense layer of floats, 16 to 3, with the int8 weights `HYBRID`, of one scale or of one a row."""
    model = Model()
    parts = [model.input((1, 16), "float32"), model.constant(HYBRID, scales), -1]
    model.add("FULLY_CONNECTED", parts, [model.tensor((1, 3), "float32")], "FullyConnectedOptions")
    return model.bytes()
