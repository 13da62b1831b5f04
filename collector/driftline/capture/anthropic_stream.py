"""Streams of Anthropic's messages: its raw events; what the client's helper adds to them is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture import anthropic
from driftline.capture.gathered import Room, Text
from driftline.capture.parts import content_part
from driftline.capture.reasons import in_words_of_chat
from driftline.capture.result import Result
from driftline.fields import count, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message
    from driftline.messages import Part

_MOST_BLOCKS: Final = 256
_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "tool_use"),
}
"""Deltas that bring content: where they have it, and the type of the block that they belong to."""

_HOLDERS: Final = {"text": "content", "reasoning": "content", "tool_call": "arguments", "server_tool_call": "arguments"}
"""Where a part has what its deltas bring."""


class Messages:
    """Adds up the events of one stream."""

    __slots__ = ("_blocks", "_reason", "_result", "_room", "_spent")

    def __init__(self) -> None:
        self._room = Room()
        self._result = Result(operation=semconv.CHAT)
        self._blocks: dict[int, tuple[Part, Text]] = {}
        self._reason: str | None = None
        self._spent: dict[str, Any] = {}

    def add(self, event: Any) -> None:
        """Take an event."""
        of = members(event)
        kind = of.get("type")
        if kind == "content_block_delta":
            self._extend(of)
        elif kind == "content_block_start":
            self._open(of)
        elif kind == "message_delta":
            self._reason = in_words_of_chat(members(of.get("delta")).get("stop_reason")) or self._reason
            self._spend(of.get("usage"))
        elif kind == "message_start":
            self._begin(of.get("message"))

    def _begin(self, message: object) -> None:
        of = members(message)
        self._result.model = text(of.get("model"))
        self._result.response_id = text(of.get("id"))
        self._result.provider = anthropic.provider_of(self._result.response_id, message)
        self._spend(of.get("usage"))

    def _spend(self, usage: object) -> None:
        """Take tokens: each count is of all so far, and one that does not come again stays."""
        of = members(usage)
        for name in anthropic.COUNTS:
            if of.get(name) is not None:
                self._spent[name] = of[name]
        thought = members(of.get("output_tokens_details")).get("thinking_tokens")
        if thought is not None:
            self._spent["output_tokens_details"] = {"thinking_tokens": thought}

    def _open(self, of: Mapping[str, Any]) -> None:
        if len(self._blocks) >= _MOST_BLOCKS:
            return
        part, said = content_part(of.get("content_block")), Text(self._room)
        if part["type"] in {"text", "reasoning"}:
            said.add(part["content"])
        self._blocks[count(of.get("index")) or 0] = (part, said)

    def _extend(self, of: Mapping[str, Any]) -> None:
        delta = members(of.get("delta"))
        known = _DELTAS.get(text(delta.get("type")) or "")
        if known is None:
            return
        name, kind = known
        index = count(of.get("index")) or 0
        if index not in self._blocks:  # its start is missing
            self._open({"index": index, "content_block": {"type": kind}})
        if index in self._blocks:
            self._blocks[index][1].add(delta.get(name))

    def result(self) -> Result:
        """The message so far."""
        parts = [_complete(part, said) for _, (part, said) in sorted(self._blocks.items())]
        message: Message = {"role": "assistant", "parts": parts}
        if self._reason:
            message["finish_reason"] = self._reason
        self._result.finish_reasons = (self._reason,) if self._reason else ()
        self._result.usage = anthropic.usage(self._spent)
        self._result.messages = (message,)
        return self._result


def _complete(part: Part, said: Text) -> Part:
    holder = _HOLDERS.get(part["type"])
    return {**part, holder: str(said)} if holder is not None and said else part
