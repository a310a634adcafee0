"""The front end of sound in ONNX: a Fourier transform and a few more nodes for the one operation of torch.

Window and filters are computed by nodes, which runtimes fold when they load the file: stored, they would be larger than
many a network. The exporter writes a node of our own, so that its optimiser does not fold them; then it is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import onnx

OWN, DOMAIN = "LogMel", "smidgen"
INTEGERS, NUMBERS = ("size", "step"), ("floor", "mean", "scale")


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For torch's exporter: how it writes operations that are not its own."""
    from onnx import defs
    from onnxscript import values

    from smidgen.signals._sound_frontend import log_mel

    kind = defs.OpSchema.AttrType
    kinds = {"size": kind.INT, "step": kind.INT, "edges": kind.FLOATS, **dict.fromkeys(NUMBERS, kind.FLOAT)}
    schema = defs.OpSchema(
        OWN,
        DOMAIN,
        1,
        inputs=[defs.OpSchema.FormalParameter("x", "tensor(int16)")],
        outputs=[defs.OpSchema.FormalParameter("y", "tensor(float)")],
        attributes=[defs.OpSchema.Attribute(name, each, required=True) for name, each in kinds.items()],
    )
    own = values.Op(values.Opset(DOMAIN, 1), OWN, schema)

    def translate(raw: Any, *attributes: Any) -> Any:
        return own(raw, **dict(zip(kinds, attributes, strict=True)))

    return {log_mel._opoverload: translate}


def expand(model: onnx.ModelProto) -> None:
    """Replace our own nodes by those of ONNX."""
    nodes = [*model.graph.node]
    if not any(node.domain == DOMAIN for node in nodes):
        return
    del model.graph.node[:]
    for node in nodes:
        if (node.domain, node.op_type) == (DOMAIN, OWN):
            model.graph.node.extend(_Writer(model.graph, node).nodes())
        else:
            model.graph.node.append(node)
    kept = [opset for opset in model.opset_import if opset.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(kept)


class _Writer:
    """Writes the nodes for one of ours."""

    def __init__(self, graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
        from onnx import helper

        self.graph, self.node, self.count = graph, node, 0
        self.given = {each.name: helper.get_attribute_value(each) for each in node.attribute}

    def nodes(self) -> Iterator[onnx.NodeProto]:
        """From int16 (batch, samples) to (batch, 1, mels, frames)."""
        source, result = self.node.input[0], self.node.output[0]
        size, last, first = self._integers(self.given["size"]), self._integers([-1]), self._integers([1])
        yield self._node("Cast", [source], "real", to=1)
        yield self._node("Unsqueeze", ["real", last], "column")
        yield self._node("HannWindow", [size], "window")
        step = self._integers(self.given["step"])
        yield self._node("STFT", ["column", step, "window", size], "spectrum")
        yield self._node("ReduceSumSquare", ["spectrum", last], "power", keepdims=0)
        yield from self._filters(last)
        yield self._node("MatMul", ["power", "filters"], "bands")
        yield self._node("Add", ["bands", self._reals(self.given["floor"])], "above")
        yield self._node("Log", ["above"], "logs")
        yield self._node("Sub", ["logs", self._reals(self.given["mean"])], "centred")
        yield self._node("Mul", ["centred", self._reals(self.given["scale"])], "standard")
        yield self._node("Transpose", ["standard"], "map", perm=[0, 2, 1])
        yield self._node("Unsqueeze", ["map", first], result)

    def _filters(self, last: str) -> Iterator[onnx.NodeProto]:
        """The triangles of `signals/_mel.py`, (frequencies, mels), in the same arithmetic."""
        edges = np.asarray(self.given["edges"], np.float32)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        ends = [self._reals(np.float32(end)) for end in (0, self.given["size"] // 2 + 1, 1)]
        yield self._node("Range", ends, "range")
        yield self._node("Unsqueeze", ["range", last], "steps")
        yield self._node("Sub", ["steps", self._reals(low)], "above_low")
        yield self._node("Div", ["above_low", self._reals(middle - low)], "rising")
        yield self._node("Sub", [self._reals(high), "steps"], "below_high")
        yield self._node("Div", ["below_high", self._reals(high - middle)], "falling")
        yield self._node("Min", ["rising", "falling"], "triangle")
        yield self._node("Relu", ["triangle"], "filters")

    def _node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
        from onnx import helper

        own = {*self.node.input, *self.node.output, *(tensor.name for tensor in self.graph.initializer)}
        names = [name if name in own else self._name(name) for name in (*inputs, output)]
        return helper.make_node(kind, names[:-1], names[-1:], **attributes)

    def _name(self, name: str) -> str:
        return f"{self.node.output[0]}_{name}"

    def _integers(self, value: Any) -> str:
        return self._constant(np.asarray(value, np.int64))

    def _reals(self, value: Any) -> str:
        return self._constant(np.asarray(value, np.float32))

    def _constant(self, value: Any) -> str:
        from onnx import numpy_helper

        self.count += 1
        name = self._name(f"constant_{self.count}")
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name
