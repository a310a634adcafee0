from pathlib import Path

import pytest
import torch
from torch import nn

from smidgen.errors import BundleError, StorageError
from smidgen.training.checkpoint import Journal, optimizer_state, restore_optimizer
from smidgen.training.optimizers import OPTIMIZERS, optimizer
from smidgen.training.recipe import Recipe

SETTINGS = {"options": {"seed": 0}, "data": "abc"}
TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An open journal."""
    journal = Journal(tmp_path / ".model.partial")
    journal.open(SETTINGS, resume=False)
    return journal


def test_what_is_written_is_read(journal: Journal) -> None:
    journal.write("Race 1: cnn 500", TENSORS, {"step": 3, "curve": [{"loss": 0.5}]})
    found = journal.read("Race 1: cnn 500")
    assert found is not None
    assert found[1] == {"step": 3, "curve": [{"loss": 0.5}]}
    assert all(torch.equal(found[0][name], value) for name, value in TENSORS.items())
    assert journal.read("another") is None


def test_views_and_layouts_survive(journal: Journal) -> None:
    last = torch.rand(4, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    journal.write("x", {"last": last, "shared": last[:1]}, {})
    found = journal.read("x")
    assert found is not None
    assert torch.equal(found[0]["last"], last)
    assert torch.equal(found[0]["shared"], last[:1])


@pytest.mark.parametrize("damage", [b"", b"junk", b"\xff" * 64])
def test_a_damaged_checkpoint_is_named(journal: Journal, damage: bytes) -> None:
    journal.write("x", TENSORS, {})
    assert journal.folder is not None
    (path,) = journal.folder.glob("*.safetensors")
    path.write_bytes(damage or path.read_bytes()[:-5])
    with pytest.raises(BundleError, match=r"x\.safetensors is damaged.*--resume"):
        journal.read("x")


def test_a_write_that_fails_leaves_the_last_one(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.write("x", TENSORS, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(StorageError, match="No space left"):
            journal.write("x", TENSORS, {"step": 2})
    found = journal.read("x")
    assert found is not None
    assert found[1] == {"step": 1}
    assert journal.folder is not None
    assert sorted(path.name for path in journal.folder.iterdir()) == ["settings.json", "x.safetensors"]


def test_resuming_takes_the_same_settings_only(journal: Journal, tmp_path: Path) -> None:
    journal.write("x", TENSORS, {})
    again = Journal(journal.folder)
    again.open(SETTINGS, resume=True)
    assert again.read("x") is not None
    with pytest.raises(BundleError, match="other options or other data"):
        again.open({**SETTINGS, "data": "xyz"}, resume=True)
    with pytest.raises(BundleError, match="no interrupted run"):
        Journal(tmp_path / "nothing").open(SETTINGS, resume=True)
    again.open(SETTINGS, resume=False)
    assert again.read("x") is None
    again.close()
    assert not (tmp_path / ".model.partial").exists()


def test_without_a_folder_nothing_is_kept() -> None:
    journal = Journal()
    journal.open(SETTINGS, resume=True)
    journal.write("x", TENSORS, {})
    assert journal.read("x") is None
    journal.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="Cannot write to"):
        Journal(tmp_path / "file" / ".model.partial").open(SETTINGS, resume=False)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_where_it_was(name: str, journal: Journal) -> None:
    """Also for convolutions in the layout that training uses."""

    def step(network: nn.Module, rule: torch.optim.Optimizer, seed: int) -> None:
        network(torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
        rule.step()
        rule.zero_grad()

    def fresh() -> tuple[nn.Module, torch.optim.Optimizer]:
        network = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network, optimizer(network, Recipe(optimizer=name, learning_rate=0.01))

    (first, rule), (second, other) = fresh(), fresh()
    for seed in range(3):
        step(first, rule, seed)
    journal.write("x", {**first.state_dict(), **optimizer_state(rule)}, {})
    found = journal.read("x")
    assert found is not None
    second.load_state_dict({key: found[0][key] for key in ("weight", "bias")})
    restore_optimizer(other, found[0])
    for seed in range(3, 6):
        step(first, rule, seed)
        step(second, other, seed)
    for mine, yours in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, yours)
