"""A local HTTP server that plays a provider: whole answers and streams of server-sent events, byte for byte."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from driftline.capture.streams import Accumulator, accumulator
from played import Handler, played

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftline.capture.result import Result

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass
class Provider:
    """What the server answers next, and what it was asked.

    Attributes:
        url: of the server, without a path.
        requests: bodies of the requests so far.
    """

    url: str = ""
    status: int = 200
    kind: str = JSON
    body: bytes = b"{}"
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answers(self, body: object, status: int = 200) -> None:
        """Answer with a JSON document."""
        self.status, self.kind, self.body = status, JSON, json.dumps(body).encode()

    def streams(self, events: list[dict[str, Any]], *, named: bool = False, done: bool = False) -> None:
        """Answer with server-sent events.

        Args:
            events: their data.
            named: whether each says its type in a line of its own, as Anthropic's do.
            done: whether OpenAI's ``[DONE]`` ends them.
        """
        lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
        self.status, self.kind = 200, EVENTS
        self.body = ("".join(lines) + ("data: [DONE]\n\n" if done else "")).encode()


@contextmanager
def serving() -> Iterator[Provider]:
    """Run a server on a free port."""
    provider = Provider()

    def answer(handler: Handler) -> None:
        provider.requests.append(json.loads(handler.body()))
        handler.send(provider.status, provider.body, content_type=provider.kind)

    with played(answer, protocol="HTTP/1.1") as provider.url:
        yield provider


def added_up(chunks: Iterable[object]) -> Result:
    """What the collector makes of a stream, which it is given chunk by chunk."""
    taken: Accumulator | None = None
    for chunk in chunks:
        taken = taken or accumulator(chunk)
        taken.add(chunk)
    assert taken is not None, "the stream had no chunk"
    return taken.result()
