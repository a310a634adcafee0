"""How to use the model that the page describes, as lines to copy."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from smidgen.report.facts import SHIPPED

if TYPE_CHECKING:
    from smidgen.report.facts import Facts
    from smidgen.types import TensorSpec

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> what Pillow calls them


def commands(facts: Facts) -> list[tuple[str, str]]:
    """What to type, and what it does."""
    bundle = shlex.quote(facts.bundle or facts.name)
    return [
        (f"smidgen predict {bundle} FILE...", "answers for files or folders, with probabilities"),
        (f"smidgen evaluate {bundle} SOURCE", "how well it does on other data with labels"),
        (f"smidgen verify {bundle}", "measures every claim on this page again and compares"),
        (f"smidgen benchmark {bundle}", "size, quality and speed of every form of it on your machine"),
    ]


def python(facts: Facts) -> str:
    """A program that runs the model with onnxruntime alone; empty where the model's input is not known."""
    spec = facts.input
    if not spec:
        return ""
    image = len(spec.shape) == 3 and spec.shape[-1] in MODES and spec.dtype == "uint8"
    lines = [
        "import json",
        "import numpy as np",
        "import onnxruntime",
        *(["from PIL import Image, ImageOps"] if image else []),
        "",
        f'session = onnxruntime.InferenceSession("{SHIPPED}")',
        *(_read_image(spec) if image else [f"batch = np.zeros({(1, *spec.shape)}, dtype=np.{spec.dtype})"]),
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


def _read_image(spec: TensorSpec) -> list[str]:
    height, width, channels = spec.shape
    return [
        f'image = ImageOps.fit(Image.open("image.png").convert("{MODES[channels]}"), ({width}, {height}))',
        f"batch = np.asarray(image, dtype=np.uint8).reshape({(1, *spec.shape)})",
    ]
