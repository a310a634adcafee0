"""A headless Chromium over the DevTools protocol, by pipe: no port, no network, no further library."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--hide-scrollbars"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ),
)

PATIENCE = 20

# Chromium expects the pipes at the descriptors 3 and 4, which may be taken by one another.
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def chromium() -> str | None:
    """The command, where there is one."""
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


class Page:
    """One tab. Errors of the protocol and exceptions of scripts are AssertionErrors."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer, self._number, self._session = b"", 0, ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command and its result."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        command = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._writer, json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._number:
            pass
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    def open(self, url: str) -> None:
        """Go to a page, and wait until it has answered for the first time."""
        self.send("Page.navigate", url=url)
        self.wait("window.smidgen")

    def wait(self, condition: str) -> None:
        """Until an expression is true; an AssertionError after `PATIENCE` seconds."""
        look = (
            f"const look = () => {condition} ? done() : Date.now() < end ? setTimeout(look, 5) : failed({condition!r})"
        )
        self.run(f"new Promise((done, failed) => {{ const end = Date.now() + {PATIENCE * 1000}; {look}; look(); }})")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        found = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def drag(self, points: Sequence[tuple[float, float]]) -> None:
        """Press the pointer at the first point, move it over all of them, and let it go."""
        for kind, (x, y) in (("Pressed", points[0]), *(("Moved", point) for point in points), ("Released", points[-1])):
            pressed = {"button": "left", "buttons": 1, "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **pressed)

    def key(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._reader, 2**16)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A page of a browser that ends with the block."""
    to_browser, from_browser = os.pipe(), os.pipe()
    ends = (to_browser[0], from_browser[1])
    command = [str(chromium()), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    launch = [sys.executable, "-I", "-c", LAUNCH, *map(str, ends), *command]
    with subprocess.Popen(launch, pass_fds=ends, stderr=subprocess.DEVNULL) as process:
        for end in ends:
            os.close(end)
        try:
            yield Page(from_browser[0], to_browser[1])
        finally:
            process.kill()
            for end in (to_browser[1], from_browser[0]):
                os.close(end)
