"""Paragraphs of scikit-learn's documentation: which part of the library does one describe?"""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data.listing import Columns, Listing, Sample
from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPICS = {"cluster": "clusters", "linear_model": "linear models", "metrics": "scores", "preprocessing": "preparation"}
SHORTEST, LONGEST = 8, 50  # words of a paragraph
RULED = re.compile(r"^\S+\n-{3,}", re.MULTILINE)  # a heading: what follows are lists of parameters
NO_PROSE = re.compile(r">>>|\.\.|--")


def _paragraphs(folder: Path) -> Iterator[str]:
    """The prose of all docstrings below a folder but those of tests; no code in it runs."""
    for path in sorted(folder.rglob("*.py")):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for paragraph in re.split(r"\n\s*\n", ast.get_docstring(node) or ""):
                    text = " ".join(paragraph.split())
                    if (
                        SHORTEST <= len(text.split()) <= LONGEST
                        and not NO_PROSE.match(text)
                        and not RULED.search(paragraph)
                    ):
                        yield text


def _listing(name: str) -> Listing:
    """Each paragraph once; what stands in several parts of the library is left out.

    Raises:
        MissingLibrary: scikit-learn is not installed.
        DataError: its files are damaged.
    """
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise MissingLibrary("scikit-learn", "train", f"The sample {name}")
    topics: dict[str, set[str]] = {}
    try:
        for folder, topic in TOPICS.items():
            for text in _paragraphs(Path(found.origin).parent / folder):
                topics.setdefault(text, set()).add(topic)
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"scikit-learn cannot be read: {error}", "Install scikit-learn again") from None
    pairs = sorted((text, *of) for text, of in topics.items() if len(of) == 1)
    columns = {
        key: np.array(values, object) for key, values in zip(("text", "label"), zip(*pairs, strict=True), strict=True)
    }
    names = [f"{name}:{number}" for number in range(1, len(pairs) + 1)]
    return Listing(name, "sample", names, [], Columns(("text", "label"), columns, names))


SAMPLE = Sample("Paragraphs of scikit-learn's own documentation, by what they are about", _listing)
