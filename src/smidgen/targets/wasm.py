"""A page that runs the model: one HTML file with the model as WebAssembly in it, for disks and servers alike.

Nothing is fetched. Text and module are deflated and written 31 bits in two characters of UTF-16: 3 % more than the
bytes, where base64 takes 33 %. The file begins with a byte order mark, which browsers believe before any header of a
server.
"""

from __future__ import annotations

import html
import json
import re
import tempfile
import zlib
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

import smidgen
from smidgen.bundle import MODEL, Bundle
from smidgen.compiler.compilation import compiled
from smidgen.compiler.model import load
from smidgen.compiler.toolchain import CRunner, build_wasm
from smidgen.errors import Unsupported
from smidgen.targets.c import prove

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smidgen.compiler.compilation import Compilation
    from smidgen.compiler.emit import Source
    from smidgen.compiler.ir import Program, Value
    from smidgen.types import Array, Json, Measure, Runner

FILES = Path(__file__).parent / "page"
PAGE = "index.html"
BROWSER = "browser"  # the device
FIRST, BASE = 0x2200, 46341  # so many characters from this one on: no surrogates, controls or markup; BASE^2 > 2^31
COMMENT = re.compile(r"(//|/\*\* .*\*/$)")
PROOFS = 4  # inputs on which the page checks the browser that it is in
PROVEN = 16  # outputs of each
INPUTS = {  # by kind of signal: the scripts of the page, and what they read of the signal
    "image": (("pixels", "image"), ("height", "width", "channels", "zero_point")),
    "text": (("text",), ()),
    "audio": (("sound",), ("rate",)),
    "table": (("csv", "columns"), ("numbers", "categories", "flags", "fills", "edges")),
    "series": (("csv", "series"), ("channels", "window", "mean", "scale", "horizon", "ahead")),
    "interactions": (("picks",), ()),
}
NUMBERS = (("numbers",), ())  # for any other
ANSWERS = {  # by kind of answer: the same
    "classes": ("classes", ("names",)),
    "values": ("values", ("names", "unit")),
    "score": ("score", ()),
    "ranking": ("ranking", ("items",)),
}
OUTPUTS = ("outputs", ())

EXPORTS = Template("""\
#include "$name.h"

__attribute__((export_name("input"))) void *page_input(void)
{
    return ${name}_input();
}

__attribute__((export_name("output"))) void *page_output(void)
{
    return ${name}_output();
}

__attribute__((export_name("run"))) int page_run(void)
{
    return ${name}_run(${name}_input(), ${name}_output());
}
""")


def export(bundle: Path, folder: Path) -> list[Path]:
    """The page of a bundle's model; `Target.export`. Its C is checked on this host, and in the browser by the page.

    It has the portable C, which the compiler vectorises: a small page. `smidgen compile --device browser` makes a
    faster and larger one.

    Raises:
        Unsupported: an operation of the model has no C, or it has several inputs or outputs.
        MissingLibrary: the package onnx or ziglang is missing.
        VerificationError: the C answers otherwise than model.onnx; nothing is written.
    """
    return ship(compiled(load(bundle)), folder)


def ship(made: Compilation, folder: Path) -> list[Path]:
    """The page of a compilation; raises as `export` does. One that is for the browser has that device's kernels."""
    source = made.source if made.device is not None and made.device.name == BROWSER else made.portable
    runner = CRunner(made.portable, made.model.program)
    prove(made, runner)
    page = write(made.model.program, source, runner, _described(made))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_bytes(page)
    return [folder / PAGE]


def write(program: Program, source: Source, original: Runner, described: dict[str, Json]) -> bytes:
    """The page.

    Args:
        program: of one input and one output.
        source: the C of it.
        original: gives the answers that the page compares its own with.
        described: `title`, `about`; `signal` and `answer`, each with its kind and what `INPUTS` and `ANSWERS` list, or
            None where it is not known.
    """
    if len(program.inputs) != 1 or len(program.outputs) != 1:
        names = ", ".join((*program.inputs, *program.outputs))
        raise Unsupported(
            f"inputs and outputs {names}", "The target wasm", "It takes models of one input and one output"
        )
    given, wanted = program.values[program.inputs[0]], program.values[program.outputs[0]]
    words = {"name": source.name, "NAME": source.name.upper()}
    with tempfile.TemporaryDirectory() as scratch:
        module = build_wasm(source, Path(scratch), EXPORTS.substitute(words)).read_bytes()
    signal, answer = described["signal"] or {"kind": ""}, described["answer"] or {"kind": ""}
    most = len(answer["items"]) if signal["kind"] == "interactions" else 0
    model = {
        **described,
        "answer": answer,
        "input": {**_typed(given), "most": most},
        "output": _typed(wanted),
        "bytes": len(module),
        "ram": source.plan.arena_bytes,
        "proof": _proof(given, wanted, original, most),
    }
    texts = _texts(signal["kind"], answer["kind"])
    return _packed(described["title"], json.dumps({**texts, "model": model}), module)


def _described(made: Compilation) -> dict[str, Json]:
    """What the page says of a model, and which input it offers."""
    if made.model.bundle is not None:
        return _of_bundle(Bundle.load(made.model.bundle))
    about = f"made from {made.model.file}"
    labels = made.model.labels()
    answer = {"kind": "classes", "names": list(labels)} if labels else None
    return {"title": made.model.name, "about": about, "signal": None, "answer": answer}


