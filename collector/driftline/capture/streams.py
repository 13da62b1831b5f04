"""What the chunks of a stream add up to: a table of first chunks and their accumulators.

Supporting another provider's stream is adding a row. Like ``ADAPTERS``, it asks for names of classes and shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from driftline.capture import (
    anthropic_stream,
    chat_stream,
    google_stream,
    langchain_stream,
    plain_stream,
    responses_stream,
)
from driftline.capture.providers import is_of
from driftline.fields import members, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.capture.result import Result


class Accumulator(Protocol):
    """Adds up one stream, on the application's thread: a chunk is looked at once and never kept."""

    def add(self, chunk: Any) -> None:
        """Take what is needed of one chunk."""

    def result(self) -> Result:
        """What has come so far; after an early end, usage that did not come stays unknown."""


def _is_chat(chunk: object) -> bool:
    of = members(chunk)
    if of.get("chunk") is not None and text(of.get("type")) == "chunk":  # the client's stream() helper
        return _is_chat(of["chunk"])
    kind = text(of.get("object"))
    return (
        is_of(chunk, ("openai", "ChatCompletionChunk"), ("openai", "Completion"), ("litellm", "ModelResponseStream"))
        or kind == "chat.completion.chunk"
        or (kind == "text_completion" and "choices" in of)
    )


def _is_response(chunk: object) -> bool:
    return (text(members(chunk).get("type")) or "").startswith("response.")


def _is_anthropic(chunk: object) -> bool:
    of = members(chunk)
    return text(of.get("type")) == "message_start" and "usage" in members(of.get("message"))


def _is_google(chunk: object) -> bool:
    return is_of(chunk, ("google.genai", "GenerateContentResponse"))


def _is_langchain(chunk: object) -> bool:
    return is_of(chunk, ("langchain_core", "AIMessageChunk"), ("langchain_core", "ChatGenerationChunk"))


def _is_text(chunk: object) -> bool:
    return text(chunk) is not None


def _is_anything(chunk: object) -> bool:  # noqa: ARG001 - has the signature of every predicate
    return True


STREAMS: Final[tuple[tuple[Callable[[object], bool], Callable[[], Accumulator]], ...]] = (
    (_is_text, plain_stream.Texts),
    (_is_chat, chat_stream.Chat),
    (_is_response, responses_stream.Responses),
    (_is_anthropic, anthropic_stream.Messages),
    (_is_google, google_stream.Contents),
    (_is_langchain, langchain_stream.Chunks),
    (_is_anything, plain_stream.Items),
)
"""Rows of (is this the first chunk of such a stream?, make its accumulator); the first that matches wins."""


def accumulator(first: object) -> Accumulator:
    """Make the accumulator of a stream that begins with a chunk; that chunk still has to be added."""
    return next(make for matches, make in STREAMS if matches(first))()
