-- Prices have a history: a row holds from one UTC day to another, and on those days from one minute to another (some
-- sellers charge by the hour). The oldest prices hold from 1970 on, the newest until the last day that the type knows.
ALTER TABLE model_prices
    ADD COLUMN IF NOT EXISTS valid_from Date AFTER model,
    ADD COLUMN IF NOT EXISTS from_minute UInt16 AFTER valid_from,
    MODIFY ORDER BY (provider, model, from_tokens, valid_from, from_minute);
ALTER TABLE model_prices
    ADD COLUMN IF NOT EXISTS valid_to Date DEFAULT toDate('2149-06-06') AFTER valid_from,
    ADD COLUMN IF NOT EXISTS to_minute UInt16 DEFAULT 1439 AFTER from_minute;

-- Made again, with the history in its key, when the views are installed.
DROP DICTIONARY IF EXISTS prices;

-- Calls that came before the price of their model was known, with all that is needed to price them. A row is never
-- changed: whether a call has been priced since stands in cost_corrections.
CREATE TABLE IF NOT EXISTS unpriced_calls (
    provider LowCardinality(String),
    model LowCardinality(String),
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    arrived DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    session_id String CODEC(ZSTD(1)),
    is_error Bool,
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_read_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_write_tokens Nullable(UInt64) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (provider, model, start, trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- The models are counted from there now.
DROP VIEW IF EXISTS llm_spans_to_unpriced_models;
TRUNCATE TABLE unpriced_calls;
INSERT INTO unpriced_calls
SELECT
    provider, model, start, trace_id, span_id, arrived, service, environment, feature, prompt_name, prompt_version,
    session_id, is_error, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
FROM llm_spans
WHERE is_call AND cost IS NULL AND price_version = '' AND model != '';

-- Costs of calls whose model had no price when they came. A batch is numbered within its month, and its number names
-- it to the engine's deduplication: of two writers only one can write batch 8.
CREATE TABLE IF NOT EXISTS cost_corrections (
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    feature LowCardinality(String),
    model LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    provider LowCardinality(String),
    session_id String CODEC(ZSTD(1)),
    is_error Bool,                                    -- calls that failed were not counted as unpriced
    cost Decimal(18, 12) CODEC(ZSTD(1)),              -- USD
    price_version LowCardinality(String),
    batch UInt64 CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (start, trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- How far the calls of a model have been priced afterwards. The latest row per provider and model rules.
CREATE TABLE IF NOT EXISTS price_backfills (
    provider String,
    model String,
    calls UInt64,                                     -- as counted in unpriced_models when they were looked at
    priced_at DateTime64(3, 'UTC'),                   -- when the newest of the prices that were used was set
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (provider, model);

-- The state of the price sources that model_prices was brought to.
CREATE TABLE IF NOT EXISTS price_loads (
    version String,
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY at;
