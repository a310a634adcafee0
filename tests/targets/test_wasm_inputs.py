"""The page for every kind of input and answer: what it hands to the model is what `predict` would."""

import base64
import io
import json
import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.toolchain import CRunner
from smidgen.data.columns import parse
from smidgen.errors import DataError
from smidgen.signals import _sounds, _text
from smidgen.signals.interactions import InteractionsSignal
from smidgen.signals.series import SeriesSignal
from smidgen.signals.table import TableSignal
from smidgen.targets import wasm
from smidgen.types import Array, Json
from tests.targets.browser import Page, browsing, chromium
from tests.targets.test_wasm import answer, opened, unpacked

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium")

TABLE = TableSignal(
    ("age", "pressure [bar]", "smoker"),
    (("blood", ("A", "B", "<i>")),),
    flags=1,
    fills=(1.0, 40.0, 2.5),
    edges=((0.0, 1.0), (18.0, 30.0, 90.0), (0.5, 2.0, 9.0)),
)
SERIES = SeriesSignal(
    12, ("speed", "heat"), mean=(100.0, 20.0), scale=(0.1, 0.0), hop=1, horizon=3, ahead=(0,), spread=(1.0, 1.0, 1.0)
)
FILMS = InteractionsSignal(4, ("Casino", "Heat (1995)", "Heat <b>"), ("1", "2", "3"))
ANSWERS: dict[str, Json] = {
    "classes": {"kind": "classes", "names": ["calm", "<b>loud</b>"]},
    "values": {"kind": "values", "names": [], "unit": "km"},
    "score": {"kind": "score"},
    "ranking": {"kind": "ranking", "items": list(FILMS.items)},
}
SIGNALS: dict[str, tuple[str, tuple[int, ...], str, dict[str, Json]]] = {
    "text": ("uint8", (16,), "classes", {}),
    "audio": ("int16", (800,), "score", {"rate": 8000}),
    "table": ("float32", (4,), "classes", TABLE.to_json()),
    "series": ("float32", (12, 2), "values", SERIES.to_json()),
    "interactions": ("int32", (4,), "ranking", {}),
}
WIDTHS = {"classes": 2, "values": 3, "score": 1, "ranking": 3}


