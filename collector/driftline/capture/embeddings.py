"""OpenAI's embeddings, as object or dict. The vectors themselves are not recorded."""

from __future__ import annotations

from driftline import semconv
from driftline.capture.result import Result, Usage, provider_of
from driftline.fields import count, field, items, text


def matches(value: object) -> bool:
    """Whether it is a list whose first element is an embedding."""
    if text(field(value, "object")) != "list":
        return False
    data = items(field(value, "data"))
    return bool(data) and text(field(data[0], "object")) == "embedding"


def read(value: object) -> Result:
    """Read model and usage."""
    return Result(
        operation=semconv.EMBEDDINGS,
        model=text(field(value, "model")),
        provider=provider_of(value),
        usage=Usage(input=count(field(field(value, "usage"), "prompt_tokens"))),
    )
