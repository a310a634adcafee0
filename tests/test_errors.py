import inspect
import re

import pytest

from smidgen import errors
from smidgen.errors import CorruptFiles, MissingLibrary, SmidgenError, Unsupported

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SmidgenError)]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    lines = re.findall(r"^[ │├└─]*(\w+) +(\d)\b", errors.__doc__ or "", re.MULTILINE)
    assert {name: int(code) for name, code in lines} == {kind.__name__: kind.exit_code for kind in CLASSES}


def test_direct_children_end_differently() -> None:
    codes = [kind.exit_code for kind in CLASSES if kind.__bases__ == (SmidgenError,)]
    assert len(codes) == len(set(codes))
    assert not {0, 1, 130} & set(codes)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if "__init__" not in vars(kind) or kind is SmidgenError])
def test_a_message_is_one_line(kind: type[SmidgenError]) -> None:
    error = kind("what is\n  wrong", "do\tthis")
    assert str(error) == "what is wrong. do this"
    assert (error.what, error.hint) == ("what is wrong", "do this")
    assert str(kind("alone")) == "alone"


def test_damaged_files_are_listed_up_to_a_limit() -> None:
    assert str(CorruptFiles([("a.png", "is empty")])).startswith("1 file cannot be read: a.png (is empty). ")
    many = CorruptFiles([(f"{index}.png", "is empty") for index in range(13)])
    assert "13 files" in str(many)
    assert "and 3 more" in str(many)
    assert "--skip-bad" in many.hint
    assert len(many.files) == 13


def test_what_is_missing_or_cannot_be_expressed() -> None:
    assert 'pip install "smidgen[train]"' in str(MissingLibrary("torch", "train", "smidgen fit"))
    error = Unsupported("GRU", "target c", "Use --family cnn")
    assert (error.layer, str(error)) == ("GRU", "target c cannot express layer GRU. Use --family cnn")
