"""``llm_spans`` and ``evaluations`` to sums per minute, and to the judge's queue."""

from __future__ import annotations

from typing import Final

from driftline_processors.views.view import View
from driftline_store.histogram import bin_sql

SEGMENT: Final = "service, environment, feature, model, prompt_name, prompt_version"

_SPAN_SUMS: Final = f"""\
SELECT
    toStartOfMinute(toDateTime(start, 'UTC')) AS minute, {SEGMENT},
    countIf(is_request) AS requests,
    countIf(is_request AND is_error) AS request_errors,
    countIf(is_request AND error_class = 'timeout') AS timeouts,
    countIf(is_request AND error_class = 'rate_limit') AS rate_limits,
    countIf(is_request AND error_class = 'content_policy') AS content_blocks,
    countIf(is_request AND fallback_reason != '') AS fallbacks,
    sumMap(if(is_request, map({bin_sql("duration")}, 1::UInt64), map())) AS request_seconds,
    countIf(is_call) AS calls,
    countIf(is_call AND is_error) AS call_errors,
    sumMap(if(is_call, map({bin_sql("duration")}, 1::UInt64), map())) AS call_seconds,
    sumMap(if(is_call AND time_to_first_token IS NOT NULL,
        map({bin_sql("ifNull(time_to_first_token, 0)")}, 1::UInt64), map())) AS first_token_seconds,
    sumIf(ifNull(span.input_tokens, 0), is_call) AS input_tokens,
    sumIf(ifNull(span.output_tokens, 0), is_call) AS output_tokens,
    sumIf(ifNull(cache_read_tokens, 0), is_call) AS cached_tokens,
    sumIf(toDecimal128(ifNull(span.cost, 0), 12), is_call) AS cost,
    countIf(is_call AND span.cost IS NULL AND NOT is_error) AS unpriced_calls,
    uniqStateIf(session_id, session_id != '') AS sessions,
    uniqStateIf(user_id, user_id != '') AS users
FROM llm_spans AS span
WHERE is_call OR is_request
GROUP BY minute, {SEGMENT}"""

_EVALUATION_SUMS: Final = f"""\
SELECT
    toStartOfMinute(toDateTime(request_start, 'UTC')) AS minute, {SEGMENT},
    countIf(source = 'human' AND label = 'thumbs_up') AS thumbs_up,
    countIf(source = 'human' AND label = 'thumbs_down') AS thumbs_down,
    countIf(source = 'human' AND label = 'report') AS reports,
    countIf(is_judged) AS judged,
    countIf(source = 'judge' AND score IS NULL) AS judge_failures,
    sumIf(w, is_judged) AS judged_w,
    sumIf(w * s, is_judged) AS judged_ws,
    sumIf(w * w, is_judged) AS judged_w2,
    sumIf(w * w * s, is_judged) AS judged_w2s,
    sumIf(w * w * s * s, is_judged) AS judged_w2s2,
    sumIf(toDecimal128(ifNull(evaluation.cost, 0), 12), source = 'judge') AS judge_cost
FROM (
    SELECT *, source = 'judge' AND score IS NOT NULL AS is_judged,
        1 / if(inclusion_probability > 0, inclusion_probability, 1) AS w, ifNull(score, 0) AS s
    FROM evaluations
) AS evaluation
GROUP BY minute, {SEGMENT}"""

_THRESHOLD: Final = "(1 - rate) * 72057594037927936"
"""A request is judged when its 56 random bits reach this: ``2 ** 56`` times what is left out."""

_QUEUE: Final = f"""\
SELECT
    trace_id, span_id, now64(3, 'UTC') AS queued_at, start AS request_start, {SEGMENT},
    rate AS inclusion_probability, system, input, output
FROM (
    SELECT *, dictGetOrDefault('judge_rate', 'rate', tuple(''), 0.) AS rate,
        reinterpretAsUInt64(reverse(substring(unhex(trace_id), 10, 7))) AS randomness
    FROM llm_spans
)
WHERE is_request AND NOT is_error AND operation != 'embeddings' AND rate > 0 AND randomness >= {_THRESHOLD}"""

ROLLUP_VIEWS: Final = (
    View("llm_spans_to_minutes", "llm_minutes", _SPAN_SUMS),
    View("evaluations_to_minutes", "llm_minutes", _EVALUATION_SUMS),
    View("llm_spans_to_judge_queue", "judge_queue", _QUEUE),
)
