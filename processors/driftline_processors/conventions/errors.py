"""What kind of error it was: one ordered table of signs, from what says it surely to what only hints at it.

An error is described by four lines of lower case: its type, the provider's code, the HTTP status, and the beginning of
its message. A sign is looked for in one of these places, so that a number in a text is no status and a prompt that is
quoted in a message is no error's name. The types and codes are those of the clients themselves; ``tests`` lists them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from driftline_processors.conventions.slots import quote

SAID_FIRST: Final = 300
"""Characters of an error's message that are looked at: where clients put the provider's own words."""

_VAGUE: Final = (
    r"(?:[\w.]+\.)?(?:error|exception|_other|ai_apicallerror|ai_retryerror|api_?error|apistatuserror|clienterror|"
    r"http_?error|httpstatuserror|clientresponseerror|sdkerror|mistralerror|openaierror|anthropicerror)|"
)
"""Types that do not say what went wrong."""


class Place(Enum):
    """Where the words of a sign stand; a pattern for the four lines."""

    NAMED = r"^[^\n]*(?:\n[^\n]*)?(?:{words})"
    """Anywhere in the type or the code."""
    EXACTLY = r"^(?:[^\n]*\n)?(?:[\w.]+\.)?(?:{words})\n"
    """The whole code, or the whole type but for its package."""
    TYPE = r"^(?:{words})\n"
    """The type with its package."""
    STATUS = r"^(?:[^\n]*\n)?(?:[^\n]*\n)?(?:{words})\n"
    """The status; some send it as type or code."""
    SAID = r"^[^\n]*\n[^\n]*\n[^\n]*\n.*(?:{words})"
    """In the message, whatever the type."""
    OF_MODEL = r"^[^\n]*validationerror\n[^\n]*\n[^\n]*\n\d+ validation errors? for (?:{words})(?:\s|$)"
    """Name of the model that Pydantic could not fill."""
    HINTED = rf"^(?:{_VAGUE})\n[^\n]*\n[^\n]*\n.*(?:{{words}})"
    """In the message of a type that says nothing."""


class Sign(NamedTuple):
    """One row of the table; ``words`` are alternatives of a regular expression."""

    kind: str
    place: Place
    words: str


SIGNS: Final = (
    # Of the request that a client builds, not of an answer.
    Sign(
        "invalid_request",
        Place.OF_MODEL,
        r"_?(?:generate|embed|count|compute|edit|upscale|live|create|http)\w*(?:config|parameters|options)|"
        r"(?:chat|agents|fim)completion\w*request|embeddingrequest",
    ),
    # The allowance is used up, so that no pause helps.
    Sign(
        "quota",
        Place.NAMED,
        r"insufficient_?quota|quota_?exceeded|current_quota|billing|credit_?balance|spend_?limit|paymentrequired|"
        r"budgetexceeded|organization_usage_limit",
    ),
    Sign(
        "content_policy",
        Place.NAMED,
        r"content_?filter|content_?policy|responsible_?ai|moderation|guardrail|blocked_?prompt|blockedpii|"
        r"prohibited_content|refusal",
    ),
    Sign("content_policy", Place.EXACTLY, r"invalid_prompt"),
    Sign(
        "context_length",
        Place.NAMED,
        r"context_?length|context_?window|context_?overflow|request_?too_?large|content_?too_?large",
    ),
    Sign("context_length", Place.EXACTLY, r"3051"),  # of Mistral
    Sign(
        "rate_limit",
        Place.NAMED,
        r"rate_?limit|too_?many_?requests|throttl|resource_?exhausted|ramp_?limit|request_?limit_?exceeded|"
        r"concurrency_?limit",
    ),
    Sign("timeout", Place.NAMED, r"time_?out|timed_?out|deadline_?exceeded|time_?limit_?exceeded"),
    Sign("cancelled", Place.NAMED, r"cancell?ed|keyboardinterrupt|generatorexit|client_?closed_?request"),
    Sign(
        "authentication",
        Place.NAMED,
        r"authenticat|unauthori[sz]ed|permission_?denied|access_?denied|forbidden|api_?key|credential|"
        r"expired_?token|invalid_?token|unrecognized_?client|invalid_?signature|identity_?token",
    ),
    Sign("authentication", Place.EXACTLY, r"permission_error"),  # PermissionError is about files
    Sign(
        "connection",
        Place.NAMED,
        r"connection|connect_?error|clientconnector|unreachable|disconnected|chunkedencoding|incompleteread|clientpayload|"
        r"clientoserror|brokenpipe|gaierror|maxretryerror|responsestreaming",
    ),
    Sign(
        "connection",
        Place.EXACTLY,
        r"(?:read|write|close|proxy|ssl|network|transport|sse|(?:remote|local)?protocol|noresponse)error",
    ),
    Sign(
        "server_error",
        Place.NAMED,
        r"internal_?server|server_?error|service_?unavailable|modelunavailable|overloaded|bad_?gateway|modelnotready|"
        r"modelerrorexception|modelstreamerror",
    ),
    Sign("server_error", Place.EXACTLY, r"api_error|internal|internal_error|unavailable"),
    Sign(
        "invalid_output",
        Place.NAMED,
        r"json_?decode|json_?validate|json_?schema_?validation|output_?pars|response_?pars|response_?validation|"
        r"invalid_?output|unexpectedmodelbehavior|lengthfinishreason|incompleteoutput|instructorretry|"
        r"asyncvalidation|tool_use_failed|malformed_(?:function_call|response)|unknownfunctioncallargument",
    ),
    # Those of web frameworks and AWS are about requests.
    Sign("invalid_output", Place.TYPE, r"(?:(?:pydantic\w*|jsonschema|instructor|guardrails)\.[\w.]*)?validationerror"),
    Sign(
        "context_length",
        Place.SAID,
        r"context (?:length|window|size|limit)|maximum context|(?:prompt|input) is too long|too many tokens|"
        r"input token count|number of tokens allowed|tokens exceed|"
        r"reduce the length of the (?:messages|prompt|input)|'(?:messages|input|prompt)[^']*': string too long",
    ),
    Sign("quota", Place.SAID, r"credit balance|insufficient balance|enable billing"),
    Sign(
        "content_policy",
        Place.SAID,
        r"content management policy|content filtering policy|content policy|safety system|usage polic(?:y|ies)",
    ),
    Sign("authentication", Place.SAID, r"(?:invalid|incorrect) api key|api key not valid"),
    Sign("quota", Place.STATUS, r"402"),
    Sign("rate_limit", Place.STATUS, r"429|498"),  # 498: the spare capacity of Groq is used up
    Sign("timeout", Place.STATUS, r"408|504|524"),
    Sign("cancelled", Place.STATUS, r"499"),
    Sign("authentication", Place.STATUS, r"401|403|407"),
    Sign("context_length", Place.STATUS, r"413"),
    Sign("server_error", Place.STATUS, r"5\d\d"),
    Sign("invalid_request", Place.STATUS, r"4\d\d"),
    Sign(
        "invalid_request",
        Place.NAMED,
        r"bad_?request|invalid_?request|unprocessable|invalid_?argument|failed_?precondition|unsupported|"
        r"param_?validation|request_?validation|httpvalidation|validationexception",
    ),
    Sign("invalid_request", Place.EXACTLY, r"(?:openai)?(?:model|resource)?_?not_?found_?(?:error|exception)?"),
    Sign("rate_limit", Place.HINTED, r"rate limit|too many requests|throttl|quota"),
    Sign("timeout", Place.HINTED, r"timed? ?out|deadline exceeded"),
    Sign("cancelled", Place.HINTED, r"cancell?ed"),
    Sign("authentication", Place.HINTED, r"unauthori[sz]ed|authentication|permission denied|forbidden"),
    Sign("connection", Place.HINTED, r"connection|unreachable|econnre|enotfound|socket hang up|network error"),
    Sign("server_error", Place.HINTED, r"internal server error|server error|service unavailable|overloaded"),
    Sign("invalid_output", Place.HINTED, r"not valid json|invalid json"),
    Sign("invalid_request", Place.HINTED, r"bad request|invalid request|not found"),
)
"""The first sign that is there decides."""

UNKNOWN: Final = "other"

# Where clients put the status, and the provider's code, into their message.
_STATUS: Final = r"(?i)(?:status(?:.?code)?\D{0,3}|error code\D{0,3}|(?:client|server) error ')([45]\d\d)(?:\D|$)"
_STATUS_FIRST: Final = r"^([45]\d\d)(?:,| [A-Z])"
_CODE: Final = r"^(?:An error occurred \(|[45]\d\d )(\w+)[).]"


def error_text_sql() -> str:
    """SQL for the four lines that describe an error."""
    code = f"firstNonDefault(provider_error, extract(error_message, {quote(_CODE)}))"
    said = ", ".join(f"extract(error_message, {quote(pattern)})" for pattern in (_STATUS, _STATUS_FIRST))
    status = f"firstNonDefault(http_status, {said})"
    message = f"substring(error_message, 1, {SAID_FIRST})"
    return f"lower(concat(raw_error, '\\n', {code}, '\\n', {status}, '\\n', {message}))"


def error_class_sql(text: str) -> str:
    """SQL for the class of an error that four lines describe; ``other`` where there is no sign."""
    patterns = ", ".join(quote(sign.place.value.replace("{words}", sign.words)) for sign in SIGNS)
    kinds = ", ".join(quote(sign.kind) for sign in SIGNS)
    # One automaton for all signs, of which the first counts; there is none at 0.
    return f"firstNonDefault([{kinds}][arrayMin(multiMatchAllIndices({text}, [{patterns}]))], '{UNKNOWN}')"
