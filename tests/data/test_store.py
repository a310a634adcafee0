from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from smidgen.data import store as stores
from smidgen.data.store import FileStore, Memory, MemoryStore, Subset, available_memory, blocks, moments
from smidgen.errors import StorageError
from smidgen.types import Array, Store
from tests.data.build import noise


def stored(array: Array, folder: Path, most: int) -> Store:
    writer = Memory(most, folder).writer(len(array), array.shape[1:], str(array.dtype))
    for start in range(0, len(array), 3):
        writer.append(array[start : start + 3])
    return writer.store()


@given(
    array=npst.arrays(st.sampled_from([np.uint8, np.float32]), npst.array_shapes(min_dims=2, max_dims=4, max_side=6)),
    seed=st.integers(0, 9),
)
def test_a_file_gives_back_what_memory_gives_back(
    tmp_path_factory: pytest.TempPathFactory, array: Array, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("work")
    in_memory, in_file = stored(array, folder, array.nbytes), stored(array, folder, array.nbytes - 1)
    assert (type(in_memory), type(in_file)) == (MemoryStore, FileStore)
    indices = np.random.default_rng(seed).integers(0, len(array), 7)
    for one in (in_memory, in_file):
        assert (len(one), one.shape, one.dtype) == (len(array), array.shape[1:], str(array.dtype))
        np.testing.assert_array_equal(one[indices], array[indices])
        np.testing.assert_array_equal(one[np.arange(0)], array[:0])
        np.testing.assert_array_equal(np.concatenate(list(blocks(one, 2))), array)
        np.testing.assert_array_equal(Subset(one, indices)[np.array([1, 0])], array[indices[[1, 0]]])


def test_a_file_store_leaves_nothing_behind(tmp_path: Path) -> None:
    store = stored(noise(10, 4), tmp_path / "new", 0)
    assert len(store) == 10
    assert list((tmp_path / "new").iterdir()) == []


def test_outside_of_a_file_store(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        stored(noise(4, 2), tmp_path, 0)[np.array([4])]


def test_fewer_examples_than_announced(tmp_path: Path) -> None:
    writer = Memory(None, tmp_path).writer(10, (2,))
    writer.append(noise(3, 2))
    assert len(writer.store()) == 3


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    writer = Memory(0, tmp_path).writer(10, (2,))
    with full.open("wb", buffering=0) as file:
        writer._file = file  # type: ignore[attr-defined]
        with pytest.raises(StorageError, match=r"No space left on device.*Free some space"):
            writer.append(noise(3, 2))


def test_a_work_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be kept in"):
        Memory(0, tmp_path / "file").writer(1, (1,))


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8)))
def test_moments(array: Array) -> None:
    mean, deviation = moments(MemoryStore(array))
    np.testing.assert_allclose(mean, array.mean(axis=0), rtol=1e-5)
    assert deviation == pytest.approx(max(1.0, np.sqrt(array.var(axis=0).mean())), rel=1e-4)


def test_available_memory_is_the_tightest_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_memory() > 0
    (tmp_path / "memory.max").write_text("1000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("300\n", encoding="ascii")
    assert stores._container(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert stores._container(tmp_path) is None
    monkeypatch.setattr(stores, "_meminfo", lambda: None)
    monkeypatch.setattr(stores, "_container", lambda: None)
    assert available_memory() > 0
