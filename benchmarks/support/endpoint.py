"""A model's endpoint with the latency and the faults of a real one: ``python endpoint.py SPEED``, prints its port.

Latency is log-normal with a median of 800 ms and a heavy tail, divided by SPEED. Of the calls, 5 % end in a server
error and 1 % are turned away at once with ``Retry-After``. It counts the time that a client with nothing of its own to
do would have needed: what it served, and what it told clients to wait. ``GET /`` gives the counts as JSON.
A text that says what it is worth, ``(worth 6 of 10)``, is judged so; any other gets 8.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field

MEDIAN_SECONDS = 0.8
SIGMA = 0.6
"""Of the logarithm: the 99th percentile is four times the median."""

LONGEST_SECONDS = 20.0
ERRORS = 0.05
TURNED_AWAY = 0.01
RETRY_AFTER = 1.0

USUAL = 8
_WORTH = re.compile(rb"\(worth (\d+) of 10\)")


def completion(score: int) -> str:
    """A verdict as the endpoint sends it."""
    verdict = json.dumps({"explanation": "It answers what was asked, and what it claims is right.", "score": score})
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": verdict}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
        }
    )


COMPLETIONS = [completion(score) for score in range(11)]
ERROR = json.dumps({"error": {"message": "no luck", "type": "error", "param": None, "code": None}})


@dataclass
class Endpoint:
    """What it has done so far.

    Attributes:
        speed: divides all times.
        busy: seconds served, summed up over calls, plus those that clients were told to wait.
        most: calls at once.
    """

    speed: float
    busy: float = 0.0
    calls: int = 0
    verdicts: int = 0
    active: int = 0
    most: int = 0
    at: float = field(default_factory=time.monotonic)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def count(self, change: int = 0) -> None:
        """Add the time since the last look, for all calls that were under way in it."""
        now = time.monotonic()
        self.busy += (now - self.at) * self.active
        self.at = now
        self.active += change
        self.most = max(self.most, self.active)

    def stats(self) -> str:
        """The counts now."""
        self.count()
        return json.dumps({name: getattr(self, name) for name in ("at", "busy", "calls", "verdicts", "most")})

    async def answer(self, asked: bytes) -> tuple[int, str, str]:
        """Status, headers and body of a call."""
        self.calls += 1
        fate = self.chance.random()
        if fate < TURNED_AWAY:
            told = RETRY_AFTER / self.speed
            self.busy += told
            return 429, f"Retry-After: {told}\r\n", ERROR
        self.count(+1)
        latency = self.chance.lognormvariate(0, SIGMA) * MEDIAN_SECONDS
        await asyncio.sleep(min(latency, LONGEST_SECONDS) / self.speed)
        self.count(-1)
        if fate < TURNED_AWAY + ERRORS:
            return 500, "", ERROR
        self.verdicts += 1
        worth = _WORTH.search(asked)
        return 200, "", COMPLETIONS[int(worth[1]) if worth else USUAL]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lowered = head.lower()
                if lowered.startswith(b"get"):
                    status, headers, body = 200, "", self.stats()
                else:
                    size = lowered.partition(b"content-length:")[2].partition(b"\r\n")[0]
                    asked = await reader.readexactly(int(size))
                    status, headers, body = await self.answer(asked)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serve until the process is ended."""
    endpoint = Endpoint(float(sys.argv[1]))
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
