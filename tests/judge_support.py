"""A local OpenAI-compatible endpoint that answers as a test tells it to, over real HTTP."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from played import Handler, played

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-test-0123456789-secret"


@dataclass
class Reply:
    """An HTTP answer.

    Attributes:
        seconds: pause before it.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def verdict(score: Any = 9, explanation: str = "Right and complete.", **changes: Any) -> Reply:
    """A completion that holds a verdict: 1000 input tokens, 200 of them cached, 50 output tokens."""
    return completion(json.dumps({"explanation": explanation, "score": score}), **changes)


def completion(text: str | None, **changes: Any) -> Reply:
    """A completion that holds a text."""
    message = {"role": "assistant", "content": text, "refusal": changes.pop("refusal", None)}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    return Reply(
        body={
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": changes.pop("finish_reason", "stop"), "message": message}],
            "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 200}},
            **changes,
        }
    )


def error(status: int, code: str | None = None, param: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI's API words it; its text quotes the key, as some endpoints do."""
    body = {"message": f"went wrong with {KEY}", "type": "error", "param": param, "code": code}
    return Reply(status, {"error": body}, headers)


@dataclass
class Endpoint:
    """The running server.

    Attributes:
        url: for ``judge_base_url``.
        answer: gives the reply to a request's body.
        requests: bodies in the order of their arrival.
    """

    url: str
    answer: Callable[[dict[str, Any]], Reply] = lambda _: verdict()
    requests: list[dict[str, Any]] = field(default_factory=list)

    def script(self, *replies: Reply) -> None:
        """Answer with these in order, the last one again and again."""
        waiting = list(replies)
        self.answer = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextlib.contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run the server on a free loopback port."""
    state = Endpoint("")

    def answer(handler: Handler) -> None:
        body = json.loads(handler.body())
        state.requests.append({**body, "path": handler.path, "key": handler.headers["authorization"]})
        reply = state.answer(body)
        time.sleep(reply.seconds)
        data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        with contextlib.suppress(ConnectionError):  # the judge may have been stopped meanwhile
            handler.send(reply.status, data, **{"content-type": "application/json", **reply.headers})

    with played(answer) as url:
        state.url = f"{url}/v1"
        yield state
