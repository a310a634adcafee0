"""The notebooks run from top to bottom, without a warning, and leave nothing behind; their own asserts judge results.

Jupyter is not needed: the code cells are run in order as Jupyter would, each in the names that the cells before made.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
RUN = """
import ast, json, pathlib, sys

names = {"__name__": "__main__"}
for cell in json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))["cells"]:
    if cell["cell_type"] != "code":
        continue
    tree = ast.parse("".join(cell["source"]), cell["id"])
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), names)
    if last is not None:  # Jupyter shows the last value of a cell, as a page where it can
        value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
        if value is not None:
            print(value._repr_html_() if hasattr(value, "_repr_html_") else value)
"""


def read(notebook: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
    return content


def run(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a fresh interpreter; its current folder is `folder`/here, and that for temporary files `folder`/temporary."""
    here, temporary = folder / "here", folder / "temporary"
    here.mkdir()
    temporary.mkdir()
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    environment = {**os.environ, **places, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", "-c", RUN, str(notebook)]
    return subprocess.run(
        command, cwd=here, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_there_are_notebooks() -> None:
    assert {notebook.stem for notebook in NOTEBOOKS} >= {"article", "quickstart"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_and_leaves_nothing_behind(notebook: Path, tmp_path: Path) -> None:
    for library in ("torch", "onnx", "mlxtend", "sklearn"):
        pytest.importorskip(library)
    done = run(notebook, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "<table>" in done.stdout  # a bundle, shown as a page
    assert list((tmp_path / "here").iterdir()) == []
    assert list((tmp_path / "temporary").glob("tmp*")) == []  # torch keeps an empty folder of another name there


def test_an_assert_that_fails_fails_the_run(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "id": "wrong", "source": ["x = 1\n", "assert x == 2"]}]
    wrong = tmp_path / "wrong.ipynb"
    wrong.write_text(json.dumps({"cells": cells}))
    done = run(wrong, tmp_path)
    assert done.returncode == 1
    assert 'File "wrong", line 2' in done.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_stored_as_source_alone(notebook: Path) -> None:
    """Format 4.5 with cell names, no outputs, no path of the machine that it was written on."""
    content = read(notebook)
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in content["cells"]]
    assert len({*names}) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    source = "".join(line for cell in content["cells"] for line in cell["source"])
    assert not re.search(r"(?<![\w.<])/(home|root|tmp|work|Users|usr)\b|[A-Z]:\\", source)
