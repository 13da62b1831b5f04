"""Spans that look like calls but only repeat, announce or wrap one that has a span of its own.

Each is a condition on the canonical fields of one span, because a view sees a span without its relatives.
"""

from __future__ import annotations

from typing import Final

ANNOUNCEMENTS: Final = (
    # What Logfire sends when a span begins, with the attributes that it has by then.
    "logfire_kind = 'pending_span'",
    # Logfire's span of a streamed call ends when the stream begins; a log line with answer and usage follows it.
    (
        "startsWith(scope, 'logfire.') AND logfire_kind = 'span' AND NOT failed AND input_tokens IS NULL "
        "AND response_id = '' AND output = ''"
    ),
)
"""Neither calls nor requests: another span tells the same with its end."""

WRAPPERS: Final = (
    # The Vercel AI SDK puts ``embeddings`` around each ``embeddings``; tokens are on the inner one, and so is an
    # error unless the inner one is this.
    ("scope = 'gen_ai' AND operation = 'embeddings' AND input_tokens IS NULL AND (parent_span_id = '' OR NOT failed)"),
)
"""No calls, but they can be the request."""


def any_of(conditions: tuple[str, ...]) -> str:
    """SQL that holds if one of the conditions does."""
    return " OR ".join(f"({condition})" for condition in conditions)
