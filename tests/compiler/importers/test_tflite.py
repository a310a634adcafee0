import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smidgen.compiler.importers.tflite import read
from smidgen.compiler.reference import run
from smidgen.errors import BundleError, MissingLibrary, Unsupported
from tests.compiler.importers.tflite_cases import (
    CASES,
    DICE,
    IMAGE,
    POOL,
    compared,
    examples,
)
from tests.compiler.importers.tflite_files import HYBRID, Model, hybrid_file, theirs

DATA = Path(__file__).parents[4] / "shared" / "data" / "pretrained" / "mlperf_tiny"


@pytest.mark.parametrize("case", CASES)
def test_integers_are_litert_s_to_the_bit(case: str) -> None:
    model = Model()
    CASES[case](model, model.input(IMAGE), "int8")
    found, expected = compared(model.bytes())
    assert found.dtype == expected.dtype
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", CASES)
def test_floats_are_litert_s(case: str) -> None:
    model = Model()
    CASES[case](model, model.input(IMAGE, "float32"), "float32")
    found, expected = compared(model.bytes())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)


REAL = sorted(DATA.glob("*.tflite"))
EXACT = [file for file in REAL if "kws_ref_model_float32" not in file.name]


@pytest.mark.skipif(not REAL, reason="there is no shared/data beside this checkout")
@pytest.mark.parametrize("file", EXACT, ids=lambda file: file.stem)
def test_real_models_compute_what_litert_computes(file: Path) -> None:
    found, expected = compared(file.read_bytes(), 12)
    if found.dtype == np.int8:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.skipif(not REAL, reason="there is no shared/data beside this checkout")
def test_a_real_model_of_floats_with_weights_of_8_bits_decides_as_in_litert() -> None:
    """LiteRT rounds what its layers take, and the program does not."""
    (hybrid,) = (file for file in REAL if file not in EXACT)
    found, expected = compared(hybrid.read_bytes(), 12)
    np.testing.assert_allclose(found, expected, atol=0.05)
    np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))


@pytest.mark.parametrize("scales", [[0.02], [0.02, 0.01, 0.005]])
def test_weights_of_8_bits_are_numbers_to_a_float_layer(scales: list[float]) -> None:
    model = hybrid_file(scales)
    program = read(model)
    x = DICE.normal(size=(20, 16)).astype(np.float32)
    (found,) = run(program, {program.inputs[0]: x}).values()
    np.testing.assert_allclose(found, x @ (HYBRID * np.array(scales)[:, np.newaxis]).T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found, theirs(model, x)[0].reshape(20, 3), atol=0.02 * np.abs(found).max())


def test_weights_of_16_bit_floats_are_unpacked() -> None:
    model = Model()
    x = model.input((1, 5), "float32")
    narrow, wide = model.constant(DICE.normal(size=(3, 5)).astype(np.float16)), model.tensor((3, 5), "float32")
    model.add("DEQUANTIZE", [narrow], [wide])
    model.add("FULLY_CONNECTED", [x, wide], [model.tensor((1, 3), "float32")], "FullyConnectedOptions")
    found, expected = compared(model.bytes())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_several_inputs_and_outputs_keep_their_names_and_order() -> None:
    model = Model()
    a, b = model.input((1, 4)), model.input((1, 4))
    first, second = model.tensor((1, 4)), model.tensor((1, 4), scale=0.1)
    model.add("ADD", [a, b], [first], "AddOptions")
    model.add("SUB", [first, a], [second], "SubOptions")
    content = model.bytes(second, first)
    program = read(content)
    assert (program.inputs, program.outputs) == (("t0", "t1"), ("t3", "t2"))
    assert program.rounding == "litert"
    inputs = examples(program, 20)
    for name, expected in zip(program.outputs, theirs(content, *inputs.values()), strict=True):
        np.testing.assert_array_equal(run(program, inputs)[name], expected.reshape(20, 4))


def test_padding_of_same_is_larger_behind() -> None:
    model = Model()
    model.add("MAX_POOL_2D", [model.input(IMAGE)], [model.tensor((1, 3, 3, 4), zero=3)], "Pool2DOptions", **POOL)
    (operation,) = read(model.bytes()).operations
    assert operation.attributes["padding"] == (0, 0, 1, 1)


def test_parts_of_tensors() -> None:
    model = Model()
    CASES["parts"](model, model.input(IMAGE), "int8")
    content = model.bytes()
    slices = [operation.attributes for operation in read(content).operations if operation.kind == "slice"]
    assert [one["begin"] for one in slices] == [(0, 0, 0), (0, 0, 2), (0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 6, 0)]
    assert [one["size"] for one in slices] == [(6, 7, 2)] * 2 + [(1, 7, 2), (5, 7, 2), (3, 7, 2), (3, 1, 2)]


@pytest.mark.parametrize("ops", [("ABS", "SQRT", "EXP", "FLOOR", "NEG"), ("EXP", "LOG")])
def test_functions_of_floats(ops: tuple[str, ...]) -> None:
    model = Model()
    x = model.input(IMAGE, "float32")
    for op in ops:
        y = model.tensor(IMAGE, "float32")
        model.add(op, [x], [y])
        x = y
    found, expected = compared(model.bytes(), 5)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("op", ["DIV", "MAXIMUM", "MINIMUM", "POW"])
