"""A server that takes what libraries send, and counts the calls in it: ``python -m support.recording.sink``.

Speaks HTTP/1.1 with gzip, deflate and chunks. It answers what each library wants to hear, and finds the calls by their
marks, whatever the format. Its first line of output is its port; it ends when its standard input does.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from support.recording.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS = "/counts"
"""What has come so far, as JSON; DELETE forgets it."""

JSON, PROTOBUF = "application/json", "application/x-protobuf"

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}

ANSWERS: tuple[tuple[str, str, bytes], ...] = (
    (r"/v1/(traces|metrics|logs)$", PROTOBUF, b""),
    # Weave asks who this is, whether its project is there and whether versions fit, and names things by their digest.
    (r"/graphql$", JSON, b'{"data": {"viewer": {"username": "benchmark"}, "project": {"name": "benchmark"}}}'),
    (r"/server_info$", JSON, b'{"min_required_weave_python_version": "0.0.0", "trace_server_version": "99.0.0"}'),
    (r"/(obj|file|table)/create$", JSON, b'{"digest": "%s"}' % (b"d" * 43)),
    (r"", JSON, b"{}"),
)
"""By path: type and body of the answer; the first that matches."""


class Counts:
    """What has come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.marks = Marks()
            self.requests = self.bytes = self.unread = 0
            self.paths: dict[str, int] = {}

    def add(self, path: str, encoding: str, body: bytes) -> None:
        """Count a request."""
        with self._lock:
            self.requests += 1
            self.bytes += len(body)
            self.paths[path] = self.paths.get(path, 0) + 1
            try:
                self.marks.add(UNPACK[encoding.strip().lower()](body))
            except (KeyError, OSError, zlib.error):
                self.unread += 1

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        with self._lock:
            return {
                **self.marks.counts(),
                "requests": self.requests,
                "bytes": self.bytes,
                "unread": self.unread,
                "paths": self.paths,
            }


class Handler(BaseHTTPRequestHandler):
    """Takes everything."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    counts = Counts()

    def do_POST(self) -> None:
        """Count what came, and answer by path."""
        path = self.path.partition("?")[0]
        self.counts.add(path, self.headers.get("Content-Encoding", ""), self._body())
        kind, answer = next((kind, body) for pattern, kind, body in ANSWERS if re.search(pattern, path))
        self._answer(kind, answer)

    do_PUT = do_PATCH = do_POST  # noqa: N815 - the names that the base class looks for

    def do_GET(self) -> None:
        """Tell the counts, or answer as to any other request."""
        if self.path == COUNTS:
            self._answer(JSON, json.dumps(self.counts.as_dict()).encode())
        else:
            self.do_POST()

    def do_DELETE(self) -> None:
        """Forget the counts."""
        self.counts.forget()
        self._answer(JSON, b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, kind: str, body: bytes) -> None:
        # In one write: in two, the second waits for the client's acknowledgement of the first.
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


def main() -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
