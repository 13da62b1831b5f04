-- What the application did about a request, as it says so on any of its spans; NULL and '' where it says nothing.
ALTER TABLE llm_spans
    ADD COLUMN IF NOT EXISTS is_abandoned Bool DEFAULT false AFTER finish_reason, -- nobody waited for the end
    ADD COLUMN IF NOT EXISTS retries Nullable(UInt64) CODEC(ZSTD(1)) AFTER fallback_reason,
    ADD COLUMN IF NOT EXISTS repairs Nullable(UInt64) CODEC(ZSTD(1)) AFTER retries,
    ADD COLUMN IF NOT EXISTS cache_hit Nullable(Bool) CODEC(ZSTD(1)) AFTER repairs,
    ADD COLUMN IF NOT EXISTS guardrail_name LowCardinality(String) AFTER cache_hit,
    ADD COLUMN IF NOT EXISTS guardrail_decision LowCardinality(String) AFTER guardrail_name, -- pass, block or modify
    ADD COLUMN IF NOT EXISTS route_name LowCardinality(String) AFTER guardrail_decision,
    ADD COLUMN IF NOT EXISTS route_choice LowCardinality(String) AFTER route_name,
    -- 0 to 1, as sent
    ADD COLUMN IF NOT EXISTS route_confidence Nullable(Float64) CODEC(ZSTD(1)) AFTER route_choice;

-- The same of a whole request; in later rows the difference.
ALTER TABLE llm_traces
    ADD COLUMN IF NOT EXISTS retried Int64 CODEC(ZSTD(1)) AFTER unpriced_calls,   -- 1: an attempt was repeated
    ADD COLUMN IF NOT EXISTS repaired Int64 CODEC(ZSTD(1)) AFTER retried,         -- 1: an output was mended
    ADD COLUMN IF NOT EXISTS blocked Int64 CODEC(ZSTD(1)) AFTER repaired,         -- 1: by a guardrail
    ADD COLUMN IF NOT EXISTS cache_lookups Int64 CODEC(ZSTD(1)) AFTER blocked,
    ADD COLUMN IF NOT EXISTS cache_hits Int64 CODEC(ZSTD(1)) AFTER cache_lookups,
    ADD COLUMN IF NOT EXISTS routes Int64 CODEC(ZSTD(1)) AFTER cache_hits,        -- decisions with a confidence
    ADD COLUMN IF NOT EXISTS unsure_routes Int64 CODEC(ZSTD(1)) AFTER routes,     -- of them those below a half
    -- sum over `routes`
    ADD COLUMN IF NOT EXISTS confidence Float64 CODEC(ZSTD(1)) AFTER unsure_routes;

ALTER TABLE llm_rollups
    -- per settled request
    ADD COLUMN IF NOT EXISTS retried SimpleAggregateFunction(sum, Int64) AFTER late_spans,
    ADD COLUMN IF NOT EXISTS repaired SimpleAggregateFunction(sum, Int64) AFTER retried,
    ADD COLUMN IF NOT EXISTS blocked SimpleAggregateFunction(sum, Int64) AFTER repaired,
    ADD COLUMN IF NOT EXISTS cache_lookups SimpleAggregateFunction(sum, Int64) AFTER blocked,
    ADD COLUMN IF NOT EXISTS cache_hits SimpleAggregateFunction(sum, Int64) AFTER cache_lookups,
    ADD COLUMN IF NOT EXISTS routes SimpleAggregateFunction(sum, Int64) AFTER cache_hits,
    ADD COLUMN IF NOT EXISTS unsure_routes SimpleAggregateFunction(sum, Int64) AFTER routes,
    ADD COLUMN IF NOT EXISTS confidence SimpleAggregateFunction(sum, Float64) AFTER unsure_routes,
    -- per call
    ADD COLUMN IF NOT EXISTS abandoned_calls SimpleAggregateFunction(sum, Int64) AFTER estimated_calls,
    -- feedback: how often each named signal came, and how many of `task_success` said yes
    ADD COLUMN IF NOT EXISTS signals SimpleAggregateFunction(sumMap, Map(String, Int64)) AFTER reports,
    ADD COLUMN IF NOT EXISTS successes SimpleAggregateFunction(sum, Int64) AFTER signals;
