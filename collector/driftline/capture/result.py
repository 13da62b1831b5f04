"""What was understood of a result, and the attributes that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from driftline import semconv
from driftline.fields import count, label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.content import Message

_MOST: Final = (1 << 63) - 1


class Usage(NamedTuple):
    """Tokens of a call; None is unknown, which is not zero."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


UNKNOWN: Final = Usage()
"""What is known of a call that nobody has counted."""


def counted(*numbers: object) -> Usage:
    """Usage of five values as they were found; what is no count is unknown."""
    for number in numbers:
        if number is not None and (type(number) is not int or number < 0 or number > _MOST):
            return Usage._make(map(count, numbers))
    return Usage._make(numbers)


@dataclass(slots=True)
class Result:
    """A result as the conventions see it; a snapshot, which nothing that the application does later changes.

    Not frozen, since a frozen dataclass takes three times as long to make; nobody writes to it.

    Attributes:
        operation: what kind of call it is the result of; None when it is not a model's result.
        messages: the output, one message per choice. Contents are texts, or what ``freeze`` made of other values.
    """

    operation: str | None = None
    model: str | None = None
    provider: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    service_tier: str | None = None
    usage: Usage = UNKNOWN
    messages: tuple[Message, ...] = ()

    def call_attributes(self) -> Iterator[tuple[str, str | int | tuple[str, ...]]]:
        """The attributes of the span if it is the call itself; content is not among them."""
        pairs: tuple[tuple[str, str | int | tuple[str, ...] | None], ...] = (
            (semconv.OPERATION_NAME, self.operation),
            (semconv.PROVIDER_NAME, self.provider),
            (semconv.RESPONSE_MODEL, self.model),
            (semconv.RESPONSE_ID, self.response_id),
            (semconv.FINISH_REASONS, tuple(filter(None, map(label, self.finish_reasons))) or None),
            (semconv.SERVICE_TIER, self.service_tier),
            (semconv.INPUT_TOKENS, self.usage.input),
            (semconv.OUTPUT_TOKENS, self.usage.output),
            (semconv.CACHE_READ_TOKENS, self.usage.cache_read),
            (semconv.CACHE_WRITE_TOKENS, self.usage.cache_write),
            (semconv.REASONING_TOKENS, self.usage.reasoning),
        )
        for key, value in pairs:
            found = label(value) if isinstance(value, str) else value
            if found is not None:
                yield key, found

    def size(self) -> int:
        """Bytes that it holds on to, roughly."""
        parts = [part.get("content") for message in self.messages for part in message["parts"]]
        return 300 + sum(200 + (len(content) if type(content) is str else 300) for content in parts)
