"""What a function's result says about the model behind it: a table of libraries' classes and shapes, and their readers.

Supporting another provider's objects is adding a row. No provider's package is imported: its objects are known by the
names of their classes, and dicts and objects of the same shape by what they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from driftline.capture import anthropic, chat, embeddings, google, instructor, langchain, plain, raw, responses
from driftline.capture.providers import module_of
from driftline.capture.result import Result
from driftline.fields import members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ADAPTERS", "Adapter", "Result", "understand"]

_MOST_CLASSES: Final = 512


class Adapter(NamedTuple):
    """One row: how to tell a result, and how to read it.

    Attributes:
        read: what to make of it.
        classes: package and name of the classes that it, or a base of its class, has.
        matches: whether the members of a dict, or of an object of an unknown class, look like it; None for never.
    """

    read: Callable[[Any], Result]
    classes: tuple[tuple[str, str], ...] = ()
    matches: Callable[[Mapping[str, Any]], bool] | None = None


def _of_both(*names: str) -> tuple[tuple[str, str], ...]:
    """Classes of the OpenAI and the Anthropic client, which are made by one generator."""
    return tuple((package, name) for package in ("openai", "anthropic") for name in names)


ADAPTERS: Final = (
    Adapter(
        chat.read,
        (
            ("openai", "ChatCompletion"),
            ("openai", "Completion"),
            ("litellm", "ModelResponse"),
            ("litellm", "TextCompletionResponse"),
        ),
        chat.matches,
    ),
    Adapter(responses.read, (("openai", "Response"), ("litellm", "ResponsesAPIResponse")), responses.matches),
    Adapter(anthropic.read, (("anthropic", "Message"), ("anthropic", "BetaMessage")), anthropic.matches),
    Adapter(google.read, (("google.genai", "GenerateContentResponse"),), google.matches),
    Adapter(langchain.read, (("langchain_core", "AIMessage"),)),
    Adapter(langchain.read_generations, (("langchain_core", "LLMResult"), ("langchain_core", "ChatResult"))),
    Adapter(
        embeddings.read,
        (("openai", "CreateEmbeddingResponse"), ("litellm", "EmbeddingResponse")),
        embeddings.matches,
    ),
    Adapter(instructor.read, matches=instructor.matches),
    Adapter(plain.read_output, (("pydantic_ai", "AgentRunResult"),)),
    Adapter(google.read_embeddings, (("google.genai", "EmbedContentResponse"),)),
    Adapter(raw.read, _of_both("LegacyAPIResponse", "BaseAPIResponse")),
    Adapter(
        plain.read_nothing,
        _of_both("ResponseContextManager", "ChatCompletionStreamManager", "ResponseStreamManager")
        + _of_both("AsyncResponseContextManager", "AsyncChatCompletionStreamManager", "AsyncResponseStreamManager")
        + _of_both("MessageStreamManager", "BetaMessageStreamManager")
        + _of_both("AsyncMessageStreamManager", "BetaAsyncMessageStreamManager"),
    ),
)
"""The first row that knows the class wins; else the first whose shape matches; else it is data."""

_BY_CLASS: Final = {name: adapter.read for adapter in ADAPTERS for name in adapter.classes}
_SHAPES: Final = tuple((adapter.matches, adapter.read) for adapter in ADAPTERS if adapter.matches is not None)
_MARKS: Final = frozenset(
    {"object", "choices", "stop_reason", "candidates", "prompt_feedback", "promptFeedback", "_raw_response"}
)
"""Members of which each shape has at least one."""


def understand(value: object) -> Result:
    """Read the result of an observed function; never consumes anything lazy."""
    kind = type(value)
    read = _readers.get(kind)
    if read is None:
        read = _by_class(kind)
        if len(_readers) < _MOST_CLASSES:  # a program that makes classes as it goes must not fill the memory
            _readers[kind] = read
    return read(value)


def _by_class(kind: type) -> Callable[[Any], Result]:
    for base in kind.__mro__:
        read = _BY_CLASS.get((module_of(base), base.__name__))
        if read is not None:
            return read
    return plain.read_nothing if plain.is_lazy(kind) else _by_shape


def _by_shape(value: object) -> Result:
    of = members(value)
    if not of.keys().isdisjoint(_MARKS):
        for matches, read in _SHAPES:
            if matches(of):
                return read(value)
    return plain.read(value)


_readers: Final[dict[type, Callable[[Any], Result]]] = {
    type(None): plain.read_nothing,
    **dict.fromkeys((str, bytes, int, float, bool, list, tuple, set, frozenset), plain.read),
}
"""Readers by class; grows by those that the application uses."""
