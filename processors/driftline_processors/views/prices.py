"""``llm_spans`` to the calls without a known price, and those to their models."""

from __future__ import annotations

from typing import Final

from driftline_processors.views.view import View
from driftline_store.metrics import DIMENSIONS

# What an abandoned call used is not known, so no price can tell what it cost.
_CALLS: Final = f"""\
SELECT
    provider, start, trace_id, span_id, arrived, {", ".join(DIMENSIONS)}, session_id, is_error,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
FROM llm_spans
WHERE is_call AND NOT is_abandoned AND cost IS NULL AND price_version = '' AND model != ''"""

_MODELS: Final = """\
SELECT provider, model, count() AS calls, max(arrived) AS last_seen
FROM unpriced_calls
GROUP BY provider, model"""

PRICE_VIEWS: Final = (
    View("unpriced_calls_to_unpriced_models", "unpriced_models", _MODELS),
    View("llm_spans_to_unpriced_calls", "unpriced_calls", _CALLS),
)
