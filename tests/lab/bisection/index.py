"""A package index on loopback, in the JSON form of the simple API: real wheels, made here, each with its day."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.lab.environments.conftest import wheel

JSON = "application/vnd.pypi.simple.v1+json"


class Index:
    """What there is to install."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.days: dict[str, str] = {}
        self.yanked: set[str] = set()
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        self.url = ""

    def add(self, name: str, version: str, day: str, *requires: str, code: str = "", yanked: bool = False) -> None:
        """Publishes a release."""
        wheel(self.folder, name, version, *requires, code=code)
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.days[file] = day
        if yanked:
            self.yanked.add(file)

    def listing(self, name: str) -> dict[str, Any] | None:
        files = [self._file(file) for file in sorted(self.days) if file.startswith(f"{name.replace('-', '_')}-")]
        return {"meta": {"api-version": "1.1"}, "name": name, "files": files} if files else None

    def _file(self, file: str) -> dict[str, Any]:
        content = (self.folder / file).read_bytes()
        return {
            "filename": file,
            "url": f"{self.url}/files/{file}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "yanked": file in self.yanked,
            "upload-time": f"{self.days[file]}T12:00:00.000000Z",
        }


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    """Serves it while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            index.authorizations.append(self.headers["Authorization"])
            kind, _, name = self.path.strip("/").partition("/")
            if kind == "files" and name in index.days:
                self.answer(200, "application/octet-stream", (index.folder / name).read_bytes())
                return
            listing = index.listing(name)
            if listing is None:
                self.answer(404, "text/plain", b"")
            else:
                self.answer(200, JSON, json.dumps(listing).encode())

        def answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the server calls it so

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
