"""Streams of LangChain's chat models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline import semconv
from driftline.capture import langchain
from driftline.capture.chat_stream import Calls
from driftline.capture.gathered import Room, Text
from driftline.capture.parts import content_parts
from driftline.capture.providers import named
from driftline.capture.result import UNKNOWN, Result
from driftline.fields import items, members, text
from driftline.messages import reasoning_part, text_part

if TYPE_CHECKING:
    from driftline.content import Message
    from driftline.messages import Part


class Chunks:
    """Adds up the AIMessageChunks of one stream; what is neither text, reasoning nor a call is left out."""

    __slots__ = ("_calls", "_reason", "_result", "_said", "_thought")

    def __init__(self) -> None:
        room = Room()
        self._said = Text(room)
        self._thought = Text(room)
        self._calls = Calls(room)
        self._result = Result(operation=semconv.CHAT)
        self._reason: str | None = None

    def add(self, chunk: Any) -> None:
        """Take a chunk, or a generation that holds one. Tokens are those of this chunk alone, and summed up."""
        of = members(chunk)
        inner = of.get("message")
        if inner is not None:
            of = members(inner)
        content = of.get("content")
        if type(content) is str:
            self._said.add(content)
        else:
            self._take(content_parts(content))
        for call in items(of.get("tool_call_chunks")):
            piece = members(call)
            self._calls.add(piece, piece.get("name"), piece.get("args"))
        self._thought.add(members(of.get("additional_kwargs")).get("reasoning_content"))
        about = of.get("response_metadata")
        if about:
            self._introduce(of, members(about))
        spent = langchain.usage(of.get("usage_metadata"))
        if spent is not UNKNOWN:
            self._result.usage = langchain.total([self._result.usage, spent])

    def _take(self, parts: list[Part]) -> None:
        for part in parts:
            if part["type"] == "text":
                self._said.add(part["content"])
            elif part["type"] == "reasoning":
                self._thought.add(part["content"])

    def _introduce(self, of: Any, about: Any) -> None:
        result = self._result
        result.model = langchain.model(about) or result.model
        result.provider = named(about.get("model_provider")) or result.provider
        result.response_id = result.response_id or langchain.response_id(of, about)
        result.service_tier = text(about.get("service_tier")) or result.service_tier
        self._reason = langchain.finish_reason(about) or self._reason

    def result(self) -> Result:
        """The message so far."""
        texts = ((reasoning_part, self._thought), (text_part, self._said))
        parts = [make(str(said)) for make, said in texts if said] + self._calls.parts()
        message: Message = {"role": "assistant", "parts": parts}
        if self._reason:
            message["finish_reason"] = self._reason
        self._result.finish_reasons = (self._reason,) if self._reason else ()
        self._result.messages = (message,)
        return self._result
