import importlib.util
import subprocess
import sys
from typing import get_args

import pytest

from smidgen import registry
from smidgen.verbs.listing import Kind, listing


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_entry_says_what_it_is(kind: Kind) -> None:
    found = listing(kind)
    assert found.entries
    assert all(entry.about for entry in found.entries)
    assert len(found.text().splitlines()) == len(found.entries)
    if kind != "samples":
        assert tuple(entry.name for entry in found.entries) == registry.names(kind)


def test_devices_show_their_memory() -> None:
    assert "KB flash" in listing("devices").text()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_listing_targets_does_not_load_torch() -> None:
    program = "import sys; from smidgen.verbs.listing import listing; listing('targets'); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
