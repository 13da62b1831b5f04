-- Sums per minute of event time and segment: what the dashboard and the alert rules read. Its size, and so the cost
-- of every question about a time range, depends on the number of segments, not of spans.
CREATE TABLE IF NOT EXISTS llm_minutes (
    minute DateTime('UTC'),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    -- per request
    requests SimpleAggregateFunction(sum, UInt64),
    request_errors SimpleAggregateFunction(sum, UInt64),
    timeouts SimpleAggregateFunction(sum, UInt64),
    rate_limits SimpleAggregateFunction(sum, UInt64),
    content_blocks SimpleAggregateFunction(sum, UInt64),
    fallbacks SimpleAggregateFunction(sum, UInt64),
    request_seconds SimpleAggregateFunction(sumMap, Map(Int16, UInt64)),       -- logarithmic bin -> count
    -- per call
    calls SimpleAggregateFunction(sum, UInt64),
    call_errors SimpleAggregateFunction(sum, UInt64),
    call_seconds SimpleAggregateFunction(sumMap, Map(Int16, UInt64)),
    first_token_seconds SimpleAggregateFunction(sumMap, Map(Int16, UInt64)),
    input_tokens SimpleAggregateFunction(sum, UInt64),
    output_tokens SimpleAggregateFunction(sum, UInt64),
    cached_tokens SimpleAggregateFunction(sum, UInt64),
    cost SimpleAggregateFunction(sum, Decimal(38, 12)),                        -- USD, of calls with a known price
    unpriced_calls SimpleAggregateFunction(sum, UInt64),
    -- distinct
    sessions AggregateFunction(uniq, String),
    users AggregateFunction(uniq, String),
    -- feedback
    thumbs_up SimpleAggregateFunction(sum, UInt64),
    thumbs_down SimpleAggregateFunction(sum, UInt64),
    reports SimpleAggregateFunction(sum, UInt64),
    -- judgements: sums of powers of the weight w = 1 / inclusion probability and the score s
    judged SimpleAggregateFunction(sum, UInt64),
    judge_failures SimpleAggregateFunction(sum, UInt64),
    judged_w SimpleAggregateFunction(sum, Float64),
    judged_ws SimpleAggregateFunction(sum, Float64),
    judged_w2 SimpleAggregateFunction(sum, Float64),
    judged_w2s SimpleAggregateFunction(sum, Float64),
    judged_w2s2 SimpleAggregateFunction(sum, Float64),
    judge_cost SimpleAggregateFunction(sum, Decimal(38, 12))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, service, environment, feature, model, prompt_name, prompt_version)
SETTINGS non_replicated_deduplication_window = 10000;

-- USD per million tokens for one (provider, model), from `from_tokens` input tokens on.
CREATE TABLE IF NOT EXISTS model_prices (
    provider String,
    model String,
    from_tokens UInt64,
    to_tokens UInt64,
    known Bool,                                       -- false: looked for and not found
    input Decimal(18, 6),
    cache_read Decimal(18, 6),
    cache_write Decimal(18, 6),
    output Decimal(18, 6),
    version LowCardinality(String),
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY (provider, model, from_tokens);

-- Models seen whose calls could not be priced, for the price processor to look up and for people to see.
CREATE TABLE IF NOT EXISTS unpriced_models (
    provider LowCardinality(String),
    model LowCardinality(String),
    calls SimpleAggregateFunction(sum, UInt64),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (provider, model)
SETTINGS non_replicated_deduplication_window = 10000;
