-- One row per span. Money is Decimal and NULL where the price is unknown; token counts are NULL where none were
-- sent; input tokens include cached ones, output tokens include reasoning ones. Content is kept as it was sent
-- (see driftline_store.content for the shapes) and compressed harder than the rest.
CREATE TABLE IF NOT EXISTS llm_spans (
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    scope LowCardinality(String),
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),           -- clamped to a sane range
    start_unix_nano UInt64 CODEC(Delta, ZSTD(1)),               -- as sent
    duration Float64 CODEC(ZSTD(1)),                            -- seconds, never negative
    arrived DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    release LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    operation LowCardinality(String),
    is_call Bool,
    is_request Bool,
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    response_id String CODEC(ZSTD(1)),
    tool_name LowCardinality(String),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_read_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_write_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    reasoning_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cost Nullable(Decimal(18, 12)) CODEC(ZSTD(1)),              -- USD
    reported_cost Nullable(Float64) CODEC(ZSTD(1)),             -- USD, as the instrumentation claims
    price_version LowCardinality(String),
    time_to_first_token Nullable(Float64) CODEC(ZSTD(1)),       -- seconds
    is_streaming Nullable(Bool),
    finish_reason LowCardinality(String),
    is_error Bool,
    error_class LowCardinality(String),
    error_type LowCardinality(String),
    error_message String CODEC(ZSTD(3)),
    fallback_reason LowCardinality(String),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    system String CODEC(ZSTD(3)),
    input String CODEC(ZSTD(3)),
    output String CODEC(ZSTD(3)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_response response_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (start, trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- Content that came as log events; joined to its span by trace and span id where a person or the judge reads it.
CREATE TABLE IF NOT EXISTS llm_content (
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    system String CODEC(ZSTD(3)),
    input String CODEC(ZSTD(3)),
    output String CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- What could not be stored, with its bytes, so that it can be looked at and sent again.
CREATE TABLE IF NOT EXISTS dead_letters (
    at DateTime64(3, 'UTC') DEFAULT now64(3),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    error String,
    value String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 10000;
