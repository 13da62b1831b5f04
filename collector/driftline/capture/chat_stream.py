"""Streams of chat completions and older text completions: OpenAI's, compatible ones and LiteLLM's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture.chat import usage
from driftline.capture.gathered import Room, Text
from driftline.capture.providers import provider_of, tier_of
from driftline.capture.result import UNKNOWN, Result, Usage
from driftline.fields import count, items, members, text
from driftline.messages import Part, reasoning_part, refusal_part, text_part, tool_call_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.content import Message

_MOST_CHOICES: Final = 128
_BESIDE: Final = ("role", "tool_calls", "refusal", "reasoning_content", "reasoning", "audio", "function_call")
"""What a delta can hold beside content; most hold nothing else."""


class Chat:
    """Adds up the chunks of one stream."""

    __slots__ = ("_choices", "_id", "_model", "_operation", "_provider", "_room", "_tier", "_usage")

    def __init__(self) -> None:
        self._room = Room()
        self._choices: dict[int, _Choice] = {}
        self._operation: str | None = None
        self._id: str | None = None
        self._model: str | None = None
        self._provider: str | None = None
        self._tier: str | None = None
        self._usage: Usage = UNKNOWN

    def add(self, chunk: Any) -> None:
        """Take a chunk, or an event of the client's ``stream()`` helper, of which only some hold one."""
        of = members(chunk)
        choices = of.get("choices")
        if choices is None:
            inner = of.get("chunk")
            if inner is not None:
                self.add(inner)
            return
        if self._operation is None or not self._model:
            self._introduce(chunk, of)
        if self._id is None:
            self._id = text(of.get("id")) or None
        if self._tier is None:
            self._tier = tier_of(of)
        for choice in items(choices):
            self._take(members(choice))
        spent = of.get("usage")
        if spent is not None:
            self._usage = usage(spent)

    def _introduce(self, chunk: object, of: Mapping[str, Any]) -> None:
        """Take what all chunks say alike; Azure's first one says only that it is Azure's."""
        is_text = text(of.get("object")) == "text_completion"
        self._operation = semconv.TEXT_COMPLETION if is_text else semconv.CHAT
        provider, model = provider_of(chunk, of)
        if self._provider != "azure.ai.openai":
            self._provider = provider
        self._model = model or None

    def _take(self, of: Mapping[str, Any]) -> None:
        index = count(of.get("index")) or 0
        choice = self._choices.get(index)
        if choice is None:
            if len(self._choices) >= _MOST_CHOICES:
                return
            choice = self._choices[index] = _Choice(self._room)
        choice.add(of)

    def result(self) -> Result:
        """The completion so far."""
        messages = tuple(choice.message() for _, choice in sorted(self._choices.items()))
        return Result(
            operation=self._operation,
            model=self._model,
            provider=self._provider,
            response_id=self._id,
            finish_reasons=tuple(message["finish_reason"] for message in messages if "finish_reason" in message),
            service_tier=self._tier,
            usage=self._usage,
            messages=messages,
        )


class _Choice:
    """One of the answers that a stream can bring side by side."""

    __slots__ = ("_calls", "_reason", "_reasoning", "_refusal", "_role", "_room", "_text")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._role: str | None = None
        self._reason: str | None = None
        self._text = Text(room)
        self._reasoning = Text(room)
        self._refusal = Text(room)
        self._calls = Calls(room)

    def add(self, of: Mapping[str, Any]) -> None:
        delta = members(of.get("delta"))
        self._text.add(delta.get("content") or of.get("text"))
        if any(map(delta.get, _BESIDE)):
            self._add_rest(delta)
        self._reason = text(of.get("finish_reason")) or self._reason

    def _add_rest(self, delta: Mapping[str, Any]) -> None:
        self._role = self._role or text(delta.get("role"))
        self._reasoning.add(delta.get("reasoning_content") or delta.get("reasoning"))
        self._refusal.add(delta.get("refusal"))
        self._text.add(members(delta.get("audio")).get("transcript"))
        for call in items(delta.get("tool_calls")):
            of = members(call)
            target = members(of.get("function") or of.get("custom"))
            arguments = target.get("arguments")
            self._calls.add(of, target.get("name"), target.get("input") if arguments is None else arguments)
        legacy = members(delta.get("function_call"))
        if legacy:
            self._calls.add({"index": 0}, legacy.get("name"), legacy.get("arguments"))

    def message(self) -> Message:
        parts: list[Part] = [
            make(str(said))
            for make, said in (
                (reasoning_part, self._reasoning),
                (text_part, self._text),
                (refusal_part, self._refusal),
            )
            if said
        ]
        message: Message = {"role": self._role or "assistant", "parts": parts + self._calls.parts()}
        if self._reason:
            message["finish_reason"] = self._reason
        return message


class Calls:
    """Tool calls whose arguments arrive in pieces, told apart by their index; where that is missing, by their id."""

    __slots__ = ("_calls", "_last", "_room")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._calls: dict[int, tuple[list[str | None], Text]] = {}
        self._last = 0

    def add(self, of: Mapping[str, Any], name: object, arguments: object) -> None:
        """Take a piece of one call.

        Args:
            of: what tells which one: ``index`` and ``id``.
            name: of the tool, in the first piece.
            arguments: the next characters of their JSON.
        """
        call_id = text(of.get("id")) or None
        index = self._index(count(of.get("index")), call_id, text(name))
        call = self._calls.get(index)
        if call is None:
            if len(self._calls) >= _MOST_CHOICES:
                return
            call = self._calls[index] = ([None, None], Text(self._room))
        known, said = call
        known[0] = known[0] or call_id
        known[1] = known[1] or text(name)
        said.add(arguments)

    def _index(self, index: int | None, call_id: str | None, name: str | None) -> int:
        ids = {number: known[0] for number, (known, _) in self._calls.items()}
        if index is None and call_id is not None:
            index = next((number for number, known in ids.items() if known == call_id), len(ids))
        elif index is None:
            index = self._last
        elif name and call_id and ids.get(index) not in {None, call_id}:
            index = max(ids) + 1  # Gemini's compatible endpoint gives each call the index 0
        self._last = index
        return index

    def parts(self) -> list[Part]:
        """The calls so far, in their order."""
        return [tool_call_part(known[0], known[1], str(said)) for _, (known, said) in sorted(self._calls.items())]
