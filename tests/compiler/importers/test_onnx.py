import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smidgen.compiler.importers._onnx_graph import LARGEST_VALUE
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Program
from smidgen.compiler.reference import run
from smidgen.errors import BundleError, Unsupported
from tests.compiler.importers.graphs import Graph, flattened, gelu, normal, ours, quantized_convolution, theirs

CONV = {"strides": [2, 1], "dilations": [1, 2], "group": 2, "pads": [1, 0, 2, 3]}


def joined(graph: Graph) -> str:
    wide = graph.add("Conv", "x", normal(3, 4, 3, 3), pads=[1, 1, 1, 1])
    return graph.add("Concat", "x", wide, axis=1)


def transformed(graph: Graph) -> str:
    """Views of views, some of which need memory in another order."""
    turned = graph.add("Transpose", "x", perm=[0, 2, 3, 1])
    rows = graph.add("Reshape", turned, np.array([0, -1, 4]))
    summed = graph.add("ReduceMean", rows, np.array([1]), keepdims=0)
    return graph.add("MatMul", summed, normal(4, 3))


def normalised(graph: Graph) -> str:
    image = graph.add("Conv", "x", normal(3, 4, 3, 3), normal(3))
    for x in (image, graph.add("Relu", image)):
        norm = graph.add("BatchNormalization", x, normal(3), normal(3), normal(3), normal(3) ** 2, epsilon=0.1)
    return graph.add("Add", norm, norm)


