"""Why a call of the judge's endpoint failed, whether to repeat it, and how long to wait before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import openai
from tenacity import wait_random_exponential

if TYPE_CHECKING:
    from tenacity import RetryCallState

REPEATABLE: Final = frozenset({"rate_limit", "timeout", "connection", "server_error"})
"""Classes that pass by themselves: repeated with growing pauses."""

INVALID_OUTPUT: Final = "invalid_output"
"""The model's answer is not the JSON that was asked for: repeated once."""

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
    "context_length_exceeded": "context_length",
    "content_filter": "content_policy",
}


class JudgeFailure(Exception):  # noqa: N818 - an outcome that is stored, not a fault of ours
    """A call that brought no verdict. Says only what cannot hold a secret or a judged text.

    Attributes:
        kind: error class, as stored.
        detail: HTTP status and the endpoint's error code, for the log.
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
    if error.status_code == 408:
        kind = "timeout"
    kind = _CODES.get(str(error.code), kind)
    return JudgeFailure(kind, f"HTTP status {error.status_code}", _retry_after(error))


def _retry_after(error: openai.APIStatusError) -> float:
    try:
        return min(max(float(error.response.headers.get("retry-after", "0")), 0.0), LONGEST_HINT)
    except ValueError:  # a date, which nobody sends
        return 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how fast a failed call is repeated.

    Attributes:
        attempts: calls in all for failures that pass by themselves.
        first: longest pause before the second call, in seconds; doubles with each further one.
        longest: longest pause, in seconds, unless the endpoint asks for more.
    """

    attempts: int = 5
    first: float = 1.0
    longest: float = 30.0

    def gave_up(self, state: RetryCallState) -> bool:
        """Whether the last failure is not worth another call; a tenacity ``stop``."""
        failure = _failure(state)
        if failure.kind in REPEATABLE:
            return state.attempt_number >= self.attempts
        return failure.kind != INVALID_OUTPUT or state.attempt_number >= 2

    def pause(self, state: RetryCallState) -> float:
        """Seconds until the next call; a tenacity ``wait``. Random, so that not all come back at once."""
        failure = _failure(state)
        if failure.kind == INVALID_OUTPUT:
            return 0.0
        spread = wait_random_exponential(multiplier=self.first, max=self.longest)(state)
        return max(float(spread), failure.retry_after)


def _failure(state: RetryCallState) -> JudgeFailure:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, JudgeFailure) else JudgeFailure("other")
