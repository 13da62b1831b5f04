"""Streams of google-genai: each chunk is an answer of its own shape that holds what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture import google
from driftline.capture.gathered import Room, Text
from driftline.capture.result import UNKNOWN, Result
from driftline.fields import count, items, members, text
from driftline.messages import reasoning_part, text_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message
    from driftline.messages import Part

_MOST_PARTS: Final = 256
_MAKE: Final = {"text": text_part, "reasoning": reasoning_part}


class Contents:
    """Adds up the chunks of one stream."""

    __slots__ = ("_candidates", "_result", "_room")

    def __init__(self) -> None:
        self._room = Room()
        self._result = Result(operation=semconv.GENERATE_CONTENT)
        self._candidates: dict[int, _Candidate] = {}

    def add(self, chunk: Any) -> None:
        """Take a chunk. Its tokens are of all so far."""
        of = members(chunk)
        result = self._result
        result.provider = result.provider or google.provider_of(chunk, of)
        result.model = result.model or text(of.get("model_version"))
        result.response_id = result.response_id or text(of.get("response_id"))
        spent = google.usage(of.get("usage_metadata"))
        if spent is not UNKNOWN:
            result.usage = spent
        for candidate in items(of.get("candidates")):
            inner = members(candidate)
            index = count(inner.get("index")) or 0
            if index not in self._candidates and len(self._candidates) < _MOST_PARTS:
                self._candidates[index] = _Candidate(self._room)
            if index in self._candidates:
                self._candidates[index].add(inner)
        result.finish_reasons = result.finish_reasons or google.blocked(of)

    def result(self) -> Result:
        """The answer so far."""
        messages = tuple(candidate.message() for _, candidate in sorted(self._candidates.items()))
        reasons = tuple(message["finish_reason"] for message in messages if "finish_reason" in message)
        self._result.messages = messages
        self._result.finish_reasons = reasons or self._result.finish_reasons
        return self._result


class _Candidate:
    """One of the answers that a stream can bring side by side: texts of one kind in a row make one part."""

    __slots__ = ("_last", "_parts", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._parts: list[Part | tuple[str, Text]] = []
        self._last: Mapping[str, Any] = {}

    def add(self, of: Mapping[str, Any]) -> None:
        for part in google.message(of)["parts"]:
            self._append(part)
        if of.get("finish_reason") is not None:
            self._last = {"finish_reason": text(of["finish_reason"])}

    def _append(self, part: Part) -> None:
        kind = part["type"]
        if kind not in _MAKE:
            if len(self._parts) < _MOST_PARTS:
                self._parts.append(part)
            return
        open_part = self._parts[-1] if self._parts else None
        if not isinstance(open_part, tuple) or open_part[0] != kind:
            if len(self._parts) >= _MOST_PARTS:
                return
            open_part = (kind, Text(self._room))
            self._parts.append(open_part)
        open_part[1].add(part["content"])

    def message(self) -> Message:
        parts = [_MAKE[part[0]](str(part[1])) if isinstance(part, tuple) else part for part in self._parts]
        message: Message = {"role": "assistant", "parts": parts}
        reason = google.finish_reason(self._last, parts)
        if reason:
            message["finish_reason"] = reason
        return message
