"""What an exception says: its class, the provider's status and code, and whether a model's SDK raised it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline import semconv
from driftline.fields import clean, count, field, text

if TYPE_CHECKING:
    from collections.abc import Iterator

SDKS = frozenset({"openai", "anthropic", "cohere", "groq", "litellm", "mistralai"})
"""Packages whose errors and streams are a model's."""
_MAX_MESSAGE = 500
_MAX_NAME = 128


def error_type(error: BaseException) -> str:
    """The class as people know it: ``openai.RateLimitError``, not the private module that defines it."""
    kind = type(error)
    package = kind.__module__.split(".", 1)[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def error_attributes(error: BaseException) -> Iterator[tuple[str, str | int]]:
    """The attributes of a failed span."""
    yield semconv.ERROR_TYPE, error_type(error)
    status = count(field(error, "status_code"))
    if status is not None:
        yield semconv.HTTP_STATUS, status
    code = text(field(error, "code"))
    if code:
        yield semconv.ERROR_CODE, clean(code[:_MAX_NAME])


def error_message(error: BaseException) -> str:
    """The exception's text, cut; empty when even asking for it raises."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the application's __str__ may raise anything
        return ""
    return clean(message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "…")


def is_model_error(error: BaseException) -> bool:
    """Whether a model's SDK raised it, so that the failed function was a call although it has no result."""
    return any(kind.__module__.split(".", 1)[0] in SDKS for kind in type(error).__mro__)
