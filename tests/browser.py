"""A real headless Chromium, driven over its DevTools protocol through a pair of pipes."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MISSING = shutil.which("chromium") is None
_ANSWER_S = 60
_KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    " ": (32, " "),
    "ArrowDown": (40, ""),
    "End": (35, ""),
}


class Browser:
    """One tab; `complaints` are the errors and warnings that its console has seen."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._held, self._next, self._session = b"", 0, ""
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._next:
            self._heed(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._read], [], [], _ANSWER_S)
            assert ready, f"chromium said nothing for {_ANSWER_S} s"
            self._held += os.read(self._read, 1 << 20)
        one, _, self._held = self._held.partition(b"\0")
        return json.loads(one)

    def _heed(self, event: dict[str, Any]) -> None:
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str(params["args"]))
        elif kind == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a page from disk, anew, and wait until its script has read the data."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=page.as_uri() + fragment)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """Evaluate an expression in the page, promises awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, *, limit_s: float = 30) -> None:
        """Wait until an expression holds."""
        end = time.monotonic() + limit_s
        while not self.run(expression):
            assert time.monotonic() < end, f"still not so: {expression}"
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """Return what a reader sees of the first element that a selector finds."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def press(self, key: str) -> None:
        """Press and let go one key."""
        code, text = _KEYS[key]
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **known)
        self.send("Input.dispatchKeyEvent", type="keyUp", **known)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.send("Input.insertText", text=text)

    def size(self, width: int, height: int = 900) -> None:
        """Set the size of the window in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def media(self, kind: str = "", **features: str) -> None:
        """Pretend to be on paper (`print`), or that the reader prefers something."""
        chosen = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        self.send("Emulation.setEmulatedMedia", media=kind, features=chosen)

    def picture(self, path: Path) -> None:
        """Save the whole page as a PNG."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own; it ends with the block."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    os.set_inheritable(to_read, True)
    command = (
        f"exec chromium --headless --no-sandbox --disable-gpu --user-data-dir='{folder}/profile' "
        f"--remote-debugging-pipe about:blank 3<&{to_read} 4>&{from_write}"
    )
    process = subprocess.Popen(
        ["bash", "-c", command], pass_fds=(to_read, from_write),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_read)
    os.close(from_write)
    try:
        browser = Browser(to_write, from_read)
        yield browser
        browser._session = ""
        browser.send("Browser.close")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(to_write)
        os.close(from_read)