def test_functions_of_two_floats(op: str) -> None:
    model = Model()
    x, other = model.input(IMAGE, "float32"), model.constant(np.array([0.5, 2, 3, -1], np.float32))
    model.add(op, [x, other], [model.tensor(IMAGE, "float32")], *(["DivOptions"] if op == "DIV" else []))
    found, expected = compared(model.bytes(), 5)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    integers = Model()
    integers.add(op, [integers.input(IMAGE), integers.input(IMAGE)], [integers.tensor(IMAGE)])
    with pytest.raises(Unsupported, match=f"{op} 't2'.*floats"):
        read(integers.bytes())


def total(model: Model, x: int, dtype: str) -> None:
    inputs = [x, model.constant(np.array([1, -1], np.int32))]
    model.add("SUM", inputs, [model.tensor((1, 1, 7, 1), dtype)], "ReducerOptions", KeepDims=True)


def resized(op: str, dtype: str, size: tuple[int, int], **fields: bool) -> bytes:
    model = Model()
    inputs = [model.input(IMAGE, dtype), model.constant(np.array(size, np.int32))]
    options = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    model.add(op, inputs, [model.tensor((1, *size, 4), dtype, 0.05, 3)], options, **fields)
    return model.bytes()


@pytest.mark.parametrize("fields", [{}, {"AlignCorners": True}, {"HalfPixelCenters": True}], ids=str)
@pytest.mark.parametrize("size", [(9, 5), (12, 14)])
def test_resizing(size: tuple[int, int], fields: dict[str, bool]) -> None:
    for op, dtype in (("RESIZE_NEAREST_NEIGHBOR", "int8"), ("RESIZE_BILINEAR", "float32")):
        found, expected = compared(resized(op, dtype, size, **fields), 10)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(Unsupported, match=r"RESIZE_BILINEAR 't2'.*floats"):
        read(resized("RESIZE_BILINEAR", "int8", size, **fields))


def test_sums_are_of_floats() -> None:
    models = {dtype: Model() for dtype in ("float32", "int8")}
    for dtype, model in models.items():
        total(model, model.input(IMAGE, dtype), dtype)
    found, expected = compared(models["float32"].bytes())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
    with pytest.raises(Unsupported, match=r"SUM 't2'.*floats"):
        read(models["int8"].bytes())


def one(op: str, shape: tuple[int, ...] = IMAGE, options: str = "", **fields: Any) -> Model:
    """A model of one operator of one input, whose output has this shape."""
    model = Model()
    model.add(op, [model.input(IMAGE)], [model.tensor(shape, zero=3)], options, **fields)
    return model


def other_types() -> Model:
    model = Model()
    x = model.input((1, 5), "uint8", zero=128)
    weight = model.constant(np.ones((3, 5), np.uint8), [0.1], zero=128)
    model.add("FULLY_CONNECTED", [x, weight], [model.tensor((1, 3), "uint8", zero=9)], "FullyConnectedOptions")
    return model


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (one("COS"), "COS 't1'.*It knows: ABS, ADD"),
        (one("GELU", options="GeluOptions", Approximate=True), "GELU 't1'.*erf"),
        (one("SOFTMAX", options="SoftmaxOptions", Beta=2.0), "SOFTMAX 't1'.*beta"),
        (one("MAX_POOL_2D", (1, 3, 3, 4), "Pool2DOptions", FusedActivationFunction=4, **POOL), "fused activations"),
        (other_types(), "FULLY_CONNECTED.*uint8 with weights of uint8"),
    ],
)
def test_what_is_not_supported_is_named(model: Model, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        read(model.bytes())


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (one("RELU", (1, 6, 7, 5)), r"t1 \(RELU\).*its output is"),
        (one("RESHAPE", (1, 9)), "do not make"),
        (one("MAX_POOL_2D", (1, 3, 3, 4)), "has no Pool2DOptions"),
        (one("MAX_POOL_2D", (1, 3, 3, 4), "Pool2DOptions", **{**POOL, "StrideW": 0}), "windows"),
    ],
)
def test_what_makes_no_sense_is_named(model: Model, what: str) -> None:
    with pytest.raises(BundleError, match=what):
        read(model.bytes())


def whole() -> bytes:
    """A model with something of everything, which is not much more than 10 kB."""
    model = Model()
    x = model.input(IMAGE)
    for case in ("conv", "depthwise", "dense", "moves", "softmax", "add, broadcast", "mean", "parts"):
        CASES[case](model, x, "int8")
    return model.bytes()


WHOLE = whole()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_files_are_refused_or_read(data: st.DataObject) -> None:
    """Never anything but an error of ours: numbers, offsets and lengths become huge or odd."""
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 5))
        number = data.draw(st.sampled_from([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x40000000]) | st.integers(0, 2**32 - 1))
        size = data.draw(st.sampled_from([1, 2, 4]))
        content[at : at + size] = number.to_bytes(4, "little")[:size]
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    with contextlib.suppress(BundleError, Unsupported):
        read(bytes(content))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"\x08\0\0\0TFL3" + b"\xff" * 64, b"PK\3\4" * 9])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"\.tflite"):
        read(content)


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(MissingLibrary, match="tflite"):
        read(WHOLE)
