import importlib
from types import ModuleType, SimpleNamespace

import pytest

from smidgen import registry
from smidgen.errors import UsageError

EVERY = [(kind, name) for kind in registry.KINDS if kind != "devices" for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_file_is_an_entry_by_its_name(kind: str, name: str) -> None:
    found = registry.find(kind, name)
    assert found is importlib.import_module(f"smidgen.{kind}.{name.replace('-', '_')}")
    assert found is registry.find(kind, name.upper().replace("-", "_"))


@pytest.mark.parametrize("kind", registry.KINDS)
def test_names_are_sorted_and_private_files_are_none(kind: str) -> None:
    names = registry.names(kind)
    assert names
    assert list(names) == sorted(set(names))
    assert not any(name.startswith(("_", "-")) or "_" in name for name in names)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("families", "cnm", "There is no family called 'cnm'. Did you mean tcn or cnn"),
        ("devices", "cortex-m44", "There is no device called 'cortex-m44'. Did you mean cortex-m4"),
        ("compression", "quantise", "There is no step called 'quantise'. Did you mean quantize"),
        ("targets", "zzz", "There is no target called 'zzz'. Did you mean c or firmware or library or onnx"),
        ("families", "../evil", "There is no family"),
        ("families", "_layers", "There is no family"),
    ],
)
def test_an_unknown_name_is_answered_with_close_ones(kind: str, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.device(name) if kind == "devices" else registry.find(kind, name)
    assert str(caught.value).startswith(message)
    assert f"smidgen list {kind}" in str(caught.value)


def test_third_parties_add_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = ModuleType("mine")
    point = SimpleNamespace(name="my_net", load=lambda: mine)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point] if group == "smidgen.families" else [])
    registry.names.cache_clear()
    try:
        assert "my-net" in registry.names("families")
        assert registry.find("families", "my-net") is mine
        assert registry.find("families", "cnn").__name__ == "smidgen.families.cnn"
    finally:
        registry.names.cache_clear()
