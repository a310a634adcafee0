"""Small sources to test with."""

import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from smidgen.errors import DataError
from smidgen.types import Array


@contextmanager
def only_data_errors(word: str) -> Iterator[None]:
    """Let what is inside succeed, or raise a DataError of one line with `word` in it."""
    try:
        yield
    except DataError as error:
        if word not in str(error) or "\n" in str(error):
            raise AssertionError(f"Not a clear error: {error!r}") from error


def noise(count: int, *shape: int, seed: int = 0) -> Array:
    """Different examples of uint8 noise, (count, *shape)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def encoded(pixels: Array, form: str = "PNG") -> bytes:
    """The content of an image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def folder(root: Path, counts: Mapping[str, int], shape: Sequence[int] = (8, 8), form: str = "PNG") -> Path:
    """One sub-folder for each name in `counts` (`cat`, or `train/cat`), with that many different images."""
    for seed, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(noise(count, *shape, seed=seed)):
            (root / name / f"{index}.{form.lower()}").write_bytes(encoded(pixels, form))
    return root


def zipped(root: Path, target: Path) -> Path:
    """All files below `root` in an archive."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(root).as_posix())
    return target


def idx_bytes(array: Array) -> bytes:
    """An array of unsigned bytes in the idx format."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_pair(root: Path, part: str, images: Array, labels: Array, packed: bool = False) -> Path:
    """The two files of one part, named as MNIST names them."""
    root.mkdir(parents=True, exist_ok=True)
    for what, array in (("images-idx3", images), ("labels-idx1", labels)):
        content = idx_bytes(array)
        path = root / f"{part}-{what}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)
    return root


def labels_of(count: int, classes: int = 2) -> Array:
    """0, 1, 0, 1, ... as unsigned bytes."""
    return (np.arange(count) % classes).astype(np.uint8)
