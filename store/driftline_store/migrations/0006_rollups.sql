-- Sums per segment at four resolutions: per minute, hour and day of event time, for people; per minute of arrival, for
-- detectors, who apply each minute once and so must never see an earlier one change. Its size, and so the cost of
-- every question about a time range, depends on the number of segments, not of spans. Counts are signed, so that a
-- correction is one more row.
CREATE TABLE IF NOT EXISTS llm_rollups (
    resolution Enum8('minute' = 1, 'hour' = 2, 'day' = 3, 'arrival' = 4),
    at DateTime('UTC'),                                                        -- begin of the minute, hour or day
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    -- per request; by arrival only when it is settled
    requests SimpleAggregateFunction(sum, Int64),
    request_errors SimpleAggregateFunction(sum, Int64),
    request_error_classes SimpleAggregateFunction(sumMap, Map(String, Int64)),
    fallbacks SimpleAggregateFunction(sum, Int64),
    fallback_reasons SimpleAggregateFunction(sumMap, Map(String, Int64)),
    request_seconds SimpleAggregateFunction(sumMap, Map(Int16, Int64)),        -- logarithmic bin -> count
    -- per request that is settled: its trace is complete, as far as one can know
    settled_requests SimpleAggregateFunction(sum, Int64),
    request_cost SimpleAggregateFunction(sumMap, Map(Int16, Int64)),           -- USD, where all its calls are priced
    late_spans SimpleAggregateFunction(sum, Int64),
    -- per session that has been quiet for a while
    settled_sessions SimpleAggregateFunction(sum, Int64),
    session_cost SimpleAggregateFunction(sumMap, Map(Int16, Int64)),           -- USD
    session_requests SimpleAggregateFunction(sum, Int64),
    -- per call
    calls SimpleAggregateFunction(sum, Int64),
    call_errors SimpleAggregateFunction(sum, Int64),
    call_error_classes SimpleAggregateFunction(sumMap, Map(String, Int64)),
    call_seconds SimpleAggregateFunction(sumMap, Map(Int16, Int64)),
    first_token_seconds SimpleAggregateFunction(sumMap, Map(Int16, Int64)),
    call_cost SimpleAggregateFunction(sumMap, Map(Int16, Int64)),              -- USD
    call_output_tokens SimpleAggregateFunction(sumMap, Map(Int16, Int64)),
    input_tokens SimpleAggregateFunction(sum, Int64),
    output_tokens SimpleAggregateFunction(sum, Int64),
    cached_tokens SimpleAggregateFunction(sum, Int64),
    cost SimpleAggregateFunction(sum, Decimal(38, 12)),                        -- USD, of calls with a known price
    unpriced_calls SimpleAggregateFunction(sum, Int64),
    estimated_calls SimpleAggregateFunction(sum, Int64),                       -- tokens counted by the sender itself
    -- per answer
    checked SimpleAggregateFunction(sum, Int64),                               -- answers that a rule applied to
    check_failed SimpleAggregateFunction(sum, Int64),
    check_failures SimpleAggregateFunction(sumMap, Map(String, Int64)),        -- rule -> answers that failed it
    -- distinct
    sessions AggregateFunction(uniqCombined(13), String),
    users AggregateFunction(uniqCombined(13), String),
    -- feedback
    thumbs_up SimpleAggregateFunction(sum, Int64),
    thumbs_down SimpleAggregateFunction(sum, Int64),
    reports SimpleAggregateFunction(sum, Int64),
    -- judgements: sums of powers of the weight w = 1 / inclusion probability and the score s
    judged SimpleAggregateFunction(sum, Int64),
    judge_failures SimpleAggregateFunction(sum, Int64),
    judged_w SimpleAggregateFunction(sum, Float64),
    judged_ws SimpleAggregateFunction(sum, Float64),
    judged_w2 SimpleAggregateFunction(sum, Float64),
    judged_w2s SimpleAggregateFunction(sum, Float64),
    judged_w2s2 SimpleAggregateFunction(sum, Float64),
    judge_cost SimpleAggregateFunction(sum, Decimal(38, 12))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (resolution, at, service, environment, feature, model, prompt_name, prompt_version)
SETTINGS non_replicated_deduplication_window = 10000;

-- What the sums per minute held so far. Their views go first: nothing may arrive while it moves.
DROP VIEW IF EXISTS llm_spans_to_minutes;
DROP VIEW IF EXISTS evaluations_to_minutes;
TRUNCATE TABLE llm_rollups;
INSERT INTO llm_rollups (
    resolution, at, service, environment, feature, model, prompt_name, prompt_version,
    requests, request_errors, request_error_classes, fallbacks, request_seconds,
    calls, call_errors, call_seconds, first_token_seconds, input_tokens, output_tokens, cached_tokens, cost,
    unpriced_calls, thumbs_up, thumbs_down, reports,
    judged, judge_failures, judged_w, judged_ws, judged_w2, judged_w2s, judged_w2s2, judge_cost
)
SELECT
    level.1, level.2, service, environment, feature, model, prompt_name, prompt_version,
    requests, request_errors,
    mapFilter((k, v) -> v > 0, map('timeout', timeouts, 'rate_limit', rate_limits, 'content_policy', content_blocks)),
    fallbacks, request_seconds,
    calls, call_errors, call_seconds, first_token_seconds, input_tokens, output_tokens, cached_tokens, cost,
    unpriced_calls, thumbs_up, thumbs_down, reports,
    judged, judge_failures, judged_w, judged_ws, judged_w2, judged_w2s, judged_w2s2, judge_cost
FROM llm_minutes
ARRAY JOIN [(1, minute), (2, toStartOfHour(minute)), (3, toStartOfDay(minute))] AS level;
-- Distinct counts are kept in another form now, so they are counted anew.
INSERT INTO llm_rollups (
    resolution, at, service, environment, feature, model, prompt_name, prompt_version, sessions, users
)
SELECT
    level.1, level.2 AS begin, service, environment, feature, model, prompt_name, prompt_version,
    uniqCombinedStateIf(13)(session_id, session_id != ''), uniqCombinedStateIf(13)(user_id, user_id != '')
FROM llm_spans
ARRAY JOIN [
    (1, toStartOfMinute(toDateTime(start, 'UTC'))),
    (2, toStartOfHour(toDateTime(start, 'UTC'))),
    (3, toStartOfDay(toDateTime(start, 'UTC')))
] AS level
WHERE is_call OR is_request
GROUP BY level.1, begin, service, environment, feature, model, prompt_name, prompt_version;
