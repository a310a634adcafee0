from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

from hypothesis import given, settings

from smidgen.compiler import kernels
from smidgen.compiler.ir import Program
from smidgen.compiler.memory import plan
from smidgen.compiler.passes.stream import stream
from smidgen.compiler.picture import picture, summary
from tests.compiler.passes.images import Images
from tests.compiler.test_memory import memory_of, program, programs, sizes, step

SVG = "{http://www.w3.org/2000/svg}"


def rectangles(text: str) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, width and height of each block, by the name under the pointer."""
    found = {}
    for group in ElementTree.fromstring(text).iter(f"{SVG}g"):  # noqa: S314 - our own text
        title, box = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        assert title is not None
        assert box is not None
        left, top, width, height = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        found[(title.text or "").split(": ")[0]] = (left, top, width, height)
    return found


@given(programs())
@settings(max_examples=50, deadline=None)
def test_every_plan_has_a_picture(drawn: Program) -> None:
    made = plan(drawn, memory_of)
    boxes = rectangles(picture(made, drawn))
    assert len(boxes) == len({block.name for block in made.blocks})
    assert all(width > 0 and height >= 0 for _, _, width, height in boxes.values())


def test_what_is_overwritten_ends_where_its_follower_begins() -> None:
    relu = step("a", "b", in_place={0: 0})
    chain = program(sizes(x=8, a=64, b=64, c=4), step("x", "a"), relu, step("b", "c"), outputs=("c",))
    boxes = rectangles(picture(plan(chain, memory_of), chain))
    assert boxes["a"][0] + boxes["a"][2] == boxes["b"][0]
    assert boxes["a"][1] == boxes["b"][1]


def test_what_is_overwritten_from_below_ends_there_too() -> None:
    chain = program(sizes(x=64, a=96), step("x", "a", in_place={0: 40}), outputs=("a",))
    boxes = rectangles(picture(plan(chain, memory_of), chain))
    assert boxes["x"][0] + boxes["x"][2] == boxes["a"][0]
    assert boxes["x"][1] < boxes["a"][1]


def test_a_stream_is_a_step_that_says_which_rows_it_keeps() -> None:
    made = Images(12, 12, 3)
    made.conv(16)
    made.conv(2)
    find = partial(kernels.find, kernels.PORTABLE)
    streamed = stream(made.program(), find)
    text = picture(plan(streamed, kernels.memory_of(streamed)), streamed)
    assert ">stream of 2<" in text
    assert "v0 to v1: rows, " in text
    assert "\n3 of 12 rows of 12 × 12 × 16: v0</title>" in text  # noqa: RUF001


def test_the_bound_is_a_line_where_the_plan_is_above_it() -> None:
    chain = program(sizes(x=8, a=100, c=4), step("x", "a"), step("a", "c"), outputs=("c",))
    made = plan(chain, memory_of)
    assert "stroke-dasharray" not in picture(made, chain)
    assert "<title>108 bytes: no plan is smaller</title>" in picture(replace(made, arena_bytes=200), chain)


def test_names_are_text_and_never_markup() -> None:
    name = "</title><script>\x00\ud800&"
    hostile = program(sizes(x=8, c=4) | {name: 12}, step("x", name), outputs=("c",))
    hostile.operations.append(step(name, "c"))
    text = picture(plan(hostile, memory_of), hostile)
    assert "<script>" not in text
    assert set(rectangles(text)) == {"x", "</title><script>??&", "c"}
    text.encode()


def test_the_heading_states_the_gap() -> None:
    chain = program(sizes(x=8, a=100, b=60, c=4), step("x", "a"), step("a", "b"), step("b", "c"), outputs=("c",))
    made = plan(chain, memory_of)
    assert summary(made) == "Arena of 160 bytes: no plan for this order of operations is smaller"
    assert summary(replace(made, arena_bytes=200)) == "Arena of 200 bytes, 25.0% above the 160 that any plan takes"