def linear(dtype: str, shape: tuple[int, ...], width: int, *, probabilities: bool) -> bytes:
    """An ONNX file: one dense layer on all numbers, then softmax where probabilities are wanted."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    size = int(np.prod(shape))
    weight = np.random.default_rng(0).normal(0, 1 / (40 * size), (size, width)).astype(np.float32)
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in (("w", weight), ("b", weight[0] * 0))]
    nodes = [
        *([helper.make_node("Cast", ["x"], ["real"], to=kinds.FLOAT)] if dtype != "float32" else []),
        helper.make_node("Flatten", ["x" if dtype == "float32" else "real"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["raw" if probabilities else "y"]),
        *([helper.make_node("Softmax", ["raw"], ["y"], axis=1)] if probabilities else []),
    ]
    element = getattr(kinds, "FLOAT" if dtype == "float32" else dtype.upper())
    given = helper.make_tensor_value_info("x", element, ["n", *shape])
    wanted = helper.make_tensor_value_info("y", kinds.FLOAT, ["n", width])
    graph = helper.make_graph(nodes, "linear", [given], [wanted], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


@cache
def written(kind: str) -> tuple[CRunner, str, bytes]:
    """The C of a tiny model for one kind of input, its output, and its page."""
    dtype, shape, means, state = SIGNALS[kind]
    program = read(linear(dtype, shape, WIDTHS[means], probabilities=means == "classes"))
    source = emit.write(program, "model")
    runner = CRunner(source, program)
    described = {
        "title": kind,
        "about": "",
        "signal": wasm._read_of(kind, state, wasm.INPUTS[kind][1]),
        "answer": ANSWERS[means],
    }
    return runner, program.outputs[0], wasm.write(program, source, runner, described)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Page, tmp_path: Path) -> Page:
    kind: str = request.param
    return opened(browser, written(kind)[2], tmp_path)


def on(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", [kind], indirect=True)


def last(page: Page, dtype: str) -> Array:
    """What the model was given last; JSON has no NaN."""
    return np.array(page.run("[...smidgen.last].map(v => Number.isNaN(v) ? null : v)"), float).astype(dtype)


def problem(page: Page) -> Any:
    return page.run("document.querySelector('#problem').textContent")


def type_in(page: Page, where: str, text: str) -> None:
    page.run(f"(area => {{ area.value = {json.dumps(text)}; area.oninput(); }})(document.querySelector({where!r}))")


@pytest.mark.parametrize("page", list(SIGNALS), indirect=True)
def test_it_is_proven_and_small_and_fetches_nothing(page: Page, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["page"]
    assert page.run("smidgen.proven")
    assert problem(page) == ""
    assert page.run("document.querySelector('#stage').getBoundingClientRect().height > 20")
    around, texts, module = unpacked(written(kind)[2])
    assert len(written(kind)[2]) - len(wasm._deflated(module)) * 32 / 31 < 14_000
    whole = around + texts["body"] + texts["script"]
    assert not any(word in whole for word in ("http:", "https:", "src=", "href=", "fetch(", "WebSocket", "XMLHttp"))


@on("text")
@pytest.mark.parametrize(
    "text", ["WIN now", "  naïve café, a longer one €", "0123456789abcde\N{PILE OF POO}", "é" * 20]
)
def test_a_message_becomes_the_bytes_that_predict_makes(page: Page, text: str) -> None:
    type_in(page, "#text", text)
    expected = _text.encoded([text], 16)
    np.testing.assert_array_equal(last(page, "uint8"), expected[0])
    runner, name, _ = written("text")
    (chances,) = runner({"x": expected})[name]
    assert answer(page) == ANSWERS["classes"]["names"][int(chances.argmax())]
    page.run("document.querySelector('#clear').click()")
    assert (answer(page), page.run("smidgen.last")) == ("", None)


def sound(samples: Array, rate: int) -> bytes:
    """A WAV file of (n,) or (n, channels) 16-bit samples."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim > 1 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def hear(page: Page, data: bytes) -> Array:
    encoded = base64.b64encode(data).decode()
    page.run(
        f"fetch('data:audio/wav;base64,{encoded}').then(r => r.blob()).then(smidgen.inputs.find(i => i.open).open)"
    )
    page.run("smidgen.choose(smidgen.inputs.find(i => i.open))")
    return last(page, "int16")


@on("audio")
@pytest.mark.parametrize("shape", [(800,), (500,), (1001,), (799,), (900, 2)])
def test_a_sound_becomes_the_samples_that_predict_makes(page: Page, shape: tuple[int, ...]) -> None:
    data = sound(np.random.default_rng(1).integers(-32768, 32768, shape), 8000)
    np.testing.assert_allclose(
        hear(page, data), _sounds.decode(data, 8000, 800), atol=1
    )  # browsers differ in what is 1.0
    assert answer(page) in {"Alarm", "Normal"}


@on("audio")
def test_another_rate_is_made_the_models(page: Page) -> None:
    tone = 9000 * np.sin(np.arange(1600) * 2 * np.pi * 300 / 16000)
    heard = hear(page, sound(tone, 16000)).astype(float)
    expected = 9000 * np.sin(np.arange(800) * 2 * np.pi * 300 / 8000)
    assert np.corrcoef(heard[20:-20], expected[20:-20])[0, 1] > 0.99


@on("audio")
def test_what_is_no_sound_is_said(page: Page) -> None:
    page.run("smidgen.choose(smidgen.inputs.find(i => i.open))")
    page.run("smidgen.inputs.find(i => i.open).open(new File(['text'], 'note.txt'))")
    assert problem(page) == "note.txt is not a sound that this browser can read"


@on("audio")
def test_the_microphone_is_answered_and_let_go(page: Page) -> None:
    page.run("document.querySelector('#listen').click()")
    page.wait("smidgen.last && smidgen.last.some(Boolean) || document.querySelector('#problem').textContent")
    assert problem(page) == ""
    assert answer(page) in {"Alarm", "Normal"}
    page.run("document.querySelector('#listen').click()")
    assert page.run("document.querySelector('#listen').textContent") == "Listen"


