"""Embeddings of OpenAI and LiteLLM, as object or dict, and of google-genai. The vectors themselves are not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline import semconv
from driftline.capture.providers import provider_of
from driftline.capture.result import Result, Usage
from driftline.fields import count, items, members, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it is a list whose first element is an embedding."""
    if text(of.get("object")) != "list":
        return False
    data = items(of.get("data"))
    return bool(data) and text(members(data[0]).get("object")) == "embedding"


def read(value: object) -> Result:
    """Read model and usage."""
    of = members(value)
    provider, model = provider_of(value, of)
    return Result(
        operation=semconv.EMBEDDINGS,
        model=model,
        provider=provider,
        usage=Usage(input=count(members(of.get("usage")).get("prompt_tokens"))),
    )
