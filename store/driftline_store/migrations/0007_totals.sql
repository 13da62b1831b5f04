DROP TABLE IF EXISTS llm_minutes;

-- Rules that every answer is checked by. The latest row per name rules; see driftline_processors.checks.
CREATE TABLE IF NOT EXISTS answer_checks (
    name String,
    kind LowCardinality(String),                      -- fallback, forbidden, required, length or json
    feature String,                                   -- '' is every feature
    pattern String,                                   -- regular expression, for the first three kinds
    shortest UInt64,                                  -- characters, for length
    longest UInt64,
    active Bool,
    set_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY name;

ALTER TABLE llm_spans ADD COLUMN IF NOT EXISTS checks UInt16 DEFAULT 0 AFTER fallback_reason;
ALTER TABLE llm_spans ADD COLUMN IF NOT EXISTS failed_checks Array(LowCardinality(String)) AFTER checks;

-- Segments that keep their own sums once there are too many; key 0 marks a set as complete. The latest set rules.
CREATE TABLE IF NOT EXISTS admitted_segments (
    set_at DateTime64(3, 'UTC'),
    key UInt64
)
ENGINE = MergeTree
ORDER BY (set_at, key)
TTL toDateTime(set_at) + INTERVAL 40 DAY;

-- Totals of one request, written when its trace has settled; further rows of a trace are what came late, as
-- differences, so that sums over a trace's rows are its totals.
CREATE TABLE IF NOT EXISTS llm_traces (
    trace_id String CODEC(ZSTD(1)),
    settled_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    is_first Bool,
    is_again Bool,                                              -- first once more, after a replay: detectors know it
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    duration Float64 CODEC(ZSTD(1)),                            -- seconds; 0 in later rows
    name LowCardinality(String),                                -- of the span that stands for the request
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),                               -- of the call that gave the answer
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    counted_model LowCardinality(String),                       -- under which the request was counted when it came
    was_counted Bool,                                           -- whether it was: a span of it is a request
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    is_error Bool,
    error_class LowCardinality(String),
    fallback_reason LowCardinality(String),
    counted_fallback LowCardinality(String),                    -- the reason that was counted when it came
    spans Int64 CODEC(ZSTD(1)),
    calls Int64 CODEC(ZSTD(1)),
    call_errors Int64 CODEC(ZSTD(1)),
    input_tokens Int64 CODEC(ZSTD(1)),
    output_tokens Int64 CODEC(ZSTD(1)),
    cost Decimal(18, 12) CODEC(ZSTD(1)),                        -- USD, of calls with a known price
    unpriced_calls Int64 CODEC(ZSTD(1)),
    cost_before Decimal(18, 12) CODEC(ZSTD(1)),                 -- of the trace's earlier rows
    unpriced_before Int64 CODEC(ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_settled settled_at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (start, trace_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- Totals of one session, written when it has been quiet for a while; further rows are differences, as in llm_traces.
CREATE TABLE IF NOT EXISTS llm_sessions (
    session_id String CODEC(ZSTD(1)),
    settled_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    is_first Bool,
    is_again Bool,
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),           -- of its first request
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    requests Int64 CODEC(ZSTD(1)),
    request_errors Int64 CODEC(ZSTD(1)),
    fallbacks Int64 CODEC(ZSTD(1)),
    calls Int64 CODEC(ZSTD(1)),
    cost Decimal(18, 12) CODEC(ZSTD(1)),                        -- USD
    unpriced_calls Int64 CODEC(ZSTD(1)),
    cost_before Decimal(18, 12) CODEC(ZSTD(1)),
    unpriced_before Int64 CODEC(ZSTD(1)),
    INDEX by_session session_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_settled settled_at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (start, session_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- How far each settling step has come: what arrived before `until` has been looked at. A replay sets it back.
CREATE TABLE IF NOT EXISTS settled_windows (
    step LowCardinality(String),
    target LowCardinality(String),                              -- table of its totals
    until DateTime64(3, 'UTC'),
    furthest DateTime64(3, 'UTC'),                              -- the latest `until` that there was
    settled_at DateTime64(3, 'UTC')                             -- of the rows that the step wrote
)
ENGINE = ReplacingMergeTree(settled_at)
ORDER BY step;
ALTER TABLE llm_spans ADD INDEX IF NOT EXISTS by_arrival arrived TYPE minmax GRANULARITY 1;
