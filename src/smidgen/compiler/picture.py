"""The memory map of a plan as a picture: steps from left to right, bytes of the arena from the floor up."""

from collections.abc import Iterator
from html import escape
from itertools import takewhile
from math import log10

from smidgen.compiler.ir import Operation, Program, Value
from smidgen.compiler.memory import Block, Plan

WIDTH, HEIGHT = 720, 300  # of the map, in pixels
LEFT, TOP, BOTTOM = 64, 30, 108  # room around it: for the sizes, the heading and the operations
COLORS = ("#3f8f86", "#7d9f4f", "#c08a3e", "#b5654f", "#8d6a9f", "#5079a8")
HATCH = (
    '<pattern id="scratch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="2" height="6" fill="currentColor" fill-opacity="0.25"/></pattern>'
)
LETTER = 6.0  # width of a letter of a label, in pixels


def picture(plan: Plan, program: Program) -> str:
    """The map as SVG, which stands alone or in a page and takes the colour of the text around it.

    Every rectangle is a value, with its shape where there is room, and says more under the pointer; scratch is hatched.
    Where an operation overwrites its input the two meet in the middle of its step. A stream is one step, whose scratch
    names the values that it keeps rows of. A dashed line is the bound that no plan is below, if the plan is above it.
    """
    size = f'viewBox="0 0 {LEFT + WIDTH + 12} {TOP + HEIGHT + BOTTOM}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_text(summary(plan))}" '
        'font-family="system-ui, sans-serif" font-size="11" fill="currentColor">',
        HATCH,
        f'<text x="{LEFT}" y="18" font-size="13">{_text(summary(plan))}</text>',
        *_sizes(plan),
        *_bound(plan),
        *_operations(program),
        *(_rectangle(plan, program, index) for index in range(len(plan.blocks))),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def summary(plan: Plan) -> str:
    """What a plan amounts to, in a line."""
    if not plan.gap:
        return f"Arena of {plan.arena_bytes:,} bytes: no plan for this order of operations is smaller"
    return f"Arena of {plan.arena_bytes:,} bytes, {plan.gap:.1%} above the {plan.lower_bound:,} that any plan takes"


def _sizes(plan: Plan) -> Iterator[str]:
    """Lines across the map at round sizes and at its top."""
    most = max(plan.arena_bytes, 1)
    power = 10 ** int(log10(most))
    apart = next(step for step in (power // 5, power // 2, power, 2 * power) if step and most / step <= 6)
    far = takewhile(lambda size: size < most - 0.3 * apart, range(0, most, apart))
    for size in [*far, most]:
        y = _y(plan, size)
        yield f'<path d="M{LEFT} {y:.1f}h{WIDTH}" stroke="currentColor" stroke-opacity="0.2"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill-opacity="0.7">{size:,}</text>'


def _bound(plan: Plan) -> Iterator[str]:
    """A dashed line, unless it would lie in the line at the top."""
    if plan.gap:
        line = 'stroke="currentColor" stroke-dasharray="4 3"'
        title = f"<title>{plan.lower_bound:,} bytes: no plan is smaller</title>"
        yield f'<path d="M{LEFT} {_y(plan, plan.lower_bound):.1f}h{WIDTH}" {line}>{title}</path>'


def _operations(program: Program) -> Iterator[str]:
    """The kinds of the operations under the map: as many as there is room for."""
    width = _column(program)
    every = max(1, round(13 / width))
    for step in range(0, len(program.operations), every):
        x, y = LEFT + (step + 0.5) * width + 4, TOP + HEIGHT + 10
        kind = _text(_kind(program.operations[step])[:14])
        turn = f'transform="rotate(-90 {x:.1f} {y})"'
        yield f'<text x="{x:.1f}" y="{y}" text-anchor="end" fill-opacity="0.7" {turn}>{kind}</text>'


def _kind(operation: Operation) -> str:
    """What an operation is called under the map."""
    steps = operation.attributes.get("steps")
    return operation.kind if steps is None else f"{operation.kind} of {len(steps)}"


def _rectangle(plan: Plan, program: Program, index: int) -> str:
    block = plan.blocks[index]
    begins = block.first + 0.5 * any(_over(block, under, program) for under in plan.blocks)
    end = block.last + 1 - 0.5 * any(_over(over, block, program) for over in plan.blocks)
    x, width = LEFT + begins * _column(program), (min(len(program.operations), end) - begins) * _column(program)
    y, height = _y(plan, block.offset + block.bytes), block.bytes / plan.arena_bytes * HEIGHT
    fill = "url(#scratch)" if block.scratch else COLORS[index % len(COLORS)]
    shape, *kept = _about(block, program)
    title = [f"{block.name}: {shape}, {block.bytes:,} bytes from {block.offset:,}, {_when(block)}", *kept]
    about = "\n".join(map(_text, title))
    label = ""
    if width > LETTER * len(shape) + 6 and height > 13:
        place = f'x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}"'
        label = f'<text {place} text-anchor="middle" pointer-events="none">{_text(shape)}</text>'
    look = f'fill="{fill}" fill-opacity="{1 if block.scratch else 0.45}" stroke="currentColor" stroke-opacity="0.5"'
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {look}/>'
    return f"<g><title>{about}</title>{box}{label}</g>"


def _about(block: Block, program: Program) -> Iterator[str]:
    """The shape of a value; or what a step needs besides values: of a stream, then, the rows that it keeps."""
    if not block.scratch:
        yield _shape(program.values[block.name])
        return
    attributes = program.operations[block.first].attributes
    yield "rows" if "rings" in attributes else "scratch"
    for name, rows in attributes.get("rings", {}).items():
        value = attributes["values"][name]
        yield f"{rows} of {value.shape[0]} rows of {_shape(value)}: {name}"


def _when(block: Block) -> str:
    """The steps in which a block is in use."""
    return f"step {block.first}" if block.first == block.last else f"steps {block.first} to {block.last}"


def _shape(value: Value) -> str:
    return " × ".join(map(str, value.shape)) or "1"  # noqa: RUF001


def _over(over: Block, under: Block, program: Program) -> bool:
    """Whether a block begins in the very step that another, which was there before it, ends in, and in bytes of it."""
    before = under.first < over.first or under.name in program.inputs
    together = over.first == under.last and before and over is not under and not (over.scratch or under.scratch)
    return together and over.offset < under.offset + under.bytes and under.offset < over.offset + over.bytes


def _column(program: Program) -> float:
    return WIDTH / max(1, len(program.operations))


def _y(plan: Plan, size: int) -> float:
    return TOP + HEIGHT * (1 - size / max(1, plan.arena_bytes))


def _text(text: str) -> str:
    """Names come from files: nothing in them may act as markup, and XML has no place for control characters."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text[:200]))
