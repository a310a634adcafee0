import base64
import io
import json
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from smidgen.bundle import Bundle
from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.ir import Program
from smidgen.compiler.network import Network, build
from smidgen.compiler.passes import lower
from smidgen.compiler.toolchain import CRunner
from smidgen.compression.quantize import quantize
from smidgen.data.load import load
from smidgen.errors import MissingLibrary, Unsupported
from smidgen.signals.image import ImageSignal
from smidgen.targets import onnx, wasm
from smidgen.types import Array, Json
from tests.compiler.programs import Made
from tests.compiler.sample import classes
from tests.targets.browser import Page, browsing, chromium

SIGNAL = ImageSignal(28, 28, 1, zero_point=33, scale=1 / 79)
COLOUR = ImageSignal(12, 20, 3)
NUMBERS = {"title": "numbers", "about": "", "signal": None, "answer": None}

DIGITS = {
    "signal": {"kind": "image", "height": 28, "width": 28, "channels": 1, "zero_point": 33},
    "answer": {"kind": "classes", "names": list("0123456789")},
}

needs_browser = pytest.mark.skipif(chromium() is None, reason="there is no Chromium")

# Strokes of digits, in hundredths of the paper
DRAWN = {
    "0": [(50, 20), (36, 28), (30, 50), (36, 72), (50, 80), (64, 72), (70, 50), (64, 28), (50, 20)],
    "1": [(52, 20), (50, 50), (48, 80)],
    "7": [(30, 22), (50, 22), (70, 22), (60, 45), (48, 80)],
}


@cache
def written_digits() -> tuple[Program, CRunner, bytes]:
    """A model that reads handwriting, its C, and its page."""
    data = load("mnist-5k").train
    raw, targets = torch.from_numpy(data.inputs[np.arange(len(data))]), torch.from_numpy(np.asarray(data.targets))
    small = trained(build(SIGNAL, classes(10), "cnn", 4000), raw, targets)
    program = read(onnx.write(quantize(small, raw[:200]), SIGNAL, classes(10), {}))
    described = {"title": "<digits>", "about": "", **DIGITS}
    return program, *_made(program, described)


