from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from smidgen.compiler import emit, kernels, reference
from smidgen.compiler.importers.tflite import read
from smidgen.compiler.ir import Operation, Program
from smidgen.compiler.memory import plan
from smidgen.compiler.passes.stream import stream
from smidgen.compiler.toolchain import CRunner
from tests.compiler.passes.images import Images, images
from tests.compiler.programs import inputs
from tests.compiler.test_emit import equal

MODELS = Path(__file__).parents[4] / "shared" / "data" / "pretrained" / "mlperf_tiny"
find = partial(kernels.find, kernels.PORTABLE)


def arena(program: Program, kernel_set: str = kernels.PORTABLE) -> int:
    return plan(program, kernels.memory_of(program, kernel_set)).arena_bytes


def flat(program: Program) -> list[Operation]:
    """The operations of a program, those in streams among them."""
    return [step for each in program.operations for step in each.attributes.get("steps", [each])]


def mobilenet() -> Program:
    """The first layers of MobileNet 0.25 on 96x96."""
    made = Images(96, 96, 3)
    made.conv(8, 3, 2)
    for out, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        made.depthwise(stride)
        made.conv(out, 1)
    made.mean()
    return made.program()


def resnet(early: bool = False) -> Program:
    """ResNet-8 on 32x32; the short branches of its blocks come first, or after the long ones."""
    made = Images(32, 32, 3)
    made.conv(16)
    for out, stride in ((16, 1), (32, 2), (64, 2)):
        made.residual(out, stride, early)
    made.mean()
    return made.program()


@given(images())
@settings(max_examples=100, deadline=None)
def test_no_arena_grows_and_no_operation_is_lost(drawn: Program) -> None:
    made = stream(drawn, find, 0)
    assert arena(made) <= arena(drawn)
    assert flat(made) == drawn.operations
    fitting = stream(drawn, find, arena(drawn) - 1)
    assert arena(made) * 0.95 <= arena(fitting) <= arena(drawn)


def test_the_peak_of_a_mobilenet_is_streamed_away() -> None:
    whole, made = mobilenet(), stream(mobilenet(), find, 0)
    assert arena(whole) > 36_000
    assert arena(made) < 29_500
    assert sum("steps" in each.attributes for each in made.operations) == 1
    assert max(len(each.attributes.get("steps", ())) for each in made.operations) <= 3


@pytest.mark.parametrize("early", [False, True])
def test_a_resnet_is_streamed_over_its_branches(early: bool) -> None:
    whole, made = resnet(early), stream(resnet(early), find, 0)
    assert arena(whole) > 33_000
    assert arena(made) < 17_500


def test_no_more_is_streamed_than_the_arena_is_worth() -> None:
    program = mobilenet()
    assert stream(program, find, want=arena(program)) is program
    enough = stream(program, find, want=35_000)
    assert arena(enough) <= 35_000
    assert len(enough.operations) >= len(stream(program, find, 0).operations)
    impossible = stream(program, find, want=100)
    assert arena(impossible) == arena(stream(program, find, 0))


def test_where_nothing_is_said_streams_must_save_a_quarter() -> None:
    assert arena(stream(resnet(True), find)) < 17_500
    whole = mobilenet()
    assert arena(stream(whole, find, 0)) > 0.75 * arena(whole)
    assert stream(whole, find) is whole


def test_what_does_not_work_by_rows_is_left_alone() -> None:
    made = Images(8, 8, 4)
    made.conv(64)
    made.add("reshape", (made.last,), (64, 64))
    made.add("reshape", (made.last,), (8, 8, 64))
    made.conv(2)
    program = made.program()
    assert stream(program, find, 0) is program


def test_a_value_that_is_read_outside_ends_a_stream() -> None:
    made = Images(16, 16, 3)
    kept = made.conv(8)
    made.conv(32)
    made.conv(32)
    wide = made.conv(2)
    program = made.program()
    both = Program(program.values, program.operations, program.inputs, (kept, wide), program.rounding)
    found = stream(both, find, 0)
    assert arena(found) < arena(both)
    assert kept in {name for each in found.operations for name in each.outputs}


@pytest.mark.parametrize("program", [mobilenet(), resnet(), resnet(early=True)], ids=["mobilenet", "resnet", "early"])
def test_streams_in_c_compute_the_same_codes(program: Program) -> None:
    made, raw = stream(program, find, 0), inputs(program, 3)
    assert any(each.kind == "stream" for each in made.operations)
    equal(program, CRunner(emit.write(made, "net"), made)(raw), reference.run(program, raw))


@pytest.mark.parametrize("seed", range(4))
def test_streams_of_any_layers_compute_the_same_codes_in_c(seed: int) -> None:
    made, dice = Images(28 + seed, 9, 3), np.random.default_rng(seed)
    for stride in (1, 2, 1):
        made.conv(int(dice.integers(8, 16)), int(dice.choice([1, 3, 5])), 1, int(dice.integers(1, 3)))
        made.residual(int(dice.integers(8, 16)), stride, bool(dice.integers(2)))
        made.pool(2, 1)
    program = made.program()
    found, raw = stream(program, find, 0), inputs(program, 4, seed)
    assert max(len(each.attributes.get("steps", ())) for each in found.operations) > 5
    equal(program, CRunner(emit.write(found, "net"), found)(raw), reference.run(program, raw))


@pytest.mark.skipif(not MODELS.is_dir(), reason="there is no shared/data beside this checkout")
@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("visual_wake_words__vww_96_int8", 30_000),
        ("image_classification__pretrainedResnet_quant", 17_500),
        ("anomaly_detection__ad01_int8", 800),
    ],
)
def test_real_networks_fit(file: str, most: int) -> None:
    program = read((MODELS / f"{file}.tflite").read_bytes())
    assert arena(stream(program, find, 0)) <= most
