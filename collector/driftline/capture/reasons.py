"""Why a model stopped, in the words of chat completions, so that answers of all providers count together."""

from __future__ import annotations

from typing import Final

from driftline.fields import text

CONTENT_FILTER: Final = "content_filter"
TOOL_CALLS: Final = "tool_calls"

_WORDS: Final[dict[str, str | None]] = {
    # Anthropic
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": TOOL_CALLS,
    "refusal": CONTENT_FILTER,
    # Responses
    "completed": "stop",
    "max_output_tokens": "length",
    "failed": "error",
    "cancelled": "error",
    # Google
    "finish_reason_unspecified": None,
    "safety": CONTENT_FILTER,
    "recitation": CONTENT_FILTER,
    "blocklist": CONTENT_FILTER,
    "prohibited_content": CONTENT_FILTER,
    "spii": CONTENT_FILTER,
    "image_safety": CONTENT_FILTER,
    "image_prohibited_content": CONTENT_FILTER,
    "image_recitation": CONTENT_FILTER,
    "model_armor": CONTENT_FILTER,
}
"""What is not here keeps its own word, in lower case."""


def in_words_of_chat(reason: object) -> str | None:
    """Translate a provider's reason; None when there is none."""
    own = (text(reason) or "").lower()
    return _WORDS.get(own, own) or None
