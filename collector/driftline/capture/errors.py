"""What an exception says: its class, the provider's status and code, and whether a model's SDK raised it.

Attributes are read without running any code of the exception, some of whose properties warn or raise.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from driftline import semconv
from driftline.capture import understand
from driftline.capture.providers import module_of, named
from driftline.capture.result import Result
from driftline.fields import clean, count, field, members, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_MESSAGE: Final = 500
_MAX_NAME: Final = 128

SDKS: Final[dict[str, str | None]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google.genai": "gcp.gemini",
    "litellm": None,
    "cohere": "cohere",
    "groq": "groq",
    "mistralai": "mistral_ai",
    "instructor": None,
}
"""Packages whose exceptions tell of a model's call, and whose models they call; None for several providers'."""

_AWS: Final = "botocore"
_AWS_OPERATIONS: Final = frozenset({"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"})
_AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")

_STATUSES: Final = ("status_code", "status", "code", "http_status")
_CODES: Final = ("error_code", "code", "status", "type")
"""Where SDKs put the provider's code; ``code`` alone is read of exceptions that are no SDK's."""

_ANSWERS: Final = ("completion", "last_completion")
"""Where the errors of openai and instructor keep the answer that was paid for and could not be used."""


def error_type(error: BaseException) -> str:
    """The class as people know it: ``openai.RateLimitError``, not the private module that defines it."""
    kind = type(error)
    package = module_of(kind)
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def error_attributes(error: BaseException) -> Iterator[tuple[str, str | int]]:
    """The attributes of a failed span."""
    yield semconv.ERROR_TYPE, error_type(error)
    status = error_status(error)
    if status is not None:
        yield semconv.HTTP_STATUS, status
    code = error_code(error)
    if code:
        yield semconv.ERROR_CODE, clean(code[:_MAX_NAME])


def error_status(error: BaseException) -> int | None:
    """The HTTP status, of whatever carries it: the exception, its response, or botocore's document of one."""
    response = _of(error, "response")
    found = [_of(error, name) for name in _STATUSES] + [_of(response, name) for name in _STATUSES[:2]]
    found.append(members(members(response).get("ResponseMetadata")).get("HTTPStatusCode"))
    return next((status for value in found if (status := count(value)) is not None and 100 <= status <= 599), None)


def error_code(error: BaseException) -> str | None:
    """The provider's own code, such as ``context_length_exceeded``; its type of error where it has no code."""
    body = members(_of(error, "body"))
    inner = members(body.get("error")) or body
    found = [members(inner.get("details")).get("error_code"), inner.get("code"), inner.get("type")]
    found += [_of(error, name) for name in (_CODES if is_model_error(error) else ("code",))]
    found.append(members(members(_of(error, "response")).get("Error")).get("Code"))
    codes = (text(value) for value in found)
    return next((code for code in codes if code and not code.isdigit()), None)


def error_message(error: BaseException) -> str:
    """The exception's text, cut; empty when even asking for it raises."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the application's __str__ may raise anything
        return ""
    return clean(message if len(message) <= _MAX_MESSAGE else message[:_MAX_MESSAGE] + "…")


def is_model_error(error: BaseException) -> bool:
    """Whether a model's SDK raised it, so that the failed function was a call although it has no result."""
    packages = [module_of(kind) for kind in type(error).__mro__]
    return not SDKS.keys().isdisjoint(packages) or (
        _AWS in packages and text(_of(error, "operation_name")) in _AWS_OPERATIONS
    )


def failed_call(error: BaseException) -> Result:
    """What is known of the call that a model's SDK failed: the answer that was paid for, else who was asked."""
    for name in _ANSWERS:
        paid = understand(_of(error, name))
        if paid.operation is not None:
            return paid
    return Result(operation=semconv.CHAT, provider=_provider(error))


def _provider(error: BaseException) -> str | None:
    own = named(_of(error, "llm_provider"))  # LiteLLM's
    if own is not None:
        return own
    host = text(field(field(_of(error, "request"), "url"), "host")) or ""
    if host.endswith(_AZURE_HOSTS):
        return "azure.ai.openai"
    packages = [module_of(kind) for kind in type(error).__mro__]
    return "aws.bedrock" if _AWS in packages else next((SDKS[name] for name in packages if name in SDKS), None)


def _of(source: object, name: str) -> Any:
    """An attribute of an object or its class; a property for itself, which is neither a text nor a number."""
    if isinstance(source, dict):
        return source.get(name)
    return inspect.getattr_static(source, name, None)