def trained(network: Network, raw: Tensor, targets: Tensor) -> Network:
    """The network after two epochs: right on nine of ten digits."""
    optimizer = torch.optim.Adam(network.train().parameters(), 3e-3)
    order = torch.randperm(2 * len(raw), generator=torch.Generator().manual_seed(0)) % len(raw)
    for batch in torch.split(order, 32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(raw[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


@cache
def three_numbers() -> bytes:
    """The page of a model that multiplies three numbers by themselves; int8 codes of a half come out."""
    made = Made()
    x = made.input("float32", (3,))
    made.values["q"] = made.values[made.add("quantize", [x], ("int8", (3,)), scale=0.5)]
    return _made(made.program(), NUMBERS)[1]


def _made(program: Program, described: dict[str, Json]) -> tuple[CRunner, bytes]:
    source = emit.write(program, "model")
    runner = CRunner(source, program)
    return runner, wasm.write(program, source, runner, described)


def unpacked(page: bytes) -> tuple[str, dict[str, Any], bytes]:
    """The text around, the texts inside, and the module."""
    text = page.decode("utf-16")
    packed = re.findall('"([^"]{1000,})"', text)[0]
    codes = np.frombuffer(packed.encode("utf-16-le"), "<u2").astype(np.int64).reshape(-1, 2) - wasm.FIRST
    assert codes.min() >= 0
    pairs = codes @ (wasm.BASE, 1)
    bits = (pairs[:, None] >> np.arange(30, -1, -1)) & 1
    data = np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()
    middle, end = (int(number) for number in re.findall(r"inflate\((\d+), (\d+)\)\.array", text)[0])
    texts = json.loads(zlib.decompress(data[:middle], -15))
    return text.replace(packed, ""), texts, zlib.decompress(data[middle:end], -15)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests."""
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def digits(browser: Page, tmp_path: Path) -> Page:
    """The page of handwritten digits, fresh."""
    return opened(browser, written_digits()[2], tmp_path)


def opened(browser: Page, page: bytes, folder: Path) -> Page:
    (folder / "index.html").write_bytes(page)
    browser.open((folder / "index.html").as_uri())
    return browser


def answer(page: Page) -> str:
    found = page.run("document.querySelector('#best').textContent")
    assert isinstance(found, str)
    return found


def draw(page: Page, points: Sequence[tuple[float, float]]) -> None:
    x, y, side = page.run(
        "(box => [box.x, box.y, box.width])(document.querySelector('#paper').getBoundingClientRect())"
    )
    page.drag([(x + side * right / 100, y + side * down / 100) for right, down in points])
    page.wait("document.querySelector('#best').textContent")
    page.run("new Promise(requestAnimationFrame)")  # the last stretch has been answered too


# The file


def test_a_bundle_becomes_one_page(tiny_bundle: Bundle, tmp_path: Path) -> None:
    (file,) = wasm.export(tiny_bundle.path, tmp_path / "out")
    around, texts, module = unpacked(file.read_bytes())
    assert file == tmp_path / "out" / "index.html"
    assert "<title>tiny</title>" in around
    assert module.startswith(b"\0asm")
    assert texts["model"]["answer"] == {"kind": "classes", "names": ["bright", "dark"]}
    assert texts["model"]["signal"] == {"kind": "image", "height": 4, "width": 4, "channels": 1, "zero_point": 0}
    assert texts["model"]["about"] == "34 parameters"
    assert texts["model"]["bytes"] == len(module)


def test_nothing_is_fetched_and_no_name_is_markup() -> None:
    around, texts, module = unpacked(written_digits()[2])
    assert not re.search(
        r"https?:|src=|href=|@import|fetch\(|XMLHttp|WebSocket", around + texts["body"] + texts["script"]
    )
    assert "<title>&lt;digits&gt;</title>" in around
    assert b"wasi" not in module


def test_all_but_the_model_takes_little() -> None:
    page = written_digits()[2]
    module = unpacked(page)[2]
    assert len(page) - len(wasm._deflated(module)) * 32 / 31 < 12_000


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_bytes_survive_as_characters(data: bytes) -> None:
    text = wasm._characters(data)
    pairs = [
        (ord(a) - wasm.FIRST) * wasm.BASE + ord(b) - wasm.FIRST for a, b in zip(text[::2], text[1::2], strict=True)
    ]
    bits = "".join(f"{pair:031b}" for pair in pairs)
    assert bytes(int(bits[at : at + 8], 2) for at in range(0, 8 * len(data), 8)) == data
    assert all(0x2200 <= ord(character) < 0xD800 for character in text)


def test_several_outputs_are_refused() -> None:
    made = Made()
    x = made.input("float32", (3,))
    made.add("relu", [x], ("float32", (3,)))
    made.add("tanh", [x], ("float32", (3,)))
    with pytest.raises(Unsupported, match="inputs and outputs x0, y0, y1"):
        _made(made.program(), NUMBERS)


def test_without_zig_nothing_is_written(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingLibrary, match=r"WebAssembly needs ziglang.*smidgen\[c\]"):
        wasm.export(tiny_bundle.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# In a browser


@needs_browser
def test_it_answers_as_the_c_does(digits: Page) -> None:
    answers_as_the_c(digits)


@needs_browser
def test_its_own_kernels_give_the_same_answers(browser: Page, tmp_path: Path) -> None:
    program, runner, plain = written_digits()
    source = emit.write(lower(program, "simd128"), "model", "simd128")
    page = wasm.write(program, source, runner, unpacked(plain)[1]["model"])
    answers_as_the_c(opened(browser, page, tmp_path))


def answers_as_the_c(page: Page) -> None:
    program, runner, _ = written_digits()
    images = load("mnist-5k").test.inputs[np.arange(50)]
    expected = runner({program.inputs[0]: images})[program.outputs[0]]
    given = json.dumps(images.reshape(50, -1).tolist())
    found = page.run(f"{given}.map(image => [...smidgen.run(Uint8Array.from(image))])")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert page.run("smidgen.proven")


@needs_browser
@pytest.mark.parametrize("digit", DRAWN)
def test_a_drawn_digit_is_read(digits: Page, digit: str) -> None:
    draw(digits, DRAWN[digit])
    assert answer(digits) == digit
    assert digits.run("document.querySelector('.best .label').textContent") == digit
    digits.run("document.querySelector('#clear').click()")
    assert answer(digits) == ""


@needs_browser
def test_a_drawing_is_centred_and_scaled_as_in_mnist(digits: Page) -> None:
    draw(digits, [(5, 5), (5, 15), (5, 25)])  # a short stroke in the corner
    seen = np.array(digits.run("[...smidgen.last]")).reshape(28, 28)
    rows, columns = (seen.max(axis=axis).nonzero()[0] for axis in (1, 0))
    assert rows[-1] - rows[0] + 1 == 20
    centre = [(seen.sum(axis=axis) * np.arange(28)).sum() / seen.sum() + 0.5 for axis in (1, 0)]
    np.testing.assert_allclose(centre, 14, atol=0.51)
    assert 13 < columns.mean() < 15
    digits.run("document.querySelector('#centred input').click()")
    digits.run("new Promise(requestAnimationFrame)")
    assert np.array(digits.run("[...smidgen.last]")).reshape(28, 28)[:, 14:].max() == 0


@needs_browser
def test_the_keyboard_draws_and_clears(digits: Page) -> None:
    digits.run("document.querySelector('#paper').focus()")
    for key in (" ", *["ArrowDown"] * 8, " "):
        digits.key(key)
    assert answer(digits) == "1"
    digits.key("Escape")
    assert answer(digits) == ""


@needs_browser
def test_arrow_keys_go_through_the_inputs(digits: Page) -> None:
    digits.run("document.querySelector('[aria-selected=true]').focus()")
    digits.key("ArrowRight")
    assert digits.run("document.activeElement.textContent") == "Image"
    assert digits.run("document.querySelector('#paper').hidden && !document.querySelector('#drop').hidden")


@needs_browser
@pytest.mark.parametrize(
    ("size", "mode"),
    [((28, 28), "L"), ((57, 40), "L"), ((40, 157), "RGB"), ((300, 301), "RGB"), ((9, 13), "RGB"), ((56, 56), "L")],
)
def test_an_image_becomes_the_pixels_that_predict_makes(digits: Page, size: tuple[int, int], mode: str) -> None:
    np.testing.assert_array_equal(*pixels(digits, picture(size, mode), SIGNAL))


@needs_browser
def test_transparency_becomes_white(digits: Page) -> None:
    np.testing.assert_allclose(*pixels(digits, picture((50, 50), "RGBA"), SIGNAL), atol=2)


def picture(size: tuple[int, int], mode: str) -> bytes:
    """A PNG of noise."""
    dice = np.random.default_rng(0)
    shape = size[::-1] if mode == "L" else (*size[::-1], len(mode))
    file = io.BytesIO()
    Image.fromarray(dice.integers(0, 256, shape, np.uint8), mode).save(file, "PNG")
    return file.getvalue()


def pixels(page: Page, png: bytes, signal: ImageSignal) -> tuple[Array, Array]:
    """What the page makes of an image file, and what smidgen does."""
    encoded = base64.b64encode(png).decode()
    page.run("smidgen.choose(smidgen.inputs.find(({label}) => label === 'Image'))")
    page.run(
        f"fetch('data:image/png;base64,{encoded}').then(r => r.blob()).then(smidgen.inputs.find(i => i.open).open)"
    )
    return np.array(page.run("[...smidgen.last]")).reshape(signal.input.shape), signal.decode(png)


@needs_browser
def test_what_is_no_image_is_said(digits: Page) -> None:
    digits.run("smidgen.choose(smidgen.inputs[1])")
    digits.run("smidgen.inputs[1].open(new File(['text'], 'note.txt'))")
    problem = digits.run("document.querySelector('#problem').textContent")
    assert problem == "note.txt is not an image that this browser can read"


@needs_browser
def test_the_camera_is_answered_and_let_go(digits: Page) -> None:
    digits.run("smidgen.choose(smidgen.inputs[2])")
    digits.wait("smidgen.last")
    assert answer(digits)
    digits.run("smidgen.choose(smidgen.inputs[0])")
    assert digits.run("document.querySelector('#video').srcObject") is None


@needs_browser
def test_a_server_may_say_another_charset(browser: Page) -> None:
    page = written_digits()[2]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  likewise
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert browser.run("smidgen.proven")


@needs_browser
def test_numbers_are_read_from_text(browser: Page, tmp_path: Path) -> None:
    page = opened(browser, three_numbers(), tmp_path)
    type_in = "(text => {{ const t = document.querySelector('#numbers'); t.value = text; t.oninput(); }})({!r})"
    page.run(type_in.format("1, -0.5\n30.2"))
    assert page.run("[...document.querySelectorAll('.value')].map(value => Number(value.textContent))") == [1, -0.5, 30]
    for text, problem in (("1 2", "3 numbers are needed; there are 2"), ("1 x 2", "x is not a number"), ("", "")):
        page.run(type_in.format(text))
        assert page.run("document.querySelector('#problem').textContent") == problem
    assert page.run("smidgen.proven")


@needs_browser
def test_a_browser_that_computes_otherwise_is_told(
    browser: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = written_digits()[0]
    monkeypatch.setattr(wasm, "_proof", lambda *_: [[0.5] * 10])
    described = {"title": "", "about": "", **DIGITS}
    page = opened(browser, _made(program, described)[1], tmp_path)
    assert not page.run("smidgen.proven")
    assert "answers otherwise" in page.run("document.querySelector('#proof').textContent")


@needs_browser
def test_a_damaged_page_says_so(browser: Page, tmp_path: Path) -> None:
    page = written_digits()[2]
    half = len(page) // 4 * 2
    (tmp_path / "page.html").write_bytes(page[:half] + b"\x01\x30" * 20 + page[half + 40 :])
    browser.send("Page.navigate", url=(tmp_path / "page.html").as_uri())
    browser.wait("document.body && document.body.textContent.startsWith('This browser is too old, or the page')")
