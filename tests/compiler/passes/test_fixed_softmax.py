import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smidgen.compiler import emit, reference
from smidgen.compiler._fixed_point import LOGIT, shares
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.passes.fixed_softmax import fixed_softmax
from smidgen.compiler.toolchain import CRunner
from tests.compiler.programs import looked_at, on_digits

LOGITS = st.lists(st.floats(-900, 900), min_size=1, max_size=40)


@given(LOGITS)
def test_shares_are_those_of_floats(logits: list[float]) -> None:
    codes = np.round(np.array([logits]) / LOGIT).astype(np.int32)
    powers = np.exp(codes * LOGIT - (codes * LOGIT).max())
    found = shares(codes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, powers / powers.sum(), rtol=0, atol=1e-6)


def test_a_classifier_gives_the_same_probabilities_without_floating_point() -> None:
    program, raw = read(on_digits("resnet")), {"image": looked_at()}
    fixed = fixed_softmax(program)
    assert [value.dtype for value in fixed.values.values()].count("float32") == 1
    expected = reference.run(program, raw)["probabilities"]
    found = reference.run(fixed, raw)["probabilities"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(CRunner(emit.write(fixed, "net"), fixed)(raw)["probabilities"], found)


def test_floats_stay_floats() -> None:
    program = read(on_digits("cnn", bits=32))
    assert fixed_softmax(program).values.keys() == program.values.keys()
    assert {value.dtype for value in fixed_softmax(program).values.values()} == {
        value.dtype for value in program.values.values()
    }
