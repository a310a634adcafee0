"""What files of all formats have in common: how large they may be, and what their damage and their names become."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from smidgen.errors import BundleError, SmidgenError

LARGEST_FILE = 2**28  # bytes
MOST_NODES = 20_000
MOST_ENDS = 32  # inputs and outputs
MALFORMED = (
    *(ValueError, TypeError, IndexError, KeyError, AttributeError),
    *(OverflowError, ZeroDivisionError, struct.error),
)


@contextmanager
def sense(where: str) -> Iterator[None]:
    """A damaged file can fail at any access to it: that is an error of the file, not of ours."""
    try:
        yield
    except SmidgenError:
        raise
    except MALFORMED as error:
        raise BundleError(f"{where} makes no sense: {error}") from None


def bounded(model: bytes, kind: str) -> bytes:
    """The content of a file of a kind; raises BundleError where it is too large."""
    if len(model) > LARGEST_FILE:
        raise BundleError(f"The {kind} file has {len(model)} bytes; the compiler reads at most {LARGEST_FILE}")
    return model


def harmless(text: str) -> str:
    """Letters, digits, _ and dots, whatever the file says: it ends up in messages and in comments of C."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", text)[:64]
