"""The page of the MNIST model: its size, how soon a fresh headless browser has its first answer, and whose it is."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from process import measure as command
from process import smidgen
from record import Bar, Result, Row
from smidgen.compiler import emit
from smidgen.compiler.importers.onnx import read
from smidgen.compiler.toolchain import CRunner
from smidgen.data.load import load

sys.path.insert(0, str(Path(__file__).parents[2]))  # for the browser of the tests
from tests.targets.browser import browsing

if TYPE_CHECKING:
    import argparse

    from tests.targets.browser import Page

STARTS = 9
DIGITS = 200
CLOSE = 1e-6  # of a probability
LARGEST, SLOWEST = 64 * 1024, 100.0  # bytes, milliseconds


def measure(options: argparse.Namespace, folder: Path) -> Result:
    """Fit with default settings, write the page, and open it in browsers that have never seen it."""
    bundle, out = folder / "digits", folder / "page"
    command([smidgen(), "fit", options.mnist, "--out", bundle, "--quiet"])
    command([smidgen(), "export", bundle, "--target", "wasm", "--out", out])
    page = out / "index.html"
    rows: list[Row] = []
    for start in range(STARTS):
        with browsing(folder / f"profile-{start}") as tab:
            tab.open(page.as_uri())
            rows.append({"start": start, "first answer ms": round(tab.run("window.smidgen.firstAnswer"), 1)})
            if start == 0:
                equal = _equal(tab, bundle, options.mnist)
    milliseconds = median(row["first answer ms"] for row in rows)
    bars = [
        Bar("bytes of the page", page.stat().st_size, LARGEST, "at most"),
        Bar("median milliseconds to the first answer", milliseconds, SLOWEST, "at most"),
        Bar(f"answers of {DIGITS} that are those of the C", equal, DIGITS),
    ]
    notes = ["Milliseconds count from the start of the navigation in a browser that was started for it."]
    return Result("page", options.command, rows, {}, bars, notes)


def _equal(tab: Page, bundle: Path, source: str) -> int:
    """How many test digits get the same probabilities from the page as from the C."""
    program = read((bundle / "model.onnx").read_bytes())
    digits = load(source).test.inputs[np.arange(DIGITS)]
    (name,), (output,) = program.inputs, program.outputs
    wanted = CRunner(emit.write(program, "digits"), program)({name: digits})[output]
    run = "Promise.all({}.map(async digit => Array.from(await window.smidgen.run(new Uint8Array(digit)))))"
    found = np.array(tab.run(run.format(digits.reshape(DIGITS, -1).tolist())))
    return int((np.abs(found - wanted).max(axis=1) <= CLOSE).sum())
