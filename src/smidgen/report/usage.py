"""How to use the model that the page describes, as lines to copy."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from smidgen.report.facts import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from smidgen.report.facts import Facts
    from smidgen.types import TensorSpec

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> what Pillow calls them
GIVEN = {  # by kind of signal: what `predict` takes, and what it says of that
    "text": ("'a message'", "the answer for a message, or for those in files"),
    "table": ("FILE.csv", "an answer for each row"),
    "series": ("FILE.csv", "the answer for the newest window of each run"),
    "interactions": ("'NAME; NAME'", "what to show to somebody who chose these"),
}


def commands(facts: Facts) -> list[tuple[str, str]]:
    """What to type, and what it does."""
    bundle = shlex.quote(facts.bundle or facts.name)
    kind = facts.signal.kind if facts.signal is not None else ""
    given, meaning = GIVEN.get(kind, ("FILE...", "answers for files or folders, with probabilities"))
    return [
        (f"smidgen predict {bundle} {given}", meaning),
        (f"smidgen evaluate {bundle} SOURCE", "how well it does on other data with labels"),
        (f"smidgen verify {bundle}", "measures every claim on this page again and compares"),
        (f"smidgen benchmark {bundle}", "size, quality and speed of every form of it on your machine"),
    ]


def python(facts: Facts) -> str:
    """A program that runs the model with onnxruntime alone; empty where the model's input is not known."""
    spec = facts.input
    if not spec:
        return ""
    kind = facts.signal.kind if facts.signal is not None else _kind(spec)
    needed, read = READERS.get(kind, _zeros)(spec)
    lines = [
        *(["import json"] if facts.classes else []),
        *needed,
        "import numpy as np",
        "import onnxruntime",
        "",
        f'session = onnxruntime.InferenceSession("{SHIPPED}")',
        *read,
        f"output = session.run(None, {{{json.dumps(spec.name)}: batch}})[0][0]",
    ]
    if facts.classes:
        lines += [
            'labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])',
            "print(labels[output.argmax()], output.max())",
        ]
    else:
        lines += ["print(output)"]
    return "\n".join(lines)


Reader = tuple[list[str], list[str]]  # lines that import, lines that make `batch`


def _kind(spec: TensorSpec) -> str:
    return "image" if len(spec.shape) == 3 and spec.shape[-1] in MODES and spec.dtype == "uint8" else ""


def _zeros(spec: TensorSpec) -> Reader:
    return [], [f"batch = np.zeros({(1, *spec.shape)}, dtype=np.{spec.dtype})"]


def _image(spec: TensorSpec) -> Reader:
    height, width, channels = spec.shape
    return ["from PIL import Image, ImageOps"], [
        f'image = ImageOps.fit(Image.open("image.png").convert("{MODES[channels]}"), ({width}, {height}))',
        f"batch = np.asarray(image, dtype=np.uint8).reshape({(1, *spec.shape)})",
    ]


def _text(spec: TensorSpec) -> Reader:
    return [], [
        'data = "a message".encode()',
        f'batch = np.frombuffer(data[:{spec.shape[0]}].ljust({spec.shape[0]}, b"\\0"), dtype=np.uint8)[None]',
    ]


def _audio(spec: TensorSpec) -> Reader:
    count = spec.shape[0]
    return ["import wave"], [
        'with wave.open("sound.wav") as file:  # 16 bits, one channel, at the rate of the model',
        f'    data = file.readframes({count}).ljust({2 * count}, b"\\0")',
        'batch = np.frombuffer(data, dtype="<i2")[None]',
    ]


READERS: dict[str, Callable[[TensorSpec], Reader]] = {"image": _image, "text": _text, "audio": _audio}
