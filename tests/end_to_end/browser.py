"""A real headless Chromium, driven over its DevTools pipe: open, look, press keys, take pictures."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)
# The protocol wants its pipes at 3 and 4; a shell cannot be relied on for descriptors above 9.
_SHIM = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


def find_browser() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one tab. Use it as a context manager.

    Args:
        path: of the program.
        folder: for its profile; empty before.
        size: of the window in pixels.
    """

    def __init__(self, path: str, folder: Path, size: tuple[int, int] = (1280, 900)) -> None:
        their_input, self._write = _high_pipe()
        self._read, their_output = _high_pipe()
        window = f"--window-size={size[0]},{size[1]}"
        command = [sys.executable, "-c", _SHIM, str(their_input), str(their_output), path, *FLAGS, window]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(their_input, their_output),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_input)
        os.close(their_output)
        self._rest = b""
        self._number = 0
        self._session = ""
        self.complaints: list[str] = []
        """What the page has written to its console as an error, and what it has thrown."""
        (tab,) = [each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        self._session = self.send("Target.attachToTarget", targetId=tab["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def send(self, method: str, **params: Any) -> Any:
        """One command of the protocol; its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise AssertionError(f"the browser has ended: {self._process.wait()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(event["params"]["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.complaints.append(event["params"]["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; of its promise where it is one."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, condition: str, within_ms: int = 20_000) -> None:
        """Returns when a JavaScript expression is true; fails with the page's text where that does not come."""
        held = self.run(
            f"new Promise((done) => {{ const end = performance.now() + {within_ms}; const look = () => {{"
            f" let held = false; try {{ held = Boolean({condition}) }} catch {{ }}"
            " if (held || performance.now() > end) done(held); else setTimeout(look, 20) }; look() })"
        )
        assert held, f"{condition} does not hold; the page says: {self.text()[:2000]}"

    def open(self, url: str, ready: str = "document.querySelector('main').dataset.ready") -> None:
        """Go to an address and wait until the page is ready."""
        self.send("Page.navigate", url=url)
        self.until(f"location.href.startsWith({json.dumps(url.partition('#')[0])}) && ({ready})")

    def go(self, route: str) -> None:
        """Follow a link of the console page (`#/…`), and wait until it is drawn."""
        self.run(f"location.hash = {json.dumps(route)}")
        self.until(f"document.querySelector('main').dataset.ready === {json.dumps(route)}")

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """Press and release a key; `text` is what it writes."""
        more = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def text(self) -> str:
        """The page as a reader sees it."""
        return str(self.run("document.body.innerText.replace(/\\s+/g, ' ')"))

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page."""
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are above 9, so that nothing in the child is in their way."""
    import fcntl

    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return (ends[0], ends[1])