MADE: dict[str, Callable[[Graph], str]] = {
    "conv": lambda g: g.add("Conv", "x", normal(6, 2, 3, 2), normal(6), **CONV),
    "conv, same": lambda g: g.add("Conv", "x", normal(5, 4, 3, 2), auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv, same lower": lambda g: g.add("Conv", "x", normal(5, 4, 2, 4), auto_pad="SAME_LOWER", strides=[1, 2]),
    "depthwise": lambda g: g.add("Conv", "x", normal(4, 1, 3, 3), group=4),
    "max pool": lambda g: g.add("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    "average pool": lambda g: g.add("AveragePool", "x", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    "global pool": lambda g: g.add("GlobalAveragePool", "x"),
    "flatten, dense": flattened,
    "views": transformed,
    "batch norm": normalised,
    "concat": joined,
    "pad": lambda g: g.add("Pad", "x", np.array([0, 1, 0, 2, 0, 0, 3, 0])),
    "constants": lambda g: g.add("Div", g.add("Sub", "x", normal(4, 1, 1)), np.float32(3)),
    "constant rows": lambda g: g.add("Mul", normal(1, 7), "x"),
    "broadcast": lambda g: g.add("Mul", "x", g.add("Sigmoid", g.add("GlobalAveragePool", "x"))),
    "clip": lambda g: g.add(
        "Sub", g.add("Clip", "x", np.float32(0), np.float32(6)), g.add("LeakyRelu", "x", alpha=0.2)
    ),
    "hard swish": lambda g: g.add("Tanh", g.add("HardSwish", g.add("HardSigmoid", "x", alpha=0.3))),
    "gelu": lambda g: g.add("Add", g.add("Gelu", "x"), "x"),
    "gelu from erf": lambda g: gelu(g, gelu(g, "x", half_first=True), half_first=False),
    "nothing": lambda g: g.add("Identity", "x"),
    "squeezed": lambda g: g.add(
        "Squeeze", g.add("Unsqueeze", g.add("ReduceMean", "x", np.array([2, 3])), np.array([1]))
    ),
}


@pytest.mark.parametrize("case", MADE)
def test_float_graphs_compute_what_onnxruntime_computes(case: str) -> None:
    graph = Graph((4, 6, 7))
    MADE[case](graph)
    model, x = graph.bytes(), 2 * normal(3, 4, 6, 7)
    program = read(model)
    found, (expected,) = ours(program, x), theirs(model, x)
    assert found.shape[1:] == program.values[program.outputs[0]].shape == expected.shape[1:]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_values_of_a_quantised_graph() -> None:
    program = read(quantized_convolution().bytes())
    dtypes = [program.values[operation.outputs[0]].dtype for operation in program.operations]
    assert dtypes == ["uint8"] * 5 + ["float32"] * 2
    assert {value.dtype for value in program.constants()} == {"int8", "int32"}
    image = program.values["x"].quantization
    assert image is not None
    assert (image.scale, image.zero_point) == (float(np.float32(0.02)), 120)
    assert program.operations[2].attributes["activation"] == "relu"
    assert program.operations[2].name == "v13"  # of the ReLU: what is rounded next


def test_a_quantised_graph_is_within_one_code_of_onnxruntime() -> None:
    graph = quantized_convolution()
    pooled = graph.nodes[-6].input[0]  # of the last but one rounding
    model = graph.bytes(f"v{len(graph.nodes) - 1}", pooled)
    x = np.random.default_rng(1).integers(0, 256, (40, 6, 5, 2), np.uint8)
    found, expected = list(run(read(model), {"x": x}).values()), theirs(model, x)
    np.testing.assert_allclose(found[0], expected[0], atol=0.02)
    codes = np.abs(found[1] - expected[1]) / 0.03
    assert codes.max() < 1.01
    assert (codes > 0.5).mean() < 0.01


Wrong = Callable[[Graph], Any]
UNKNOWN: dict[str, tuple[Wrong, str]] = {
    "operation": (lambda g: g.add("Sin", "x"), "Sin 'node_v0'.*It knows: Abs, Add, And, AveragePool"),
    "places": (lambda g: g.add("Gather", "x", np.array([0, 1, 3]), axis=1), "equal distances"),
    "batch": (lambda g: g.add("Transpose", "x", perm=[1, 0, 2, 3]), "keeps the batch first"),
    "cubic": (lambda g: g.add("Resize", "x", None, None, np.array([1, 1, 2, 2], np.float32), mode="cubic"), "linearly"),
    "ceil": (lambda g: g.add("MaxPool", "x", kernel_shape=[2, 2], ceil_mode=1), "ceil_mode"),
    "alpha": (lambda g: g.add("Gemm", g.add("Flatten", "x"), normal(168, 2), alpha=0.5), "alpha"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_named(case: str) -> None:
    make, message = UNKNOWN[case]
    graph = Graph((4, 6, 7))
    make(graph)
    with pytest.raises(Unsupported, match=message):
        read(graph.bytes())


def model() -> onnx.ModelProto:
    return onnx.load_model_from_string(quantized_convolution().bytes())


def huge_constant(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].dims[:] = [2**40, 2**20]


def far_weights(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[2].data_location = onnx.TensorProto.EXTERNAL


def endless_scale(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].raw_data = np.float32(np.inf).tobytes()


def huge_scale(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].raw_data = np.float32(1e30).tobytes()


def huge_image(proto: onnx.ModelProto) -> None:
    for size in proto.graph.input[0].type.tensor_type.shape.dim[1:]:
        size.dim_value = 2**31


def huge_pads(proto: onnx.ModelProto) -> None:
    conv = next(node for node in proto.graph.node if node.op_type == "Conv")
    conv.attribute[0].ints[:] = [2**40] * 4


def no_output(proto: onnx.ModelProto) -> None:
    del proto.graph.output[:]


def strange_name(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = proto.graph.node[0].input[0] = "*/ system(1); /*"


def many_nodes(proto: onnx.ModelProto) -> None:
    for _ in range(20_001):
        proto.graph.node.add().op_type = "Relu"


def looping(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].input[0] = proto.graph.node[-1].output[0]


def large_sums(proto: onnx.ModelProto) -> None:
    bias = next(one for one in proto.graph.initializer if one.data_type == onnx.TensorProto.INT32)
    bias.raw_data = np.full(4, 2**31 - 1, np.int32).tobytes()


DAMAGE = (
    huge_constant,
    far_weights,
    endless_scale,
    huge_scale,
    huge_image,
    huge_pads,
    no_output,
    strange_name,
    many_nodes,
    looping,
    large_sums,
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_hostile_files_are_refused(damage: Callable[[onnx.ModelProto], None]) -> None:
    proto = model()
    damage(proto)
    with pytest.raises(BundleError):
        read(proto.SerializeToString())


def test_views_without_end_are_refused() -> None:
    """A few kilobytes that would ask for much time: each node looks at a large tensor again."""
    graph = Graph((LARGEST_VALUE,))
    for _ in range(300):
        graph.add("Reshape", "x", np.array([1, 4, -1]))
    with pytest.raises(BundleError, match="elements in all"):
        read(graph.bytes())


def outcome(content: bytes) -> Program | None:
    """A program that runs, or an error of ours."""
    try:
        program = read(content)
    except (BundleError, Unsupported):
        return None
    inputs = {name: np.zeros((1, *program.values[name].shape), program.values[name].dtype) for name in program.inputs}
    if sum(value.count for value in program.values.values()) < 10**6:
        with np.errstate(all="ignore"):
            run(program, inputs)
    return program


WHOLE = quantized_convolution().bytes()


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(WHOLE)))
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_end_in_an_error_of_ours(changes: list[tuple[int, int]], end: int) -> None:
    content = bytearray(WHOLE)
    for position, byte in changes:
        content[position] = byte
    outcome(bytes(content[:end]))
    outcome(bytes(content))


@given(st.binary(max_size=300))
def test_noise_ends_in_an_error_of_ours(content: bytes) -> None:
    assert outcome(content) is None


NUMBERS = st.sampled_from([-(2**63), -1, 0, 1, 2, 3, 5, 100, 2**16, 2**31, 2**62])
PROTO = model()


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
def test_numbers_that_make_no_sense_end_in_an_error_of_ours(data: st.DataObject) -> None:
    proto = copy.deepcopy(PROTO)
    graph = proto.graph
    lists = [tensor.dims for tensor in graph.initializer]
    lists += [attribute.ints for node in graph.node for attribute in node.attribute if attribute.ints]
    numbers = [attribute for node in graph.node for attribute in node.attribute if not attribute.ints]
    for _ in range(data.draw(st.integers(1, 3))):
        chosen = data.draw(st.sampled_from(lists))
        if chosen:
            chosen[data.draw(st.integers(0, len(chosen) - 1))] = data.draw(NUMBERS)
    data.draw(st.sampled_from(numbers)).i = data.draw(NUMBERS)
    first, second = (data.draw(st.sampled_from(graph.node)) for _ in range(2))
    if data.draw(st.booleans()):
        first.input[0] = second.output[0]
    outcome(proto.SerializeToString())