def _of_bundle(bundle: Bundle) -> dict[str, Json]:
    """The same of a bundle's model, whose kind of input is known."""
    signal, answer = bundle.signal, bundle.answer
    about = f"{bundle.manifest['parameters']:,} parameters"
    measure = bundle.evidence.find(answer.metric, MODEL) if bundle.evidence else None
    if measure is not None:
        about += f", {_measured(measure)} on {measure.n:,} held-out examples"
    return {
        "title": bundle.name,
        "about": about,
        "signal": _read_of(signal.kind, signal.to_json(), INPUTS.get(signal.kind, NUMBERS)[1]),
        "answer": _read_of(answer.kind, answer.to_json(), ANSWERS.get(answer.kind, OUTPUTS)[1]),
    }


def _measured(measure: Measure) -> str:
    """A metric in a few words."""
    if measure.unit == "fraction" and measure.name not in {"r2", "ndcg@10"}:
        return f"{100 * measure.value:.2f} % {measure.name}"
    return f"{measure.name} {measure.value:.3f}"


def _read_of(kind: str, state: Mapping[str, Json], names: Sequence[str]) -> dict[str, Json]:
    """What the page reads of a signal or an answer; of the steps of a number only the ends."""
    made = {name: _shorter(state[name]) for name in names if name in state}
    if "edges" in made:
        made["edges"] = [[each[0], each[-1]] for each in made["edges"] if each]
    return {"kind": kind, **made}


def _shorter(value: Json) -> Json:
    """Numbers with six digits that count: enough to show."""
    if isinstance(value, list):
        return [_shorter(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _typed(value: Value) -> dict[str, Json]:
    """How the page reads or writes a value; codes stand for scale * (code - zero)."""
    real = value.quantization if value.dtype != "float32" else None
    scale, zero = (real.scale, real.zero_point) if real is not None else (1.0, 0)
    return {"dtype": value.dtype, "count": value.count, "shape": value.shape, "scale": scale, "zero": zero}


def _proof(given: Value, wanted: Value, original: Runner, most: int) -> list[list[float]]:
    """Real outputs for the first inputs that `noise` makes here and in the page."""
    inputs = np.stack([noise(given, seed, most) for seed in range(1, PROOFS + 1)])
    outputs = original({given.name: inputs})[wanted.name].reshape(PROOFS, -1)[:, :PROVEN]
    typed = _typed(wanted)
    real = (outputs.astype(np.float64) - typed["zero"]) * typed["scale"]
    return [[float(f"{value:.6g}") for value in row] for row in real]


def noise(value: Value, seed: int, most: int = 0) -> Array:
    """Values that look random, the same in the page: the upper bytes of multiples of an odd number (Knuth).

    Where the input is numbers of items, `most` is the last of them.
    """
    multiples = np.arange(1, value.count + 1, dtype=np.uint64) * np.uint64(2654435761 * (2 * seed + 1) % 2**32)
    codes = (multiples % np.uint64(2**32) >> np.uint64(24)).astype(np.int64)
    if value.dtype == "float32":
        return np.asarray(codes / 128 - 1, np.float32).reshape(value.shape)
    if most:
        return (codes % (most + 1)).astype(value.dtype).reshape(value.shape)
    return (codes if value.dtype == "uint8" else codes - 128).astype(value.dtype).reshape(value.shape)


@cache
def _texts(signal: str, answer: str) -> dict[str, str]:
    """Markup with style, and script, of a page for these kinds of input and answer: no more than it takes."""
    inputs, outputs = INPUTS.get(signal, NUMBERS)[0], ANSWERS.get(answer, OUTPUTS)[0]
    styles = ["style.css", *(f"{name}.css" for name in inputs if (FILES / f"{name}.css").exists())]
    scripts = ("answer.js", f"{outputs}.js", *(f"{name}.js" for name in inputs), "page.js")
    body = f"<style>\n{''.join(map(_file, styles))}</style>\n{_file('body.html')}"
    return {"body": _short(body), "script": _short("".join(map(_file, scripts)))}


def _short(text: str) -> str:
    """Without indentation, empty lines and lines of comment."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not COMMENT.match(line))


def _file(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _packed(title: str, text: str, module: bytes) -> bytes:
    """The file: what unpacks the rest, and the rest."""
    parts = [_deflated(text.encode()), _deflated(module)]
    words = {
        "title": html.escape(title.encode("utf-8", "replace").decode()),
        "version": smidgen.__version__,
        "packed": _characters(b"".join(parts)),
        "first": FIRST,
        "base": BASE,
        "middle": len(parts[0]),
        "end": len(parts[0]) + len(parts[1]),
    }
    return b"\xff\xfe" + Template(_file("boot.html")).substitute(words).encode("utf-16-le")


def _deflated(data: bytes) -> bytes:
    """RFC 1951, without a header."""
    packer = zlib.compressobj(level=9, wbits=-15, memLevel=9)
    return packer.compress(data) + packer.flush()


def _characters(data: bytes) -> str:
    """31 bits in two characters, the upper ones first."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    groups = np.pad(bits, (0, -len(bits) % 31)).reshape(-1, 31)
    pairs = groups @ (1 << np.arange(30, -1, -1, dtype=np.int64))
    codes = np.stack(np.divmod(pairs, BASE), axis=1) + FIRST
    return str(codes.astype("<u2").tobytes().decode("utf-16-le"))
