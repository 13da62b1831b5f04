"""Why a call of the judge's endpoint failed, whether to repeat it, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import openai

INVALID_OUTPUT: Final = "invalid_output"
"""The model's answer is not the JSON that was asked for: asked again with a stricter prompt."""

CONTEXT_LENGTH: Final = "context_length"
"""The material is longer than the model takes: asked again with less of it."""

CONTENT_POLICY: Final = "content_policy"

LONGEST_HINT: Final = 120.0
"""Longest ``Retry-After`` that is obeyed, in seconds."""

# The first that fits an error counts: subclasses before their bases.
_CLASSES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (openai.APITimeoutError, "timeout"),
    (openai.APIConnectionError, "connection"),
    (openai.RateLimitError, "rate_limit"),
    (openai.InternalServerError, "server_error"),
    (openai.ConflictError, "server_error"),
    (openai.AuthenticationError, "authentication"),
    (openai.PermissionDeniedError, "authentication"),
    (openai.APIStatusError, "invalid_request"),
    (openai.APIResponseValidationError, INVALID_OUTPUT),
)
_CODES: Final = {
    "insufficient_quota": "quota",
    "context_length_exceeded": CONTEXT_LENGTH,
    "content_filter": CONTENT_POLICY,
}
_STATUSES: Final = {402: "quota", 408: "timeout", 413: CONTEXT_LENGTH}

_TOO_LONG: Final = ("context length", "context_length", "context window", "too many tokens", "prompt is too long")
"""What compatible endpoints write into a refusal that has no code of its own."""


class JudgeFailure(Exception):  # noqa: N818 - an outcome that is stored, not a fault of ours
    """A call that brought no verdict. Says only what cannot hold a secret or a judged text.

    Attributes:
        kind: error class, as stored.
        detail: HTTP status, or what is wrong with the answer, for the log and the next prompt.
        retry_after: pause that the endpoint asks for, in seconds.
    """

    def __init__(self, kind: str, detail: str = "", retry_after: float = 0.0) -> None:
        super().__init__(f"{kind} ({detail})" if detail else kind)
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after


def failure_of(error: openai.OpenAIError) -> JudgeFailure:
    """Classify what the client raised. The error's own text is dropped: it can quote keys and prompts."""
    kind = next((kind for of, kind in _CLASSES if isinstance(error, of)), "other")
    if not isinstance(error, openai.APIStatusError):
        return JudgeFailure(kind)
    kind = _STATUSES.get(error.status_code, kind)
    if kind == "invalid_request" and any(words in error.message.lower() for words in _TOO_LONG):
        kind = CONTEXT_LENGTH
    kind = _CODES.get(str(error.code), kind)
    return JudgeFailure(kind, f"HTTP status {error.status_code}", _retry_after(error))


def _retry_after(error: openai.APIStatusError) -> float:
    headers = error.response.headers
    try:
        told = float(headers.get("retry-after-ms", 0)) / 1000 or float(headers.get("retry-after", 0))
    except ValueError:  # a date, which nobody sends
        return 0.0
    return min(max(told, 0.0), LONGEST_HINT)


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and how fast calls that failed in one way are repeated.

    Attributes:
        calls: of a task that may fail in this way.
        first: longest pause after the first of them, in seconds; doubles with each further one.
        longest: longest pause, in seconds, unless the endpoint asks for more.
    """

    calls: int
    first: float = 0.0
    longest: float = 0.0

    def pause(self, failures: int, told: float = 0.0) -> float:
        """Seconds until the next call: random, so that those who failed together do not come back together.

        Args:
            failures: of the task so far, at least 1.
            told: pause that the endpoint asks for.
        """
        if told:
            return told * random.uniform(1, 1.1)  # noqa: S311 - no secret
        return random.uniform(0, min(self.first * 2 ** (failures - 1), self.longest))  # noqa: S311


ONCE: Final = Plan(1)
"""For failures that a repetition would not help."""

PLANS: Final = {
    "rate_limit": Plan(8, 1.0, 60.0),
    "server_error": Plan(5, 0.25, 4.0),
    "connection": Plan(5, 0.25, 8.0),
    "timeout": Plan(3, 0.5, 4.0),
    CONTEXT_LENGTH: Plan(4),
    INVALID_OUTPUT: Plan(2),
}
"""By class of failure; all others are met once."""
