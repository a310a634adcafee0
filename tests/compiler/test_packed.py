"""Weights of few values take few bits in flash, and the C computes the same with them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from smidgen.compiler import emit, reference
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Program
from smidgen.compiler.ops._packed import FIELDS, LEAST_SAVED, Packed, pack
from smidgen.compiler.toolchain import STRICT, CRunner, build
from smidgen.types import Array
from tests.compiler.importers.graphs import Graph
from tests.compiler.programs import PLAIN, Made, inputs


def unpacked(packed: Packed, count: int) -> Array:
    """Bit by bit, as the format says."""
    bits = np.unpackbits(packed.places, bitorder="little").reshape(-1, packed.bits)
    return np.asarray(packed.palette[(bits << np.arange(packed.bits)).sum(1)[:count]])


@given(st.data(), st.integers(1, 16), st.integers(200, 700))
def test_packed_weights_are_the_same_weights(data: st.DataObject, values: int, count: int) -> None:
    palette = data.draw(st.lists(st.integers(-128, 127), min_size=values, max_size=values, unique=True))
    weights = np.random.default_rng(count).choice(np.array(palette, np.int8), count)
    packed = pack(weights.reshape(1, -1))
    if packed is None:
        assert len(set(weights.tolist())) > 4
        assert count - (count + 1) // 2 - 16 - FIELDS < LEAST_SAVED
        return
    np.testing.assert_array_equal(unpacked(packed, count), weights)
    assert 1 << packed.bits >= len(set(weights.tolist())) > (1 << packed.bits // 2 if packed.bits > 1 else 0)
    assert packed.places.nbytes == -(-count * packed.bits // 8)


@pytest.mark.parametrize(
    ("lowest", "highest", "bits"), [(-8, 7, 4), (-7, 7, 4), (-2, 1, 2), (-1, 1, 2), (-1, 0, 1), (0, 1, 1)]
)
def test_signed_codes_of_so_many_bits_share_a_palette(lowest: int, highest: int, bits: int) -> None:
    packed = pack(np.resize(np.arange(lowest, highest + 1, dtype=np.int8), 500))
    assert packed is not None
    assert packed.bits == bits
    if lowest < 0:
        assert packed.palette.tolist() == list(range(-(1 << bits) // 2, (1 << bits) // 2))


def test_what_saves_nothing_is_left_as_it_is() -> None:
    assert pack(np.arange(-8, 9, dtype=np.int8).repeat(100)) is None  # 17 values
    assert pack(np.zeros(40, np.int8)) is None  # few weights
    assert pack(np.zeros(900, np.float32)) is None
    assert pack(None) is None


PALETTES = {1: (-3, 90), 2: (-1, 0, 1), 4: tuple(range(-60, 61, 8))}
LAYERS: dict[str, tuple[tuple[int, ...], dict[str, Any], tuple[int, ...]]] = {
    "plain": ((16, 3, 3, 8), {"padding": (1, 1, 1, 1)}, (6, 5, 16)),
    "odd": ((9, 3, 3, 8), {"padding": (2, 1, 1, 3), "stride": (2, 1), "dilation": (1, 2)}, (4, 5, 9)),
    "groups": ((8, 3, 5, 4), {"groups": 2, "padding": (1, 2, 1, 2)}, (6, 5, 8)),
    "pixels": ((48, 1, 1, 8), {}, (6, 5, 48)),
    "depthwise": ((24, 3, 3, 1), {"groups": 8, "padding": (1, 1, 1, 1)}, (6, 5, 24)),
}


def coarse(made: Made, bits: int) -> Program:
    """With all weights of a program replaced by such as `bits` bits can hold."""
    for operation in made.operations:
        if operation.kind in ("conv2d", "dense"):
            weight = made.values[operation.inputs[1]]
            data = made.dice.choice(np.array(PALETTES[bits], np.int8), weight.shape)
            made.values[weight.name] = replace(weight, data=data)
    program = made.program()
    read = {name for operation in made.operations for name in operation.inputs}
    return replace(program, outputs=tuple(name for name in program.outputs if name not in read))


def layers(dtype: str, *activations: str) -> Made:
    """One of each kind, dense ones with these activations; and one whose output may take the place of its input."""
    made = Made()
    x, flat = made.input(dtype, (6, 5, 8)), made.input(dtype, (77,))
    for shape, attributes, size in LAYERS.values():
        made.add("conv2d", [x, *made.weights(shape, codes=True)], (dtype, size), **{**PLAIN, **attributes}, scale=0.5)
    for activation in activations:
        given = {"activation": activation, "slope": 0.1}
        made.add("dense", [flat, *made.weights((5, 77), codes=True)], (dtype, (5,)), **given, scale=0.5)
    last = made.add("conv2d", [x, *made.weights((24, 1, 1, 8), codes=True)], (dtype, (6, 5, 24)), **PLAIN, scale=0.5)
    made.add("conv2d", [last, *made.weights((8, 1, 1, 24), codes=True)], (dtype, (6, 5, 8)), **PLAIN, scale=0.5)
    return made


@pytest.mark.parametrize(("rounding", "activation"), [("onnx", "leaky_relu"), ("litert", "relu")])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_packed_layers_compute_what_the_reference_does(bits: int, rounding: str, activation: str) -> None:
    program = replace(coarse(layers("int8", "none", activation), bits), rounding=rounding)
    source, x = emit.write(program, "net"), inputs(program, 20)
    assert source.files["net.c"].count("_palette") >= 6 * (bits > 1)
    expected = reference.run(program, x)
    for name, found in CRunner(source, program)(x).items():
        np.testing.assert_array_equal(found, expected[name], name)


def test_flash_shrinks_by_what_the_bits_say() -> None:
    made = Made()
    x = made.input("uint8", (4, 4, 64))
    made.add("conv2d", [x, *made.weights((64, 3, 3, 64), codes=True)], ("uint8", (2, 2, 64)), **PLAIN)
    whole, weights = emit.write(made.program(), "net").flash_bytes, 64 * 9 * 64
    for bits, palette in ((4, 16), (2, 4), (1, 2)):
        assert whole - emit.write(coarse(made, bits), "net").flash_bytes == weights * (8 - bits) // 8 - palette - FIELDS


def test_packed_c_has_no_warnings(tmp_path: Any) -> None:
    source = emit.write(coarse(layers("uint8", "none"), 4), "net")
    build(source, tmp_path, (*STRICT, "-Wconversion", "-Wshadow", "-Wcast-qual", "-Wstrict-prototypes"))


@pytest.mark.parametrize(("kind", "zero", "bits"), [("INT4", 0, 4), ("UINT4", 8, 4), ("INT2", 0, 2), ("UINT2", 2, 2)])
def test_small_integers_of_onnx_files_are_packed(kind: str, zero: int, bits: int) -> None:
    graph, codes = Graph((20,)), np.random.default_rng(0).integers(0, 1 << bits, (20, 30)) - (1 << bits - 1) + zero
    x = graph.rounded("x", 0.1, 128)
    small = getattr(TensorProto, kind)
    graph.constants.append(helper.make_tensor("small", small, codes.shape, codes.ravel().tolist()))
    graph.constants.append(helper.make_tensor("zeros", small, (30,), [zero] * 30))
    weight = graph.add("DequantizeLinear", "small", np.full(30, 0.1, np.float32), "zeros", axis=1)
    graph.rounded(graph.add("MatMul", x, weight), 0.3, 128)
    program = read(graph.bytes())
    (dense,) = (operation for operation in program.operations if operation.kind == "dense")
    data = program.values[dense.inputs[1]].data
    assert data is not None
    np.testing.assert_array_equal(data.T, codes - zero)
    packed = pack(data)
    assert packed is not None
    assert packed.bits == bits
