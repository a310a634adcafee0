"""Fetch a public file once, check it, and keep it."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from smidgen.errors import DataError, StorageError

TIMEOUT = 30  # seconds without a byte
PIECE = 2**16


def cache_folder() -> Path:
    """Where downloads are kept: $SMIDGEN_CACHE, or what the platform has for it."""
    if own := os.environ.get("SMIDGEN_CACHE"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "smidgen" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "smidgen"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smidgen"


def fetch(url: str, size: int, sha256: str, folder: Path) -> Path:
    """The file behind `url` in `folder`, downloaded unless it is there already.

    It gets its name only when it is complete and its content is right, so a broken download leaves nothing.

    Args:
        url: http or https.
        size: of the file in bytes; not one byte more is read.
        sha256: of the file, in hexadecimal.
        folder: made if need be.

    Raises:
        DataError: no connection, or other content than expected.
        StorageError: `folder` cannot be written.
    """
    target = folder / url.rsplit("/", 1)[-1]
    if target.is_file() and _digest(target) == sha256:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as partial:
            path = Path(partial.name)
            try:
                _download(url, size, partial)  # type: ignore[arg-type]  # a wrapper around a binary file
            except BaseException:
                partial.close()
                path.unlink()
                raise
        if _digest(path) != sha256:
            path.unlink()
            raise DataError(f"{url} is not the file it should be: its SHA-256 differs", "Try again later")
        path.replace(target)
    except OSError as error:
        hint = "Free some space, or set SMIDGEN_CACHE to another folder"
        raise StorageError(f"The download cannot be kept in {folder}: {error.strerror}", hint) from None
    return target


def _download(url: str, size: int, file: BinaryIO) -> None:
    left = size + 1
    request = urllib.request.Request(url, headers={"User-Agent": "smidgen"})  # noqa: S310  our own http(s) addresses
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from None
    with response:
        while left > 0 and (piece := _piece(response, min(PIECE, left), url)):
            file.write(piece)
            left -= len(piece)


def _piece(response: http.client.HTTPResponse, most: int, url: str) -> bytes:
    try:
        return response.read(most)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from None


def _unreachable(url: str, error: Exception) -> DataError:
    reason = str(getattr(error, "reason", "") or error) or type(error).__name__
    hint = "Check the network, or download the file elsewhere and give smidgen its folder"
    return DataError(f"{url} cannot be downloaded: {reason}", hint)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
