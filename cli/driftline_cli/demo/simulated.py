"""The only simulated thing of the demo: a server that plays the model, the judge and Slack, over real HTTP.

It speaks enough of the OpenAI API for the real client. As a model it answers from a handbook, carefully or
vaguely depending on the prompt that it is given. As a judge it reads question and answer and looks whether
the answer contains the handbook's facts. It knows nothing of prompt versions or of the demo's schedule.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from driftline_cli.demo.knowledge import BRIEF_PROMPT, CAREFUL_PROMPT, topic_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

BOT_MODEL: Final = "gpt-4o-mini"
JUDGE_MODEL: Final = "gpt-4o"
_ANSWERING: Final = f"{BOT_MODEL}-2024-07-18"

_CAREFUL_SUCCESS: Final = 0.96
_BRIEF_SUCCESS: Final = 0.45
_RATE_LIMITED: Final = 0.01
_DONT_KNOW: Final = "I'm sorry, I don't know. Let me connect you to a colleague."
_CHARS_PER_TOKEN: Final = 4


@dataclass
class Simulated:
    """The running server and what Slack would have received.

    Attributes:
        url: its address.
        slack: messages in the order of their arrival, with the time.
    """

    url: str
    slack: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a simulation

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions``, for the bot and for the judge."""
        body = await request.json()
        if body["model"] == JUDGE_MODEL:
            await asyncio.sleep(self.chance.uniform(0.05, 0.15))
            return _completion(body, json.dumps(_verdict(body)))
        if self.chance.random() < _RATE_LIMITED:
            error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
            return JSONResponse({"error": error}, status_code=429)
        await asyncio.sleep(min(self.chance.lognormvariate(-1.6, 0.45), 3.0))
        return _completion(body, self._answer(body))

    async def receive_slack(self, request: Request) -> Response:
        """``POST /slack``: an incoming webhook."""
        self.slack.append((time.time(), await request.json()))
        return PlainTextResponse("ok")

    def _answer(self, body: dict[str, Any]) -> str:
        prompt = body["messages"][0]["content"]
        topic = topic_of(body["messages"][-1]["content"])
        success = {CAREFUL_PROMPT: _CAREFUL_SUCCESS, BRIEF_PROMPT: _BRIEF_SUCCESS}.get(prompt, _BRIEF_SUCCESS)
        if topic is None:
            return _DONT_KNOW
        if self.chance.random() < success:
            return topic.answer
        return topic.vague if self.chance.random() < 0.8 else _DONT_KNOW


def _verdict(body: dict[str, Any]) -> dict[str, Any]:
    """Share of the handbook's facts that the answer has, in the form that the request asks for."""
    text = "\n".join(str(message["content"]) for message in body["messages"] if message["role"] == "user")
    topic = topic_of(text)
    if topic is None:
        return {"explanation": "The question is not in the handbook.", "score": 5}
    answer = text.partition(topic.question)[2].lower()
    missing = [fact for fact in topic.facts if not re.search(rf"\b{re.escape(fact)}\b", answer)]
    score = round(10 * (1 - 0.7 * len(missing) / len(topic.facts)))
    reason = f"The answer lacks: {', '.join(missing)}." if missing else "The answer has all that the handbook says."
    return {"explanation": reason, "score": score}


def _completion(body: dict[str, Any], text: str) -> Response:
    asked = sum(len(str(message["content"])) for message in body["messages"]) // _CHARS_PER_TOKEN
    answered = max(1, len(text) // _CHARS_PER_TOKEN)
    return JSONResponse(
        {
            "id": f"chatcmpl-{time.monotonic_ns():x}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": _ANSWERING if body["model"] == BOT_MODEL else body["model"],
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}},
            ],
            "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        }
    )


class _Server(uvicorn.Server):
    """Uvicorn in a thread: signals belong to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers alone."""
        yield


@contextlib.contextmanager
def simulated() -> Iterator[Simulated]:
    """Run the server on a free loopback port for as long as the context lasts."""
    state = Simulated(url="")
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", state.complete, methods=["POST"]),
            Route("/slack", state.receive_slack, methods=["POST"]),
        ]
    )
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, name="simulated", daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    state.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.should_exit = True
        thread.join()
