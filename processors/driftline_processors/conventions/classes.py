"""Tables that sort raw values into a few classes: operations, errors, answers that are no answers."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.sources import quote

CALL_OPERATIONS: Final = ("chat", "text_completion", "generate_content", "embeddings")
"""Operations that are billed. Agents and workflows repeat the usage of their calls and are not."""

OPERATIONS: Final[dict[str, str]] = {
    "llm": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "chain": "invoke_workflow",
    "retriever": "retrieval",
    "completion": "text_completion",
}
"""Names of other conventions, in lower case, for OpenTelemetry's operation names."""

FINISH_REASONS: Final[dict[str, str]] = {
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "completed": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "content-filter": "content_filter",
}

ERROR_CLASSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("content_policy", ("content_filter", "contentfilter", "contentpolicy", "content_policy", "moderation")),
    ("context_length", ("context_length", "contextlength", "contextwindow", "string_above_max")),
    ("rate_limit", ("ratelimit", "rate_limit", "toomanyrequests", "resourceexhausted", "429", "quota")),
    ("timeout", ("timeout", "timedout", "deadlineexceeded", "408", "504")),
    ("cancelled", ("cancelled", "canceled", "keyboardinterrupt")),
    ("authentication", ("authentication", "permissiondenied", "unauthorized", "401", "403")),
    ("connection", ("connection", "connecterror", "networkerror", "unreachable")),
    ("server_error", ("internalserver", "servererror", "serviceunavailable", "overloaded", "500", "502", "503", "529")),
    ("invalid_output", ("jsondecode", "validationerror", "outputparser", "invalid_output", "unexpectedmodelbehavior")),
    ("invalid_request", ("badrequest", "invalidrequest", "unprocessable", "notfound", "400", "404", "422")),
)
"""Class of an error and the words, in lower case, that its type, code or status can contain; first match wins."""

FALLBACK_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("dont_know", r"\bi (?:really )?(?:do not|don['’]t) know\b"),
    ("dont_know", r"\bi(?:['’]m| am) (?:not sure|unable to (?:find|answer|help))\b"),
    ("dont_know", r"\bi (?:do not|don['’]t) have (?:enough |that |any |the )?information\b"),
    ("refusal", r"\bi(?:['’]m| am) sorry,? but i (?:can['’]t|cannot|am unable)\b"),
    ("refusal", r"\bi (?:can['’]t|cannot) (?:help|assist) (?:you )?with (?:that|this)\b"),
    ("refusal", r"\bas an ai(?: language model)?,? i\b"),
    (
        "handover",
        r"\b(?:transfer|connect|escalat)\w* (?:you |this )?to (?:a |our )?(?:human|agent|colleague|specialist)",
    ),
)
"""Reason and regular expression (RE2, any case) of an answer that is a second choice."""


def mapped(expression: str, table: dict[str, str]) -> str:
    """SQL that looks a lower-case expression up in a table and keeps it when it is not there."""
    keys = ", ".join(quote(key) for key in table)
    values = ", ".join(quote(value) for value in table.values())
    return f"transform({expression}, [{keys}], [{values}], {expression})"


def error_class_sql(expression: str) -> str:
    """SQL for the class of a lower-case description of an error; ``other`` when nothing matches."""
    branches = ", ".join(
        f"multiSearchAny({expression}, [{', '.join(quote(word) for word in words)}]), {quote(name)}"
        for name, words in ERROR_CLASSES
    )
    return f"multiIf({branches}, 'other')"


def fallback_sql(expression: str) -> str:
    """SQL for the reason why a text is no real answer, or the empty text."""
    patterns = ", ".join(quote("(?i)" + pattern) for _, pattern in FALLBACK_PATTERNS)
    reasons = ", ".join(quote(reason) for reason, _ in FALLBACK_PATTERNS)
    # Hyperscan compiles all patterns into one automaton; index 0 means no match and yields ''.
    return f"[{reasons}][toInt32(multiMatchAnyIndex({expression}, [{patterns}]))]"
