from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings

from smidgen.compiler.ir import Program
from smidgen.compiler.memory import plan
from smidgen.compiler.picture import picture, summary
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
    relu = step("a", "b", in_place=(0,))
    chain = program(sizes(x=8, a=64, b=64, c=4), step("x", "a"), relu, step("b", "c"), outputs=("c",))
    boxes = rectangles(picture(plan(chain, memory_of), chain))
    assert boxes["a"][0] + boxes["a"][2] == boxes["b"][0]
    assert boxes["a"][1] == boxes["b"][1]


def test_names_are_text_and_never_markup() -> None:
    name = "</title><script>\x00\ud800&"
    hostile = program(sizes(x=8, c=4) | {name: 12}, step("x", name), outputs=("c",))
    hostile.operations.append(step(name, "c"))
    text = picture(plan(hostile, memory_of), hostile)
    assert "<script>" not in text
    assert list(rectangles(text)) == ["</title><script>??&"]
    text.encode()


def test_the_heading_states_the_gap() -> None:
    chain = program(sizes(x=8, a=100, b=60, c=4), step("x", "a"), step("a", "b"), step("b", "c"), outputs=("c",))
    made = plan(chain, memory_of)
    assert summary(made) == "Arena of 160 bytes: no plan for this order of operations is smaller"
    assert summary(replace(made, arena_bytes=200)) == "Arena of 200 bytes, 25.0% more than the 160 live at once"
