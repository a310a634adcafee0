import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from smidgen.data.download import cache_folder, fetch
from smidgen.errors import DataError, StorageError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    served: list[str]

    def do_GET(self) -> None:
        self.served.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        content = {"/cut": CONTENT[:5000], "/wrong": CONTENT[::-1], "/long": CONTENT + CONTENT}.get(self.path, CONTENT)
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of a local server, and the paths it was asked for."""
    handler = type("Fresh", (Handler,), {"served": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", handler.served  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


def test_download_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    address, served = server
    for _ in range(2):
        path = fetch(f"{address}/file.gz", len(CONTENT), SHA256, tmp_path / "new")
        assert (path.name, path.read_bytes() == CONTENT) == ("file.gz", True)
    assert served == ["/file.gz"]


def test_a_damaged_copy_is_fetched_again(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(b"damaged")
    assert fetch(f"{server[0]}/file.gz", len(CONTENT), SHA256, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "words"),
    [("wrong", "SHA-256 differs"), ("cut", "cannot be downloaded|SHA-256 differs"), ("missing", "Not Found")],
)
def test_what_goes_wrong_leaves_nothing(server: tuple[str, list[str]], tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        fetch(f"{server[0]}/{path}", len(CONTENT), SHA256, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_more_is_read_than_expected(server: tuple[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="SHA-256 differs"):
        fetch(f"{server[0]}/file.gz", 1000, SHA256, tmp_path)


def test_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be downloaded: .* Check the network"):
        fetch("http://127.0.0.1:9/file.gz", 10, SHA256, tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="SMIDGEN_CACHE"):
        fetch("http://127.0.0.1:9/file.gz", 10, SHA256, tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("platform", "variable", "end"),
    [
        ("linux", "XDG_CACHE_HOME", ("smidgen",)),
        ("win32", "LOCALAPPDATA", ("smidgen", "cache")),
        ("linux", "SMIDGEN_CACHE", ()),
    ],
)
def test_cache_folders(
    platform: str, variable: str, end: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMIDGEN_CACHE", raising=False)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache_folder() == tmp_path.joinpath(*end)
