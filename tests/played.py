"""Servers of other people's services, played by tests on loopback."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Handler(BaseHTTPRequestHandler):
    """Answers one connection, and keeps quiet about it."""

    answer: ClassVar[Callable[[Handler], None]]

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; names of headers have ``_`` for ``-``."""
        self.send_response(status)
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        for name, value in {"content-length": str(len(body)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """What came with the request."""
        return self.rfile.read(int(self.headers["content-length"]))

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *request: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that is gone
            super().handle_error(*request)


@contextmanager
def played(answer: Callable[[Handler], None], *, protocol: str = "HTTP/1.0") -> Iterator[str]:
    """Answer on a free port for the time of the block; gives the address.

    Args:
        answer: sends what a request is answered with.
        protocol: "HTTP/1.1" keeps connections open.
    """
    server = _Server(("127.0.0.1", 0), type("Played", (Handler,), {"answer": answer, "protocol_version": protocol}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
