"""A hub on this machine: serves one gated checkpoint to whoever shows the right token."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

COMMIT = "a" * 40
REPO = "some/gated"
TOKEN = "hf_" + "s" * 34


class _Handler(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]]
    handed: ClassVar[list[str]]

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path.startswith(f"/api/models/{REPO}"):
            self._answer(200, json.dumps(self._api()).encode())
        elif self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._answer(401, b"", {"X-Error-Code": "GatedRepo"})
        elif name in self.files:
            self.handed.append(name)
            etag = hashlib.sha256(self.files[name]).hexdigest()
            self._answer(200, self.files[name], {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'})
        else:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})

    def _api(self) -> object:
        if "/tree/" in self.path:
            sizes = {name: len(data) for name, data in self.files.items()}
            return [{"type": "file", "path": n, "size": s, "oid": "0"} for n, s in sizes.items()]
        siblings = [{"rfilename": name} for name in self.files]
        return {"id": REPO, "sha": COMMIT, "gated": "manual", "siblings": siblings}

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a checkpoint folder; gives the endpoint and the list of files that were handed out."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    handler = type("Handler", (_Handler,), {"files": files, "handed": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.handed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
