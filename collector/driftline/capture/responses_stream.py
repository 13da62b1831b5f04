"""Streams of OpenAI's Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture import responses
from driftline.capture.gathered import Room, Text
from driftline.capture.providers import provider_of
from driftline.capture.result import Result
from driftline.fields import count, members, text
from driftline.messages import Part, reasoning_part, refusal_part, text_part, tool_call_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_MOST_ITEMS: Final = 256
_DELTAS: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.function_call_arguments.delta": "call",
    "response.custom_tool_call_input.delta": "call",
    "response.audio.transcript.delta": "text",
}
"""Events that bring more of an item, and what it is."""

_MAKE: Final[dict[str, Callable[[str], Part]]] = {
    "text": text_part,
    "refusal": refusal_part,
    "reasoning": reasoning_part,
}


class Responses:
    """Adds up the events of one stream: the response at the end says it all, until then there are its pieces."""

    __slots__ = ("_begun", "_calls", "_failed", "_final", "_room", "_texts")

    def __init__(self) -> None:
        self._room = Room()
        self._begun = Result(operation=semconv.CHAT)
        self._final: Result | None = None
        self._failed = False
        self._texts: dict[tuple[int, str], Text] = {}
        self._calls: dict[int, tuple[object, object]] = {}

    def add(self, event: Any) -> None:
        """Take an event."""
        of = members(event)
        kind = text(of.get("type")) or ""
        what = _DELTAS.get(kind)
        if what is not None:
            self._extend(of, what)
        elif kind in _ENDS:
            self._final = responses.read(of.get("response"))
        elif kind == "response.output_item.added":
            self._open(of)
        elif kind == "response.created":
            self._begin(of.get("response"))
        elif kind == "error":
            self._failed = True

    def _begin(self, response: object) -> None:
        of = members(response)
        self._begun.provider, self._begun.model = provider_of(response, of)
        self._begun.response_id = text(of.get("id"))

    def _open(self, of: Mapping[str, Any]) -> None:
        item = members(of.get("item"))
        if text(item.get("type")) in responses.CALLS and len(self._calls) < _MOST_ITEMS:
            self._calls[count(of.get("output_index")) or 0] = (text(item.get("call_id")), text(item.get("name")))

    def _extend(self, of: Mapping[str, Any], what: str) -> None:
        key = (count(of.get("output_index")) or 0, what)
        said = self._texts.get(key)
        if said is None:
            if len(self._texts) >= _MOST_ITEMS:
                return
            said = self._texts[key] = Text(self._room)
        said.add(of.get("delta"))

    def result(self) -> Result:
        """The response at the end, or what has come of it so far."""
        result = self._final or self._begun
        if self._final is None and self._failed:
            result.finish_reasons = ("error",)
        if not any(message["parts"] for message in result.messages):
            reason = result.finish_reasons[0] if result.finish_reasons else None
            result.messages = (responses.answer([self._part(*key) for key in self._keys()], reason),)
        return result

    def _keys(self) -> list[tuple[int, str]]:
        without_arguments = {(index, "call") for index in self._calls} - self._texts.keys()
        return sorted(self._texts.keys() | without_arguments)

    def _part(self, index: int, what: str) -> Part:
        said = str(self._texts.get((index, what), ""))
        if what == "call":
            return tool_call_part(*self._calls.get(index, (None, None)), said)
        return _MAKE[what](said)