ROWS = "smoker,blood,pressure [bar],Age,note\n1,B,2.5,30,x\n0,<i>,,44.5,y\nNA,Z,1e1,18,z\n"


@on("table")
def test_rows_become_the_numbers_that_predict_makes(page: Page) -> None:
    page.run("smidgen.choose(smidgen.inputs[1])")
    text = ROWS.replace("Age", "age")
    type_in(page, "#sheet textarea", text)
    expected = TABLE.read(parse(text, "rows.csv"))
    np.testing.assert_array_equal(last(page, "float32"), expected[-1])
    assert page.run("document.querySelectorAll('#answers li').length") == 3
    for wrong, said in (
        (ROWS.replace("blood", "b"), "There is no column called blood"),
        ("age\nx", "There is no column"),
    ):
        type_in(page, "#sheet textarea", wrong)
        assert problem(page).startswith(said)
    type_in(page, "#sheet textarea", ROWS.replace("2.5", "high"))
    assert problem(page) == "high is not a number"
    with pytest.raises(DataError):
        TABLE.read(parse(ROWS, "rows.csv"))


@on("table")
def test_a_form_has_a_field_for_each_column(page: Page) -> None:
    names = page.run("[...document.querySelectorAll('#form span')].map(s => s.textContent)")
    assert names == list(TABLE.columns)
    np.testing.assert_allclose(last(page, "float32"), [1, 40, 2.5, 0])
    page.run("document.querySelector('#clear').click()")
    np.testing.assert_array_equal(last(page, "float32"), [np.nan, np.nan, np.nan, -1])
    page.run("(f => { f.value = 2; f.dispatchEvent(new Event('input', {bubbles: true})); })"
             "(document.querySelectorAll('#form select')[1])")  # fmt: skip
    assert last(page, "float32")[3] == 2
    assert "<i>" in page.run("document.querySelector('#form').textContent")


@on("series")
def test_the_last_rows_become_the_window(page: Page) -> None:
    page.run("smidgen.choose(smidgen.inputs[1])")
    rows = np.random.default_rng(2).normal(50, 9, (20, 2)).astype(np.float32)
    lines = "\n".join(f"{heat:.9g};{step};{speed:.9g}" for step, (speed, heat) in enumerate(rows))
    type_in(page, "#series textarea", f"heat;step;speed\n{lines}")
    np.testing.assert_array_equal(last(page, "float32").reshape(12, 2), rows[-12:])
    runner, name, _ = written("series")
    expected = runner({"x": rows[None, -12:]})[name][0]
    assert answer(page) == f"{float(f'{expected[0]:.4g}'):g} km next"
    type_in(page, "#series textarea", "1,2\n3,4")  # begun with its first row
    np.testing.assert_array_equal(last(page, "float32").reshape(12, 2), [[1, 2]] * 11 + [[3, 4]])


@on("series")
def test_sliders_move_the_levels(page: Page) -> None:
    np.testing.assert_allclose(last(page, "float32").reshape(12, 2).mean(0), [100, 20], atol=2)
    page.run("(f => { f.value = 2; f.dispatchEvent(new Event('input', {bubbles: true})); })"
             "(document.querySelector('#levels input'))")  # fmt: skip
    np.testing.assert_allclose(last(page, "float32").reshape(12, 2).mean(0), [120, 20], atol=2)


@on("interactions")
def test_choices_become_a_history_of_numbers(page: Page) -> None:
    np.testing.assert_array_equal(last(page, "int32"), [0, 0, 0, 0])
    for words in ("heat b", "casino"):
        type_in(page, "#search", words)
        page.run("document.querySelector('#found button').click()")
    np.testing.assert_array_equal(last(page, "int32"), [0, 0, 3, 1])
    shown = page.run("[...document.querySelectorAll('#bars .label')].map(l => l.textContent.slice(3))")
    runner, name, _ = written("interactions")
    scores = runner({"x": np.array([[0, 0, 3, 1]], np.int32)})[name][0]
    assert shown == [FILMS.items[at] for at in np.argsort(-scores)]
    page.run("document.querySelector('#chosen button').click()")
    np.testing.assert_array_equal(last(page, "int32"), [0, 0, 0, 1])
