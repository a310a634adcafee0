import ast
import subprocess
import sys
from pathlib import Path

import pytest

import smidgen

VERBS = {"fit", "predict", "evaluate", "benchmark", "verify", "compile_model", "export", "data_report", "listing"}
NOUNS = {"Answer", "Budget", "Bundle", "Dataset", "Evidence", "Family", "Measure", "Runner", "Signal", "SmidgenError"}


def test_the_public_names_are_the_verbs_and_the_nouns() -> None:
    assert set(dir(smidgen)) == VERBS | NOUNS | {"Target", "Task", "__version__"}


@pytest.mark.parametrize("name", [name for name in dir(smidgen) if name != "__version__"])
def test_every_name_leads_to_what_it_says(name: str) -> None:
    found = getattr(smidgen, name)
    assert callable(found)
    assert found.__doc__
    assert found.__name__ == {"data_report": "data"}.get(name, name)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(smidgen.__file__ or "").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.asname for node in ast.walk(block) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported | {"__version__"} == set(dir(smidgen))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="teach"):
        _ = smidgen.teach


def test_importing_smidgen_loads_nothing_else() -> None:
    program = (
        "import sys; import smidgen; print([name for name in ('numpy', 'torch', 'cyclopts') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
